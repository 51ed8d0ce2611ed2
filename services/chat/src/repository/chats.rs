//! The table of chats.

use crate::domain::{Chat, Shelf};
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, title, model, version, created_at, updated_at, exists (
                 select 1 from chat_messages m
                 where m.space_id = chat_chats.space_id and m.chat_id = chat_chats.id and m.state in ('queued', 'streaming')
             ) as running, pinned, archived, project_id, unread_reply is not null as unread, deleted_at
             from chat_chats ",
            $rest
        )
    };
}

/// Where a page of the list ended: when the last one was active (or came into the trash), and its id.
#[derive(Clone, Copy)]
pub struct Cursor {
    /// Milliseconds since 1970.
    pub at: i64,
    pub id: Uuid,
}

impl Cursor {
    const START: Self = Self { at: i64::MAX, id: Uuid::max() };
}

/// Newest activity first; the trash by when things came into it.
pub async fn list(tx: &mut Tx<'_>, space: Uuid, shelf: Shelf, before: Option<Cursor>, limit: i64) -> Result<Vec<Chat>> {
    let sql = match shelf {
        Shelf::Recent => select!(
            "where space_id = $1 and deleted_at is null and archived = 0 and pinned = 0 and project_id is null
                 and (updated_at, id) < ($2, $3) order by updated_at desc, id desc limit $4"
        ),
        Shelf::Pinned => select!(
            "where space_id = $1 and deleted_at is null and archived = 0 and pinned = 1
                 and (updated_at, id) < ($2, $3) order by updated_at desc, id desc limit $4"
        ),
        Shelf::Archived => select!(
            "where space_id = $1 and deleted_at is null and archived = 1
                 and (updated_at, id) < ($2, $3) order by updated_at desc, id desc limit $4"
        ),
        Shelf::Trash => select!(
            "where space_id = $1 and deleted_at is not null
                 and (deleted_at, id) < ($2, $3) order by deleted_at desc, id desc limit $4"
        ),
    };
    let before = before.unwrap_or(Cursor::START);
    tx.query(sql).bind(space).bind(before.at).bind(before.id).bind(limit).all().await
}

/// The chats of a project that are neither archived nor in the trash.
pub async fn of_project(
    tx: &mut Tx<'_>,
    space: Uuid,
    project: Uuid,
    before: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Chat>> {
    let sql = select!(
        "where space_id = $1 and project_id = $2 and project_id is not null and deleted_at is null and archived = 0
             and (updated_at, id) < ($3, $4) order by updated_at desc, id desc limit $5"
    );
    let before = before.unwrap_or(Cursor::START);
    tx.query(sql).bind(space).bind(project).bind(before.at).bind(before.id).bind(limit).all().await
}

/// A chat that is not in the trash.
pub async fn find(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Chat>> {
    let sql = select!("where space_id = $1 and id = $2 and deleted_at is null");
    tx.query(sql).bind(space).bind(id).maybe().await
}

/// A chat, in the trash or not.
pub async fn find_anywhere(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Chat>> {
    tx.query(select!("where space_id = $1 and id = $2")).bind(space).bind(id).maybe().await
}

/// What the person wanted models to know when the chat was begun.
pub async fn instructions(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<String>> {
    let found: Option<Option<String>> = tx
        .query("select instructions from chat_chats where space_id = $1 and id = $2")
        .bind(space)
        .bind(id)
        .value()
        .await?;
    Ok(found.flatten())
}

/// The active leaf, of a chat in the trash as well.
pub async fn leaf(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Uuid>> {
    tx.query("select active_leaf from chat_chats where space_id = $1 and id = $2").bind(space).bind(id).value().await
}

/// `instructions` hold for this chat, whatever the person changes later.
pub async fn insert(tx: &mut Tx<'_>, space: Uuid, chat: &Chat, leaf: Uuid, instructions: Option<&str>) -> Result<()> {
    tx.query(
        "insert into chat_chats (space_id, id, title, model, version, active_leaf, created_at, updated_at, project_id,
             instructions)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(space)
    .bind(chat.id)
    .bind(chat.title.as_str())
    .bind(chat.model.as_str())
    .bind(chat.version)
    .bind(leaf)
    .bind(chat.created_at)
    .bind(chat.updated_at)
    .bind(chat.project_id)
    .bind(instructions)
    .run()
    .await?;
    Ok(())
}

/// A turn was added, and is what is shown now.
pub async fn advance(tx: &mut Tx<'_>, space: Uuid, chat: &Chat, leaf: Uuid) -> Result<()> {
    tx.query("update chat_chats set model = $3, updated_at = $4 where space_id = $1 and id = $2")
        .bind(space)
        .bind(chat.id)
        .bind(chat.model.as_str())
        .bind(chat.updated_at)
        .run()
        .await?;
    look_at(tx, space, chat.id, leaf).await
}

/// `leaf` is where the shown path ends from now on.
pub async fn look_at(tx: &mut Tx<'_>, space: Uuid, id: Uuid, leaf: Uuid) -> Result<()> {
    let views: Option<i64> = tx
        .query(
            "update chat_chats set active_leaf = $3, views = views + 1 where space_id = $1 and id = $2 returning views",
        )
        .bind(space)
        .bind(id)
        .bind(leaf)
        .value()
        .await?;
    tx.query("update chat_messages set viewed = $3 where space_id = $1 and id = $2")
        .bind(space)
        .bind(leaf)
        .bind(views)
        .run()
        .await?;
    Ok(())
}

/// A reply has ended: the chat is active, and unread if nobody asked for the end.
pub async fn finished(tx: &mut Tx<'_>, space: Uuid, id: Uuid, unread: Option<Uuid>, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "update chat_chats set updated_at = case when updated_at < $3 then $3 else updated_at end, unread_reply = coalesce($4, unread_reply)
         where space_id = $1 and id = $2",
    )
    .bind(space)
    .bind(id)
    .bind(now)
    .bind(unread)
    .run()
    .await?;
    Ok(())
}

/// Something happened in it; what a person changes stays at its version.
pub async fn touch(tx: &mut Tx<'_>, space: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    finished(tx, space, id, None, now).await
}

/// What makes a chat unread, and when that was asked for.
pub struct Unread {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
}
from_row!(Unread { id, created_at });

pub async fn unread(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Unread>> {
    tx.query(
        "select m.id, m.created_at from chat_chats c
         join chat_messages m on m.space_id = $1 and m.id = c.unread_reply
         where c.space_id = $1 and c.id = $2",
    )
    .bind(space)
    .bind(id)
    .maybe()
    .await
}

pub async fn mark_read(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<()> {
    tx.query("update chat_chats set unread_reply = null where space_id = $1 and id = $2")
        .bind(space)
        .bind(id)
        .run()
        .await?;
    Ok(())
}

/// What a person may change of a chat. Their title stays theirs.
pub async fn update(tx: &mut Tx<'_>, space: Uuid, chat: &Chat, titled: bool) -> Result<()> {
    tx.query(
        "update chat_chats set title = $3, model = $4, pinned = $5, archived = $6, project_id = $7, version = $8,
             title_by = case when $9 = 1 then 'person' else title_by end
         where space_id = $1 and id = $2",
    )
    .bind(space)
    .bind(chat.id)
    .bind(chat.title.as_str())
    .bind(chat.model.as_str())
    .bind(chat.pinned)
    .bind(chat.archived)
    .bind(chat.project_id)
    .bind(chat.version)
    .bind(titled)
    .run()
    .await?;
    Ok(())
}

/// Archives whatever is not archived yet; answers how many.
pub async fn archive_all(tx: &mut Tx<'_>, space: Uuid) -> Result<u64> {
    tx.query(
        "update chat_chats set archived = 1, version = version + 1
         where space_id = $1 and deleted_at is null and archived = 0",
    )
    .bind(space)
    .run()
    .await
}
