//! Imports, and what they bring.

use crate::domain::{Import, Incoming, Problem, State, Turn};
use chrono::{DateTime, Utc};
use platform::{Error, Result, db::Tx};
use uuid::Uuid;

pub async fn insert(tx: &mut Tx<'_>, space: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "insert into chat_imports (space_id, id, state, chats, messages, problems, created_at)
         values ($1, $2, 'queued', 0, 0, '[]', $3)",
    )
    .bind(space)
    .bind(id)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub async fn find(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Import>> {
    tx.query("select * from chat_imports where space_id = $1 and id = $2").bind(space).bind(id).maybe().await
}

/// The latest ones.
pub async fn list(tx: &mut Tx<'_>, space: Uuid) -> Result<Vec<Import>> {
    tx.query("select * from chat_imports where space_id = $1 order by created_at desc, id desc limit 50")
        .bind(space)
        .all()
        .await
}

/// How many are not through yet.
pub async fn open(tx: &mut Tx<'_>, space: Uuid) -> Result<i64> {
    let open: Option<i64> = tx
        .query("select count(*) from chat_imports where space_id = $1 and state in ('queued', 'running')")
        .bind(space)
        .value()
        .await?;
    Ok(open.unwrap_or(0))
}

/// How far it is. What it brought is counted where it is: a crash in between miscounts nothing.
pub async fn update(
    tx: &mut Tx<'_>,
    space: Uuid,
    id: Uuid,
    state: &str,
    source: Option<&str>,
    problems: &[Problem],
) -> Result<()> {
    tx.query(
        "update chat_imports set state = $3, source = coalesce($4, source), problems = $5,
             chats = (select count(*) from chat_chats c where c.space_id = $1 and c.import_id = $2 and c.import_id is not null),
             messages = (select count(*) from chat_messages m
                 where m.space_id = $1 and m.import_id = $2 and m.import_id is not null)
         where space_id = $1 and id = $2",
    )
    .bind(space)
    .bind(id)
    .bind(state)
    .bind(source)
    .bind(serde_json::to_string(problems).map_err(Error::internal)?)
    .run()
    .await?;
    Ok(())
}

/// A chat that came in, as its person called and kept it.
pub async fn insert_chat(
    tx: &mut Tx<'_>,
    (space, id, import): (Uuid, Uuid, Uuid),
    incoming: &Incoming,
    project: Option<Uuid>,
    model: &str,
    leaf: Uuid,
) -> Result<()> {
    tx.query(
        "insert into chat_chats (space_id, id, title, title_by, model, version, active_leaf, created_at, updated_at,
             pinned, archived, project_id, import_id)
         values ($1, $2, $3, 'person', $4, 1, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(space)
    .bind(id)
    .bind(incoming.title.as_str())
    .bind(model)
    .bind(leaf)
    .bind(incoming.created_at)
    .bind(incoming.updated_at)
    .bind(incoming.pinned)
    .bind(incoming.archived)
    .bind(project)
    .bind(import)
    .run()
    .await?;
    Ok(())
}

pub async fn insert_turn(
    tx: &mut Tx<'_>,
    (space, chat, import): (Uuid, Uuid, Uuid),
    (id, parent): (Uuid, Option<Uuid>),
    turn: &Turn,
) -> Result<()> {
    tx.query(
        "insert into chat_messages
             (space_id, id, chat_id, parent_id, role, text, state, model, attempt, next_seq, marks, stop_asked, continued,
              created_at, finished_at, import_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '[]', 0, 0, $10, $10, $11)",
    )
    .bind(space)
    .bind(id)
    .bind(chat)
    .bind(parent)
    .bind(if turn.by_person { "user" } else { "assistant" })
    .bind(turn.text.as_str())
    .bind(State::Complete.name())
    .bind(turn.model.as_deref().filter(|_| !turn.by_person))
    .bind(i64::from(!turn.by_person))
    .bind(turn.created_at)
    .bind(import)
    .run()
    .await?;
    Ok(())
}

/// Imports that ended before then are forgotten; what they brought stays.
pub async fn forget(tx: &mut Tx<'_>, before: DateTime<Utc>) -> Result<u64> {
    tx.query("delete from chat_imports where created_at < $1 and state in ('ready', 'failed')").bind(before).run().await
}

/// Whether it was this import that brought the chat.
pub async fn brought(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, import: Uuid) -> Result<bool> {
    let found: Option<i64> = tx
        .query("select 1 from chat_chats where space_id = $1 and id = $2 and import_id = $3")
        .bind(space)
        .bind(chat)
        .bind(import)
        .value()
        .await?;
    Ok(found.is_some())
}

/// Whether this import has added a message to the chat.
pub async fn added_to(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, import: Uuid) -> Result<bool> {
    let found: Option<i64> = tx
        .query(
            "select 1 from chat_messages
             where space_id = $1 and import_id = $3 and import_id is not null and chat_id = $2 limit 1",
        )
        .bind(space)
        .bind(chat)
        .bind(import)
        .value()
        .await?;
    Ok(found.is_some())
}

/// The chat was active elsewhere, until `at`.
pub async fn note_activity(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, at: DateTime<Utc>) -> Result<()> {
    tx.query("update chat_chats set updated_at = $3 where space_id = $1 and id = $2 and updated_at < $3")
        .bind(space)
        .bind(chat)
        .bind(at)
        .run()
        .await?;
    Ok(())
}
