//! The tables of files and of what they are attached to.

use crate::domain::{File, Message};
use chrono::{DateTime, Utc};
use platform::{
    Result,
    db::{FromRow, Row, Tx},
    from_row,
};
use std::collections::HashMap;
use uuid::Uuid;

pub async fn find(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<File>> {
    tx.query(
        "select id, name, type, size, width, height from chat_files
         where space_id = $1 and id = $2 and leaving = 0",
    )
    .bind(space)
    .bind(id)
    .maybe()
    .await
}

pub async fn insert(tx: &mut Tx<'_>, space: Uuid, file: &File, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "insert into chat_files (space_id, id, name, type, size, width, height, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(space)
    .bind(file.id)
    .bind(file.name.as_str())
    .bind(file.kind.as_str())
    .bind(file.size)
    .bind(file.width)
    .bind(file.height)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// What a person has stored, in bytes.
pub async fn stored(tx: &mut Tx<'_>, space: Uuid) -> Result<i64> {
    let stored: Option<i64> =
        tx.query("select coalesce(sum(size), 0) from chat_files where space_id = $1").bind(space).value().await?;
    Ok(stored.unwrap_or(0))
}

/// Every file of a space, oldest first.
pub async fn all(tx: &mut Tx<'_>, space: Uuid) -> Result<Vec<File>> {
    tx.query(
        "select id, name, type, size, width, height from chat_files
         where space_id = $1 and leaving = 0 order by created_at, id",
    )
    .bind(space)
    .all()
    .await
}

pub async fn attach(tx: &mut Tx<'_>, space: Uuid, message: Uuid, position: i64, file: Uuid) -> Result<()> {
    tx.query("insert into chat_attachments (space_id, message_id, position, file_id) values ($1, $2, $3, $4)")
        .bind(space)
        .bind(message)
        .bind(position)
        .bind(file)
        .run()
        .await?;
    Ok(())
}

struct Attached {
    message: Uuid,
    file: File,
}

impl FromRow for Attached {
    const COLUMNS: &'static [&'static str] = &["id", "name", "type", "size", "width", "height", "message_id"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { file: File::from_row(row)?, message: row.get(6)? })
    }
}

/// Gives the messages of one chat their files, in one statement.
pub async fn fill(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, messages: &mut [Message]) -> Result<()> {
    let attached: Vec<Attached> = tx
        .query(
            "select f.id, f.name, f.type, f.size, f.width, f.height, a.message_id from chat_attachments a
             join chat_files f on f.space_id = $1 and f.id = a.file_id
             where a.space_id = $1 and a.message_id in (
                 select id from chat_messages where space_id = $1 and chat_id = $2
             )
             order by a.message_id, a.position",
        )
        .bind(space)
        .bind(chat)
        .all()
        .await?;
    let mut files: HashMap<Uuid, Vec<File>> = HashMap::new();
    for Attached { message, file } in attached {
        files.entry(message).or_default().push(file);
    }
    for message in messages {
        message.attachments = files.remove(&message.id).unwrap_or_default();
    }
    Ok(())
}

/// The messages of a chat have no files any more; the sweep finds what nobody has.
pub async fn detach(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<()> {
    tx.query(
        "delete from chat_attachments where space_id = $1 and message_id in
             (select id from chat_messages where space_id = $1 and chat_id = $2)",
    )
    .bind(space)
    .bind(chat)
    .run()
    .await?;
    Ok(())
}

/// A file that nobody has.
pub struct Loose {
    pub space_id: Uuid,
    pub id: Uuid,
}
from_row!(Loose { space_id, id });

/// Files from before then that are attached to nothing.
pub async fn loose(tx: &mut Tx<'_>, before: DateTime<Utc>, limit: i64) -> Result<Vec<Loose>> {
    tx.query(
        "select f.space_id, f.id from chat_files f where f.created_at < $1 and not exists (
             select 1 from chat_attachments a where a.space_id = f.space_id and a.file_id = f.id
         ) order by f.created_at limit $2",
    )
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// Nobody attaches it any more. Answers whether nobody has.
pub async fn let_go(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<bool> {
    let gone = tx
        .query(
            "update chat_files set leaving = 1 where space_id = $1 and id = $2 and not exists (
                 select 1 from chat_attachments a where a.space_id = $1 and a.file_id = $2
             )",
        )
        .bind(space)
        .bind(id)
        .run()
        .await?;
    Ok(gone > 0)
}

pub async fn remove(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<()> {
    tx.query("delete from chat_files where space_id = $1 and id = $2 and leaving = 1")
        .bind(space)
        .bind(id)
        .run()
        .await?;
    Ok(())
}
