//! The table of chats.

use crate::domain::Chat;
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, title, model, version, created_at, updated_at, exists (
                 select 1 from chat_messages m
                 where m.space_id = chat_chats.space_id and m.chat_id = chat_chats.id and m.state in ('queued', 'streaming')
             ) as running
             from chat_chats ",
            $rest
        )
    };
}

/// Where a page of the list ended.
#[derive(Clone, Copy)]
pub struct Cursor {
    pub updated_at: DateTime<Utc>,
    pub id: Uuid,
}

/// Newest activity first.
pub async fn list(tx: &mut Tx<'_>, space: Uuid, before: Option<Cursor>, limit: i64) -> Result<Vec<Chat>> {
    match before {
        None => {
            let sql = select!("where space_id = $1 and deleted_at is null order by updated_at desc, id desc limit $2");
            tx.query(sql).bind(space).bind(limit).all().await
        }
        Some(before) => {
            let sql = select!(
                "where space_id = $1 and deleted_at is null and (updated_at, id) < ($2, $3)
                 order by updated_at desc, id desc limit $4"
            );
            tx.query(sql).bind(space).bind(before.updated_at).bind(before.id).bind(limit).all().await
        }
    }
}

/// A chat that is not in the trash.
pub async fn find(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Chat>> {
    let sql = select!("where space_id = $1 and id = $2 and deleted_at is null");
    tx.query(sql).bind(space).bind(id).maybe().await
}

/// The active leaf, of a chat in the trash as well.
pub async fn leaf(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Uuid>> {
    tx.query("select active_leaf from chat_chats where space_id = $1 and id = $2").bind(space).bind(id).value().await
}

pub async fn insert(tx: &mut Tx<'_>, space: Uuid, chat: &Chat, leaf: Uuid) -> Result<()> {
    tx.query(
        "insert into chat_chats (space_id, id, title, model, version, active_leaf, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(space)
    .bind(chat.id)
    .bind(chat.title.as_str())
    .bind(chat.model.as_str())
    .bind(chat.version)
    .bind(leaf)
    .bind(chat.created_at)
    .bind(chat.updated_at)
    .run()
    .await?;
    Ok(())
}

/// A turn was added at the end.
pub async fn advance(tx: &mut Tx<'_>, space: Uuid, chat: &Chat, leaf: Uuid) -> Result<()> {
    tx.query("update chat_chats set active_leaf = $3, model = $4, updated_at = $5 where space_id = $1 and id = $2")
        .bind(space)
        .bind(chat.id)
        .bind(leaf)
        .bind(chat.model.as_str())
        .bind(chat.updated_at)
        .run()
        .await?;
    Ok(())
}

/// Something happened in it; what a person changes stays at its version.
pub async fn touch(tx: &mut Tx<'_>, space: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    tx.query("update chat_chats set updated_at = $3 where space_id = $1 and id = $2 and updated_at < $3")
        .bind(space)
        .bind(id)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

pub async fn rename(tx: &mut Tx<'_>, space: Uuid, chat: &Chat) -> Result<()> {
    tx.query("update chat_chats set title = $3, version = $4 where space_id = $1 and id = $2")
        .bind(space)
        .bind(chat.id)
        .bind(chat.title.as_str())
        .bind(chat.version)
        .run()
        .await?;
    Ok(())
}

/// Into the trash, or out of it with `None`. Answers whether that changed anything.
pub async fn set_deleted(tx: &mut Tx<'_>, space: Uuid, id: Uuid, at: Option<DateTime<Utc>>) -> Result<bool> {
    let changed = tx
        .query(
            "update chat_chats set deleted_at = $3, version = version + 1
             where space_id = $1 and id = $2 and (deleted_at is null) = ($3 is not null)",
        )
        .bind(space)
        .bind(id)
        .bind(at)
        .run()
        .await?;
    Ok(changed > 0)
}
