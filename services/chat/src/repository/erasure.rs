//! All that chat knows of a space, out of the world.

use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

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
