//! Every SQL statement of auth. Each names the space it touches.

use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

/// The hash of a person's password, as a PHC string.
pub async fn password(tx: &mut Tx<'_>, space: Uuid) -> Result<Option<String>> {
    tx.query("select phc from auth_credentials where space_id = $1 and kind = 'password'").bind(space).value().await
}

pub async fn set_password(tx: &mut Tx<'_>, space: Uuid, phc: &str, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "insert into auth_credentials (space_id, kind, phc, created_at, updated_at) values ($1, 'password', $2, $3, $3)
         on conflict (space_id, kind) do update set phc = excluded.phc, updated_at = excluded.updated_at",
    )
    .bind(space)
    .bind(phc)
    .bind(now)
    .run()
    .await?;
    Ok(())
}
