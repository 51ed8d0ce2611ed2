//! Every SQL statement of session. Each names the space it touches, but for the one that forgets.

use crate::domain::Session;
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, principal::Role};
use uuid::Uuid;

pub async fn insert(tx: &mut Tx<'_>, session: &Session) -> Result<()> {
    tx.query(
        "insert into session_sessions
             (space_id, id, token_hash, role, device, address, created_at, seen_at, ends_at, revoked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(session.user)
    .bind(session.id)
    .bind(session.token_hash.clone())
    .bind(session.role.name())
    .bind(session.device.as_str())
    .bind(session.address.clone())
    .bind(session.created_at)
    .bind(session.seen_at)
    .bind(session.ends_at)
    .bind(session.revoked_at)
    .run()
    .await?;
    Ok(())
}

pub async fn find_by_token(tx: &mut Tx<'_>, space: Uuid, token_hash: Vec<u8>) -> Result<Option<Session>> {
    tx.query("select * from session_sessions where space_id = $1 and token_hash = $2")
        .bind(space)
        .bind(token_hash)
        .maybe()
        .await
}

/// The sessions of a person that nobody has ended, those used last first.
pub async fn alive(tx: &mut Tx<'_>, space: Uuid) -> Result<Vec<Session>> {
    tx.query(
        "select * from session_sessions where space_id = $1 and revoked_at is null
         order by seen_at desc, id desc limit 1000",
    )
    .bind(space)
    .all()
    .await
}

/// Notes the last use and where from, never an earlier one than is known.
pub async fn set_seen(
    tx: &mut Tx<'_>,
    space: Uuid,
    id: Uuid,
    address: Option<String>,
    at: DateTime<Utc>,
) -> Result<()> {
    tx.query(
        "update session_sessions set seen_at = $3, address = coalesce($4, address)
         where space_id = $1 and id = $2 and seen_at < $3",
    )
    .bind(space)
    .bind(id)
    .bind(at)
    .bind(address)
    .run()
    .await?;
    Ok(())
}

/// The role that decides how long it lives.
pub async fn set_role(tx: &mut Tx<'_>, space: Uuid, id: Uuid, role: &Role, ends_at: DateTime<Utc>) -> Result<()> {
    tx.query("update session_sessions set role = $3, ends_at = $4 where space_id = $1 and id = $2")
        .bind(space)
        .bind(id)
        .bind(role.name())
        .bind(ends_at)
        .run()
        .await?;
    Ok(())
}

/// Removes all that session holds of a person.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    tx.query("delete from session_sessions where space_id = $1").bind(space).run().await?;
    Ok(())
}

/// What a session was opened with, while it is remembered.
pub async fn device(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<String>> {
    tx.query("select device from session_sessions where space_id = $1 and id = $2").bind(space).bind(id).value().await
}

/// Answers whether it had not been ended before.
pub async fn revoke(tx: &mut Tx<'_>, space: Uuid, id: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let changed = tx
        .query("update session_sessions set revoked_at = $3 where space_id = $1 and id = $2 and revoked_at is null")
        .bind(space)
        .bind(id)
        .bind(at)
        .run()
        .await?;
    Ok(changed > 0)
}

/// The sessions of a person beyond the `keep` that were used last.
pub async fn surplus(tx: &mut Tx<'_>, space: Uuid, keep: u32) -> Result<Vec<Session>> {
    tx.query(
        "select * from session_sessions where space_id = $1 and revoked_at is null
         order by seen_at desc, id desc limit 1000 offset $2",
    )
    .bind(space)
    .bind(keep)
    .all()
    .await
}

/// What to forget: whatever ended or was last used before these times.
#[derive(Clone, Copy)]
pub struct Oldest {
    pub ended: DateTime<Utc>,
    pub user_seen: DateTime<Utc>,
    pub admin_seen: DateTime<Utc>,
}

/// Forgets sessions that are long over, some at a time; answers how many.
pub async fn forget(tx: &mut Tx<'_>, oldest: Oldest) -> Result<u64> {
    tx.query(
        "delete from session_sessions where (space_id, id) in (
             select space_id, id from session_sessions
             where ends_at < $1 or revoked_at < $1 or seen_at < case role when 'admin' then $3 else $2 end
             limit 1000
         )",
    )
    .bind(oldest.ended)
    .bind(oldest.user_seen)
    .bind(oldest.admin_seen)
    .run()
    .await
}
