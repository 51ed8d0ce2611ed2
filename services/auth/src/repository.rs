//! Every SQL statement of auth. Each names the space it touches; roles, invitations and the look of
//! the instance are the instance's own.

pub mod instance;
pub mod invitations;
pub mod keys;
pub mod resets;
pub mod roles;

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

/// Nobody's password any more: its account did not come to be.
pub async fn remove_password(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    tx.query("delete from auth_credentials where space_id = $1").bind(space).run().await?;
    Ok(())
}

/// Removes all that auth holds of a person.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    tx.query("delete from auth_credentials where space_id = $1").bind(space).run().await?;
    tx.query("delete from auth_keys where space_id = $1").bind(space).run().await?;
    tx.query("delete from auth_resets where space_id = $1").bind(space).run().await?;
    // who accepted is nobody any more; an address that was invited is a person's as well
    tx.query("delete from auth_invitations where account = $1 or accepted_by = $1").bind(space).run().await?;
    Ok(())
}
