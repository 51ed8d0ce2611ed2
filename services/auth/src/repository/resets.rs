//! Links that let a person set a new password, in the person's space.

use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

/// One is good at a time: a new one takes the place of those before.
pub async fn put(
    tx: &mut Tx<'_>,
    space: Uuid,
    id: Uuid,
    token_hash: Vec<u8>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    remove(tx, space).await?;
    tx.query("insert into auth_resets (space_id, id, token_hash, created_at, expires_at) values ($1, $2, $3, $4, $5)")
        .bind(space)
        .bind(id)
        .bind(token_hash)
        .bind(now)
        .bind(expires_at)
        .run()
        .await?;
    Ok(())
}

/// Until when this token is good, if it is anybody's.
pub async fn expiry(tx: &mut Tx<'_>, space: Uuid, token_hash: Vec<u8>) -> Result<Option<DateTime<Utc>>> {
    tx.query("select expires_at from auth_resets where space_id = $1 and token_hash = $2")
        .bind(space)
        .bind(token_hash)
        .value()
        .await
}

/// No link of this person is good any more.
pub async fn remove(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    tx.query("delete from auth_resets where space_id = $1").bind(space).run().await?;
    Ok(())
}
