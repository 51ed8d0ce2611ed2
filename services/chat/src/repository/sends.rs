//! What each send answered, so that the same request again gets the same answer.

use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

/// A send that was answered.
pub struct Send {
    /// SHA-256 of what was asked.
    pub request: Vec<u8>,
    /// The JSON it was answered with; empty when the chat was erased since.
    pub answer: String,
}
from_row!(Send { request, answer });

pub async fn find(tx: &mut Tx<'_>, space: Uuid, key: &str) -> Result<Option<Send>> {
    tx.query("select request, answer from chat_sends where space_id = $1 and key = $2")
        .bind(space)
        .bind(key)
        .maybe()
        .await
}

pub async fn insert(
    tx: &mut Tx<'_>,
    space: Uuid,
    chat: Uuid,
    key: &str,
    send: &Send,
    now: DateTime<Utc>,
) -> Result<()> {
    tx.query(
        "insert into chat_sends (space_id, chat_id, key, request, answer, created_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(space)
    .bind(chat)
    .bind(key)
    .bind(send.request.clone())
    .bind(send.answer.as_str())
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// Forgets sends from before `oldest`, some at a time; answers how many.
pub async fn forget(tx: &mut Tx<'_>, oldest: DateTime<Utc>) -> Result<u64> {
    tx.query(
        "delete from chat_sends where (space_id, key) in
             (select space_id, key from chat_sends where created_at < $1 limit 1000)",
    )
    .bind(oldest)
    .run()
    .await
}
