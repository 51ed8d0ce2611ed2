//! The full-text index. This is the one place of chat where database engines differ: SQLite has FTS5,
//! another engine brings its own words and its own ranking here, behind the same functions.

use crate::domain::{Chat, Indexed};
use chrono::{DateTime, Utc};
use platform::{
    Result,
    db::{FromRow, Row, Tx},
    failpoint, from_row,
};
use uuid::Uuid;

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Document {
    Title,
    Message(Uuid),
}

impl Document {
    /// None for a title.
    const fn message(self) -> Option<Uuid> {
        match self {
            Self::Title => None,
            Self::Message(id) => Some(id),
        }
    }
}

/// Makes a document findable, or findable by what it is now. `at` is when it was written.
pub async fn put(
    tx: &mut Tx<'_>,
    space: Uuid,
    chat: Uuid,
    document: Document,
    at: DateTime<Utc>,
    words: &Indexed,
) -> Result<()> {
    let message = document.message();
    let known: Option<i64> = tx
        .query(
            "select place from chat_search_rows
             where space_id = $1 and chat_id = $2 and message_id is not distinct from $3",
        )
        .bind(space)
        .bind(chat)
        .bind(message)
        .value()
        .await?;
    let place = match known {
        Some(place) => {
            tx.query("delete from chat_search where rowid = $1").bind(place).run().await?;
            place
        }
        None => {
            let place = free(tx, first_place(at, message.unwrap_or(chat))).await?;
            tx.query("insert into chat_search_rows (space_id, place, chat_id, message_id) values ($1, $2, $3, $4)")
                .bind(space)
                .bind(place)
                .bind(chat)
                .bind(message)
                .run()
                .await?;
            place
        }
    };
    post(tx, place, message.is_none(), words).await
}

async fn post(tx: &mut Tx<'_>, place: i64, is_title: bool, words: &Indexed) -> Result<()> {
    let (title, text) = if is_title { (words.as_str(), "") } else { ("", words.as_str()) };
    tx.query("insert into chat_search (rowid, title, text) values ($1, $2, $3)")
        .bind(place)
        .bind(title)
        .bind(text)
        .run()
        .await?;
    Ok(())
}

/// Makes a document findable unless it is: what has been written meanwhile stays. One statement finds
/// that out and takes the place, for there may be many documents.
pub async fn add(
    tx: &mut Tx<'_>,
    Waiting { space_id, chat_id }: Waiting,
    document: Document,
    at: DateTime<Utc>,
    words: &Indexed,
) -> Result<()> {
    let message = document.message();
    let mut place = first_place(at, message.unwrap_or(chat_id));
    loop {
        let added = tx
            .query(
                "insert into chat_search_rows (space_id, place, chat_id, message_id)
                 select $1, $2, $3, $4 where not exists (
                     select 1 from chat_search_rows
                     where space_id = $1 and chat_id = $3 and message_id is not distinct from $4
                 )
                 on conflict do nothing",
            )
            .bind(space_id)
            .bind(place)
            .bind(chat_id)
            .bind(message)
            .run()
            .await?;
        if added > 0 {
            return post(tx, place, message.is_none(), words).await;
        }
        let next = free(tx, place).await?;
        if next == place {
            // the place was free: the document is findable already
            return Ok(());
        }
        place = next;
    }
}

/// The time in milliseconds, and 20 bits that tell apart what was written at the same time.
fn first_place(at: DateTime<Utc>, id: Uuid) -> i64 {
    let [.., a, b, c] = *id.as_bytes();
    at.timestamp_millis().clamp(0, 1 << 42) << 20 | i64::from(u32::from_be_bytes([0, a & 15, b, c]))
}

/// The first place from `place` on that no document has.
async fn free(tx: &mut Tx<'_>, mut place: i64) -> Result<i64> {
    loop {
        let taken: Option<i64> =
            tx.query("select 1 from chat_search_rows where place = $1").bind(place).value().await?;
        if taken.is_none() {
            return Ok(place);
        }
        place += 1;
    }
}

/// A chat and all its messages are found no more.
pub async fn remove(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<()> {
    tx.query(
        "delete from chat_search where rowid in
             (select place from chat_search_rows where space_id = $1 and chat_id = $2)",
    )
    .bind(space)
    .bind(chat)
    .run()
    .await?;
    tx.query("delete from chat_search_rows where space_id = $1 and chat_id = $2").bind(space).bind(chat).run().await?;
    tx.query("delete from chat_search_backlog where space_id = $1 and chat_id = $2")
        .bind(space)
        .bind(chat)
        .run()
        .await?;
    Ok(())
}

/// Something that was found.
pub struct Hit {
    pub chat: Chat,
    /// None for a title.
    pub message: Option<Uuid>,
    pub role: Option<String>,
    pub text: String,
    pub place: i64,
    /// The higher, the better.
    pub score: i64,
}

impl Hit {
    /// When it was written.
    pub fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.place >> 20).unwrap_or(self.chat.updated_at)
    }
}

impl FromRow for Hit {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "title",
        "model",
        "version",
        "created_at",
        "updated_at",
        "running",
        "pinned",
        "archived",
        "project_id",
        "unread",
        "deleted_at",
        "message_id",
        "role",
        "text",
        "place",
        "score",
    ];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        let chat = Chat::from_row(row)?;
        let text: Option<String> = row.get(14)?;
        Ok(Self {
            message: row.get(12)?,
            role: row.get(13)?,
            text: text.unwrap_or_else(|| chat.title.clone()),
            place: row.get(15)?,
            score: row.get(16)?,
            chat,
        })
    }
}

/// How many of the latest documents that match are weighed against each other: what is rare is weighed
/// whole, and for what is everywhere the latest are enough. It bounds what a search can cost.
const WEIGHED: i64 = 500;

/// The best `limit` of what matches, without what is in the trash. That is no document which is weighed:
/// however much of it matches, it stands in nobody's place. `cross join` keeps the order of the tables:
/// the postings are walked through from the latest on, until enough are found.
pub async fn find(tx: &mut Tx<'_>, space: Uuid, expression: &str, limit: i64) -> Result<Vec<Hit>> {
    let trash_too = failpoint::mutant("search-ignores-trash");
    tx.query(
        "with found (place, chat_id, message_id, score) as (
             select s.rowid, r.chat_id, r.message_id, cast(bm25(chat_search, 4.0, 1.0) * -1000000 as bigint)
             from chat_search s
             cross join chat_search_rows r
             cross join chat_chats c
             where chat_search match $2 and r.space_id = $1 and r.place = s.rowid
                 and c.space_id = $1 and c.id = r.chat_id and (c.deleted_at is null or $5)
             order by s.rowid desc limit $3
         ), best (place, chat_id, message_id, score) as (
             select place, chat_id, message_id, score from found order by score desc, place desc limit $4
         )
         select c.id, c.title, c.model, c.version, c.created_at, c.updated_at, exists (
                 select 1 from chat_messages r
                 where r.space_id = $1 and r.chat_id = c.id and r.state in ('queued', 'streaming')
             ) as running, c.pinned, c.archived, c.project_id, c.unread_reply is not null as unread, c.deleted_at,
             b.message_id, m.role, m.text, b.place, b.score
         from best b
         cross join chat_chats c
         left join chat_messages m on m.space_id = $1 and m.id = b.message_id
         where c.space_id = $1 and c.id = b.chat_id
         order by b.score desc, b.place desc",
    )
    .bind(space)
    .bind(expression)
    .bind(WEIGHED)
    .bind(limit)
    .bind(trash_too)
    .all()
    .await
}

/// A chat that is not findable yet.
#[derive(Clone, Copy)]
pub struct Waiting {
    pub space_id: Uuid,
    pub chat_id: Uuid,
}
from_row!(Waiting { space_id, chat_id });

/// Of any space.
pub async fn waiting(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Waiting>> {
    tx.query("select space_id, chat_id from chat_search_backlog order by space_id, chat_id limit $1")
        .bind(limit)
        .all()
        .await
}

/// Whether it waits still; it was erased meanwhile otherwise.
pub async fn waits(tx: &mut Tx<'_>, chat: Waiting) -> Result<bool> {
    let waits: Option<i64> = tx
        .query("select 1 from chat_search_backlog where space_id = $1 and chat_id = $2")
        .bind(chat.space_id)
        .bind(chat.chat_id)
        .value()
        .await?;
    Ok(waits.is_some())
}

/// It is findable.
pub async fn waits_no_more(tx: &mut Tx<'_>, chat: Waiting) -> Result<()> {
    tx.query("delete from chat_search_backlog where space_id = $1 and chat_id = $2")
        .bind(chat.space_id)
        .bind(chat.chat_id)
        .run()
        .await?;
    Ok(())
}

/// A text to be made findable.
pub struct Text {
    /// None for the title.
    pub id: Option<Uuid>,
    pub text: String,
    pub created_at: DateTime<Utc>,
}
from_row!(Text { id, text, created_at });

/// The title of a chat and its finished messages, but for those that are findable already.
pub async fn texts(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<Vec<Text>> {
    tx.query(
        "select null as id, title as text, created_at from chat_chats
         where space_id = $1 and id = $2 and not exists (
             select 1 from chat_search_rows r where r.space_id = $1 and r.chat_id = $2 and r.message_id is null
         )
         union all
         select id, text, created_at from chat_messages m
         where space_id = $1 and chat_id = $2 and text <> '' and state not in ('queued', 'streaming') and not exists (
             select 1 from chat_search_rows r where r.space_id = $1 and r.chat_id = $2 and r.message_id = m.id
         )",
    )
    .bind(space)
    .bind(chat)
    .all()
    .await
}
