//! Into the trash, out of it, and out of the world.

use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

/// Into the trash. Answers whether that changed anything.
pub async fn put(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let changed = tx
        .query(
            "update chat_chats set deleted_at = $3, version = version + 1
             where space_id = $1 and id = $2 and deleted_at is null",
        )
        .bind(space)
        .bind(chat)
        .bind(at)
        .run()
        .await?;
    Ok(changed > 0)
}

/// Every chat, the archived ones too; answers how many.
pub async fn put_all(tx: &mut Tx<'_>, space: Uuid, at: DateTime<Utc>) -> Result<u64> {
    tx.query("update chat_chats set deleted_at = $2, version = version + 1 where space_id = $1 and deleted_at is null")
        .bind(space)
        .bind(at)
        .run()
        .await
}

/// The chats of a project, with it; answers how many.
pub async fn put_with(tx: &mut Tx<'_>, space: Uuid, project: Uuid, at: DateTime<Utc>) -> Result<u64> {
    tx.query(
        "update chat_chats set deleted_at = $3, deleted_with = $2, version = version + 1
         where space_id = $1 and project_id = $2 and deleted_at is null",
    )
    .bind(space)
    .bind(project)
    .bind(at)
    .run()
    .await
}

/// Out of the trash; out of its project as well when that is not there any more. Answers whether
/// that changed anything.
pub async fn take(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<bool> {
    let changed = tx
        .query(
            "update chat_chats set deleted_at = null, deleted_with = null, version = version + 1,
                 project_id = (select p.id from chat_projects p
                     where p.space_id = $1 and p.id = chat_chats.project_id and p.deleted_at is null)
             where space_id = $1 and id = $2 and deleted_at is not null",
        )
        .bind(space)
        .bind(chat)
        .run()
        .await?;
    Ok(changed > 0)
}

/// The chats that went into the trash with a project; answers how many.
pub async fn take_with(tx: &mut Tx<'_>, space: Uuid, project: Uuid) -> Result<u64> {
    tx.query(
        "update chat_chats set deleted_at = null, deleted_with = null, version = version + 1
         where space_id = $1 and project_id = $2 and deleted_with = $2",
    )
    .bind(space)
    .bind(project)
    .run()
    .await
}

/// A chat that nobody took out of the trash in time.
pub struct Expired {
    pub space_id: Uuid,
    pub id: Uuid,
}
from_row!(Expired { space_id, id });

/// Of all spaces, the longest there first.
pub async fn expired(tx: &mut Tx<'_>, before: DateTime<Utc>, limit: i64) -> Result<Vec<Expired>> {
    tx.query(
        "select space_id, id from chat_chats where deleted_at is not null and deleted_at < $1
         order by deleted_at limit $2",
    )
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// Everything of a chat. What its sends were answered with is emptied and stays as long as it is
/// remembered: the same request again must not begin the chat anew.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<bool> {
    super::search::remove(tx, space, chat).await?;
    super::drafts::erase(tx, space, chat).await?;
    super::files::detach(tx, space, chat).await?;
    tx.query("delete from chat_messages where space_id = $1 and chat_id = $2").bind(space).bind(chat).run().await?;
    tx.query("update chat_sends set answer = '' where space_id = $1 and chat_id = $2")
        .bind(space)
        .bind(chat)
        .run()
        .await?;
    tx.query("update chat_events set change = null where space_id = $1 and aggregate_id = $2 and change is not null")
        .bind(space)
        .bind(chat)
        .run()
        .await?;
    let gone = tx.query("delete from chat_chats where space_id = $1 and id = $2").bind(space).bind(chat).run().await?;
    Ok(gone > 0)
}

pub async fn is_expired(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, before: DateTime<Utc>) -> Result<bool> {
    let due: Option<i64> = tx
        .query(
            "select 1 from chat_chats where space_id = $1 and id = $2 and deleted_at is not null and deleted_at < $3",
        )
        .bind(space)
        .bind(chat)
        .bind(before)
        .value()
        .await?;
    Ok(due.is_some())
}
