//! Whose title a chat has: its first line, a model's, or the person's.

use platform::{Result, db::Tx};
use uuid::Uuid;

pub async fn is_first_line(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<bool> {
    let first: Option<i64> = tx
        .query("select 1 from chat_chats where space_id = $1 and id = $2 and title_by = 'first' and deleted_at is null")
        .bind(space)
        .bind(chat)
        .value()
        .await?;
    Ok(first.is_some())
}

/// A model's title takes the place of the first line, never of a person's. It does not count as a
/// change that a person could have missed. Answers whether it did.
pub async fn generated(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, title: &str) -> Result<bool> {
    let changed = tx
        .query(
            "update chat_chats set title = $3, title_by = 'generated'
             where space_id = $1 and id = $2 and title_by = 'first'",
        )
        .bind(space)
        .bind(chat)
        .bind(title)
        .run()
        .await?;
    Ok(changed > 0)
}
