//! Exports, and what goes into them.

use crate::domain::{Draft, Export, Message, parents_first};
use chrono::{DateTime, Utc};
use platform::{
    Result,
    db::{FromRow, Row, Tx},
    from_row,
};
use uuid::Uuid;

pub async fn insert(tx: &mut Tx<'_>, space: Uuid, export: &Export) -> Result<()> {
    tx.query("insert into chat_exports (space_id, id, state, created_at) values ($1, $2, $3, $4)")
        .bind(space)
        .bind(export.id)
        .bind(export.state.as_str())
        .bind(export.created_at)
        .run()
        .await?;
    Ok(())
}

pub async fn find(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Export>> {
    tx.query("select * from chat_exports where space_id = $1 and id = $2").bind(space).bind(id).maybe().await
}

/// The one that is being made, if any.
pub async fn open(tx: &mut Tx<'_>, space: Uuid) -> Result<Option<Export>> {
    tx.query("select * from chat_exports where space_id = $1 and state in ('queued', 'running') order by id limit 1")
        .bind(space)
        .maybe()
        .await
}

pub async fn update(tx: &mut Tx<'_>, space: Uuid, export: &Export) -> Result<()> {
    tx.query("update chat_exports set state = $3, size = $4, expires_at = $5 where space_id = $1 and id = $2")
        .bind(space)
        .bind(export.id)
        .bind(export.state.as_str())
        .bind(export.size)
        .bind(export.expires_at)
        .run()
        .await?;
    Ok(())
}

/// An export whose time is over.
pub struct Expired {
    pub space_id: Uuid,
    pub id: Uuid,
}
from_row!(Expired { space_id, id });

pub async fn expired(tx: &mut Tx<'_>, now: DateTime<Utc>, before: DateTime<Utc>) -> Result<Vec<Expired>> {
    tx.query(
        "select space_id, id from chat_exports
         where created_at < $2 and (expires_at < $1 or (expires_at is null and state = 'failed')) limit 50",
    )
    .bind(now)
    .bind(before)
    .all()
    .await
}

pub async fn remove(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<()> {
    tx.query("delete from chat_exports where space_id = $1 and id = $2").bind(space).bind(id).run().await?;
    Ok(())
}

struct Id {
    id: Uuid,
}
from_row!(Id { id });

/// Every chat, those in the trash too, by its id behind `after`.
pub async fn chats(tx: &mut Tx<'_>, space: Uuid, after: Uuid) -> Result<Vec<Uuid>> {
    let found: Vec<Id> = tx
        .query("select id from chat_chats where space_id = $1 and id > $2 order by id limit 200")
        .bind(space)
        .bind(after)
        .all()
        .await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// Every message of a chat, without siblings and files: each behind the one it follows, else the
/// oldest first.
pub async fn messages(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<Vec<Message>> {
    let messages = tx
        .query("select * from chat_messages where space_id = $1 and chat_id = $2 order by created_at, id")
        .bind(space)
        .bind(chat)
        .all()
        .await?;
    Ok(parents_first(messages))
}

/// A draft with what it belongs to.
#[derive(serde::Serialize)]
pub struct Kept {
    pub key: String,
    #[serde(flatten)]
    pub draft: Draft,
}

impl FromRow for Kept {
    const COLUMNS: &'static [&'static str] = &["text", "version", "updated_at", "key"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { draft: Draft::from_row(row)?, key: row.get(3)? })
    }
}

pub async fn drafts(tx: &mut Tx<'_>, space: Uuid) -> Result<Vec<Kept>> {
    tx.query("select * from chat_drafts where space_id = $1 and text <> '' order by key").bind(space).all().await
}
