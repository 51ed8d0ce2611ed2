//! The database file of a server that does not run: what is really stored, and rows that the API
//! cannot make.

mod effects;
mod tokens;

use super::{CALL, Server, until};
use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags, params};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Everything the checks want to know of it.
pub struct Database(Connection);

impl Database {
    /// # Errors
    /// When the server runs, or SQLite finds the file damaged.
    pub fn open(server: &Server) -> Result<Self> {
        ensure!(server.pid().is_err(), "the server still runs");
        let connection = Connection::open(server.data().join("taifas.db"))?;
        let sound: String = connection.query_row("pragma integrity_check", [], |row| row.get(0))?;
        ensure!(sound == "ok", "the database is damaged: {sound}");
        Ok(Self(connection))
    }

    /// The database of a running server, for looking at.
    pub fn beside(server: &Server) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Self(Connection::open_with_flags(server.data().join("taifas.db"), flags)?);
        database.0.busy_timeout(CALL)?;
        Ok(database)
    }

    /// Waits until the running server holds no lease any more and has read every event: what follows
    /// an end is done.
    pub async fn settled(server: &Server) -> Result<()> {
        let database = Self::beside(server)?;
        until("every lease is closed and every event read", CALL, async || {
            Ok((database.open_leases()? == 0 && database.behind()? == 0).then_some(()))
        })
        .await
    }

    pub fn execute(&self, sql: &str) -> Result<usize> {
        Ok(self.0.execute(sql, [])?)
    }

    fn count(&self, sql: &str) -> Result<i64> {
        Ok(self.0.query_row(sql, [], |row| row.get(0))?)
    }

    /// Replies that somebody still holds a lease of.
    pub fn open_leases(&self) -> Result<i64> {
        self.count("select count(*) from ai_generations where state = 'open'")
    }

    /// Chats that cannot be found yet.
    pub fn to_index(&self) -> Result<i64> {
        self.count("select count(*) from chat_search_backlog")
    }

    /// All messages and replies.
    pub fn messages(&self) -> Result<i64> {
        self.count("select count(*) from chat_messages")
    }

    /// Every table and index as it was made, migrations' entries without their times.
    pub fn schema(&self) -> Result<Vec<(String, Option<String>)>> {
        let mut statement = self.0.prepare("select name, sql from sqlite_master order by type, name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// People's messages with their texts, those that are shorter than so many bytes.
    pub fn texts(&self, shorter: usize) -> Result<BTreeMap<Uuid, String>> {
        let mut statement =
            self.0.prepare("select id, text from chat_messages where role = 'user' and length(text) < ?1")?;
        let rows =
            statement.query_map([i64::try_from(shorter)?], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)))?;
        rows.map(|row| row.map_err(anyhow::Error::from).and_then(|(id, text)| Ok((Uuid::from_slice(&id)?, text))))
            .collect()
    }

    /// How many messages have this text.
    pub fn messages_like(&self, text: &str) -> Result<i64> {
        Ok(self.0.query_row("select count(*) from chat_messages where role = 'user' and text = ?1", [text], |row| {
            row.get(0)
        })?)
    }

    /// Answers that more than one attempt was made of.
    pub fn taken_over(&self) -> Result<i64> {
        self.count("select count(*) from chat_messages where role = 'assistant' and attempt > 1")
    }

    /// The text of a message or reply.
    pub fn text(&self, id: Uuid) -> Result<Option<String>> {
        let sql = "select text from chat_messages where id = ?1";
        let bytes = id.as_bytes().as_slice();
        match self.0.query_row(sql, [bytes], |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            text => Ok(Some(text?)),
        }
    }

    /// For a reply, the attempts whose end was accounted, each with how often.
    pub fn accounted(&self, reply: Uuid) -> Result<BTreeMap<i64, i64>> {
        self.by_version("select version, count(*) from ai_events where kind = 'generation.finished' and aggregate_id = ?1 group by version", reply)
    }

    /// How often chat has said that a reply has finished. Keyed by chat, so the payload tells the reply.
    pub fn finishes(&self, reply: Uuid) -> Result<i64> {
        let mut statement = self.0.prepare("select payload from chat_events where kind = 'reply.finished'")?;
        let payloads = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
        let named = |payload: &&Vec<u8>| payload.windows(16).any(|bytes| bytes == reply.as_bytes());
        Ok(i64::try_from(payloads.iter().filter(named).count())?)
    }

    fn by_version(&self, sql: &str, reply: Uuid) -> Result<BTreeMap<i64, i64>> {
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([reply.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A second person with the owner's password, which the API cannot make yet.
    pub fn add_person(&self, email: &str) -> Result<Uuid> {
        let id = Uuid::now_v7();
        let (owner, phc): (Vec<u8>, String) = self
            .0
            .query_row("select space_id, phc from auth_credentials", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .context("the owner")?;
        self.0.execute(
            "insert into user_accounts (space_id, id, name, email, email_key, role, version, created_at)
             select ?1, ?1, 'Other', ?2, ?2, 'user', 1, created_at from user_accounts where id = ?3",
            params![id.as_bytes().as_slice(), email, owner],
        )?;
        self.0.execute(
            "insert into auth_credentials (space_id, kind, phc, created_at, updated_at)
             select ?1, kind, ?2, created_at, updated_at from auth_credentials where space_id = ?3",
            params![id.as_bytes().as_slice(), phc, owner],
        )?;
        Ok(id)
    }
}
