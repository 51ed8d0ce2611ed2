//! The table of drafts.

use crate::domain::Draft;
use platform::{Result, db::Tx};
use uuid::Uuid;

pub async fn find(tx: &mut Tx<'_>, space: Uuid, key: &str) -> Result<Option<Draft>> {
    tx.query("select text, version, updated_at from chat_drafts where space_id = $1 and key = $2")
        .bind(space)
        .bind(key)
        .maybe()
        .await
}

pub async fn put(tx: &mut Tx<'_>, space: Uuid, key: &str, draft: &Draft) -> Result<()> {
    tx.query(
        "insert into chat_drafts (space_id, key, text, version, updated_at) values ($1, $2, $3, $4, $5)
         on conflict (space_id, key) do update set text = excluded.text, version = excluded.version,
             updated_at = excluded.updated_at",
    )
    .bind(space)
    .bind(key)
    .bind(draft.text.as_str())
    .bind(draft.version)
    .bind(draft.updated_at)
    .run()
    .await?;
    Ok(())
}

/// What was begun to be written in a chat or a project that is erased.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid, of: Uuid) -> Result<()> {
    tx.query("delete from chat_drafts where space_id = $1 and key = $2").bind(space).bind(of.to_string()).run().await?;
    Ok(())
}
