//! All that chat knows of a space, out of the world.

use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

/// Nothing is stored in the space any more. Again changes nothing.
pub async fn mark_gone(tx: &mut Tx<'_>, space: Uuid, at: DateTime<Utc>) -> Result<()> {
    tx.query("insert into chat_gone (space_id, at) values ($1, $2) on conflict (space_id) do nothing")
        .bind(space)
        .bind(at)
        .run()
        .await?;
    Ok(())
}

pub async fn is_gone(tx: &mut Tx<'_>, space: Uuid) -> Result<bool> {
    let found: Option<i64> = tx.query("select 1 from chat_gone where space_id = $1").bind(space).value().await?;
    Ok(found.is_some())
}

/// Forgets who is gone since before then.
pub async fn forget_gone(tx: &mut Tx<'_>, before: DateTime<Utc>) -> Result<u64> {
    tx.query("delete from chat_gone where at < $1").bind(before).run().await
}

struct Id {
    id: Uuid,
}
from_row!(Id { id });

/// Some of its chats.
pub async fn chats(tx: &mut Tx<'_>, space: Uuid, limit: i64) -> Result<Vec<Uuid>> {
    let found: Vec<Id> = tx
        .query("select id from chat_chats where space_id = $1 order by id limit $2")
        .bind(space)
        .bind(limit)
        .all()
        .await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// What is left when its chats are gone.
pub async fn rest(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    for sql in [
        "delete from chat_projects where space_id = $1",
        "delete from chat_drafts where space_id = $1",
        "delete from chat_attachments where space_id = $1",
        "delete from chat_files where space_id = $1",
        "delete from chat_imports where space_id = $1",
        "delete from chat_exports where space_id = $1",
        "delete from chat_sends where space_id = $1",
        "delete from chat_events where space_id = $1",
    ] {
        tx.query(sql).bind(space).run().await?;
    }
    Ok(())
}
