//! The table of messages: a tree by `parent_id`.

use crate::domain::{Message, Reply};
use platform::{Error, Result, db::Tx};
use uuid::Uuid;

/// `instruction` is what a person asked of this answer alone.
pub async fn insert(tx: &mut Tx<'_>, space: Uuid, message: &Message, instruction: Option<&str>) -> Result<()> {
    tx.query(
        "insert into chat_messages
             (space_id, id, chat_id, parent_id, role, text, state, model, attempt, next_seq, marks, stop_asked, continued,
              instruction, created_at, finished_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '[]', 0, 0, $10, $11, $12)",
    )
    .bind(space)
    .bind(message.id)
    .bind(message.chat_id)
    .bind(message.parent_id)
    .bind(message.role.as_str())
    .bind(message.text.as_str())
    .bind(message.state.name())
    .bind(message.model.clone())
    .bind(message.attempt)
    .bind(instruction)
    .bind(message.created_at)
    .bind(message.finished_at)
    .run()
    .await?;
    Ok(())
}

pub async fn exists(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<bool> {
    let found: Option<i64> =
        tx.query("select 1 from chat_messages where space_id = $1 and id = $2").bind(space).bind(id).value().await?;
    Ok(found.is_some())
}

/// A message of any kind, of this chat.
pub async fn find(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, id: Uuid) -> Result<Option<Message>> {
    tx.query("select * from chat_messages where space_id = $1 and id = $3 and chat_id = $2")
        .bind(space)
        .bind(chat)
        .bind(id)
        .maybe()
        .await
}

/// A reply; a person's message is none.
pub async fn reply(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Reply>> {
    tx.query("select * from chat_messages where space_id = $1 and id = $2 and role = 'assistant'")
        .bind(space)
        .bind(id)
        .maybe()
        .await
}

/// From the root to `leaf`, oldest first. `cross join` keeps the order of the tables: it begins with the
/// path, and not with all messages of the space.
pub async fn path(tx: &mut Tx<'_>, space: Uuid, leaf: Uuid) -> Result<Vec<Message>> {
    tx.query(
        "with recursive path (id, parent_id, depth) as (
             select id, parent_id, 0 from chat_messages where space_id = $1 and id = $2
             union all
             select m.id, m.parent_id, path.depth + 1
             from path join chat_messages m on m.space_id = $1 and m.id = path.parent_id
         )
         select m.* from path cross join chat_messages m where m.space_id = $1 and m.id = path.id
         order by path.depth desc",
    )
    .bind(space)
    .bind(leaf)
    .all()
    .await
}

/// The last messages of the path to `leaf`, oldest first, that have at most `bytes` of text together; the leaf in any
/// case. The text of the others is not read.
pub async fn newest(tx: &mut Tx<'_>, space: Uuid, leaf: Uuid, bytes: i64) -> Result<Vec<Message>> {
    tx.query(
        "with recursive path (id, parent_id, depth, bytes) as (
             select id, parent_id, 0, octet_length(text) from chat_messages where space_id = $1 and id = $2
             union all
             select m.id, m.parent_id, path.depth + 1, path.bytes + octet_length(m.text)
             from path join chat_messages m on m.space_id = $1 and m.id = path.parent_id
             where path.bytes < $3
         )
         select m.* from path cross join chat_messages m
         where m.space_id = $1 and m.id = path.id and (path.bytes <= $3 or path.depth = 0)
         order by path.depth desc",
    )
    .bind(space)
    .bind(leaf)
    .bind(bytes)
    .all()
    .await
}

/// How many messages the path to `id` has before it.
pub async fn before(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<u32> {
    let count: Option<i64> = tx
        .query(
            "with recursive path (parent_id) as (
                 select parent_id from chat_messages where space_id = $1 and id = $2
                 union all
                 select m.parent_id from path join chat_messages m on m.space_id = $1 and m.id = path.parent_id
             )
             select count(parent_id) from path",
        )
        .bind(space)
        .bind(id)
        .value()
        .await?;
    Ok(u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX))
}

/// The replies of `chat` that are being written.
pub async fn running(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<Vec<Reply>> {
    tx.query("select * from chat_messages where space_id = $1 and chat_id = $2 and state in ('queued', 'streaming')")
        .bind(space)
        .bind(chat)
        .all()
        .await
}

/// The replies that are being written in any chat of the space.
pub async fn running_anywhere(tx: &mut Tx<'_>, space: Uuid) -> Result<Vec<Reply>> {
    tx.query("select * from chat_messages where space_id = $1 and state in ('queued', 'streaming')")
        .bind(space)
        .all()
        .await
}

/// The replies that are being written in the chats of a project.
pub async fn running_in_project(tx: &mut Tx<'_>, space: Uuid, project: Uuid) -> Result<Vec<Reply>> {
    tx.query(
        "select m.* from chat_messages m join chat_chats c on c.space_id = $1 and c.id = m.chat_id
         where m.space_id = $1 and m.state in ('queued', 'streaming') and c.project_id = $2",
    )
    .bind(space)
    .bind(project)
    .all()
    .await
}

/// Stores what can change of a reply.
pub async fn update(tx: &mut Tx<'_>, space: Uuid, reply: &Reply) -> Result<()> {
    let message = &reply.message;
    tx.query(
        "update chat_messages set text = $3, state = $4, reason_code = $5, reason_detail = $6, model = $7, attempt = $8,
             next_seq = $9, marks = $10, stop_asked = $11, continued = $12, finished_at = $13
         where space_id = $1 and id = $2",
    )
    .bind(space)
    .bind(message.id)
    .bind(message.text.as_str())
    .bind(message.state.name())
    .bind(message.reason.as_ref().map(|reason| reason.code.clone()))
    .bind(message.reason.as_ref().map(|reason| reason.detail.clone()))
    .bind(message.model.clone())
    .bind(message.attempt)
    .bind(reply.next_seq)
    .bind(serde_json::to_string(&message.marks).map_err(Error::internal)?)
    .bind(reply.stop_asked)
    .bind(reply.continued)
    .bind(message.finished_at)
    .run()
    .await?;
    Ok(())
}

/// An attempt has begun to stream; does nothing when it is not the current one any more.
pub async fn mark_streaming(tx: &mut Tx<'_>, space: Uuid, id: Uuid, attempt: u32) -> Result<()> {
    tx.query(
        "update chat_messages set state = 'streaming'
         where space_id = $1 and id = $2 and attempt = $3 and state = 'queued'",
    )
    .bind(space)
    .bind(id)
    .bind(attempt)
    .run()
    .await?;
    Ok(())
}
