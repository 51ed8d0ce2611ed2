//! A database file looked at from outside, beside the process that uses it or without one: copied,
//! checked and counted, never written.

use crate::{Error, Result};
use rusqlite::{Connection, OpenFlags, backup::Backup};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Faults named at most; one is enough to act on.
const FAULTS: i64 = 20;

/// A database file, open for reading.
pub struct Offline(Connection);

impl Offline {
    /// # Errors
    /// `unavailable` with a sentence that names the file.
    pub fn open(path: &Path) -> Result<Self> {
        let named = |error: rusqlite::Error| {
            Error::unavailable(format!("the database {} cannot be read: {error}", path.display()))
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(named)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(named)?;
        // the first statement finds out whether it is a database at all
        connection.query_row("select count(*) from sqlite_master", [], |row| row.get::<_, i64>(0)).map_err(named)?;
        Ok(Self(connection))
    }

    /// A copy as of one moment, page by page, while others go on writing; one file, without a
    /// write-ahead log beside it.
    ///
    /// # Errors
    /// `unavailable` when the target cannot be written.
    pub fn copy_to(&self, target: &Path) -> Result<()> {
        let failed = |error: rusqlite::Error| Error::unavailable(format!("the database could not be copied: {error}"));
        let mut copy = Connection::open(target).map_err(failed)?;
        {
            let backup = Backup::new(&self.0, &mut copy).map_err(failed)?;
            // All of it in one step: in between, a write of others would begin it anew, for ever on a
            // busy instance. Readers do not hold up writers here.
            let mut tries = 0;
            while backup.step(-1).map_err(failed)? != rusqlite::backup::StepResult::Done {
                tries += 1;
                if tries > 100 {
                    return Err(Error::unavailable("the database is too busy to be copied; try again"));
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        copy.pragma_update(None, "journal_mode", "delete").map_err(failed)?;
        copy.close().map_err(|(_, error)| failed(error))?;
        std::fs::File::open(target)?.sync_all()?;
        Ok(())
    }

    /// What is wrong with the file; nothing when all is well. `thorough` also compares indexes with
    /// their tables, which takes as long as reading everything.
    ///
    /// # Errors
    /// `unavailable` when it cannot even be checked.
    pub fn faults(&self, thorough: bool) -> Result<Vec<String>> {
        let check = if thorough { "integrity_check" } else { "quick_check" };
        let mut found = Vec::new();
        let asked = self.0.pragma(None, check, FAULTS, |row| {
            found.push(row.get::<_, String>(0)?);
            Ok(())
        });
        if let Err(error) = asked {
            found.push(error.to_string());
        }
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// How many rows each table has.
    ///
    /// # Errors
    /// `unavailable` when they cannot be counted.
    pub fn rows(&self) -> Result<BTreeMap<String, i64>> {
        let tables = self.texts(
            "select name from sqlite_master where type = 'table' and sql not like 'create virtual%' order by name",
        )?;
        tables
            .into_iter()
            .map(|table| {
                // names come from the file itself
                let sql = format!("select count(*) from \"{}\"", table.replace('"', "\"\""));
                let rows = self.0.query_row(&sql, [], |row| row.get(0)).map_err(unreadable)?;
                Ok((table, rows))
            })
            .collect()
    }

    /// The version of each service's tables.
    ///
    /// # Errors
    /// `unavailable` when they cannot be read.
    pub fn versions(&self) -> Result<BTreeMap<String, u32>> {
        let tables = self.texts(
            "select name from sqlite_master where type = 'table' and name like '%\\_migrations' escape '\\' order by name",
        )?;
        tables
            .into_iter()
            .map(|table| {
                let sql = format!("select coalesce(max(version), 0) from \"{}\"", table.replace('"', "\"\""));
                let version = self.0.query_row(&sql, [], |row| row.get(0)).map_err(unreadable)?;
                Ok((table.trim_end_matches("_migrations").to_owned(), version))
            })
            .collect()
    }

    /// Events and tasks that were put aside because they could not be handled.
    ///
    /// # Errors
    /// `unavailable` when they cannot be read.
    pub fn buried(&self) -> Result<i64> {
        let tables = self.texts("select name from sqlite_master where name in ('bus_dead_letters', 'tasks_tasks')")?;
        let mut buried = 0;
        for table in tables {
            let sql = match table.as_str() {
                "tasks_tasks" => "select count(*) from tasks_tasks where ended = 'buried'",
                _ => "select count(*) from bus_dead_letters",
            };
            buried += self.0.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(unreadable)?;
        }
        Ok(buried)
    }

    /// What a statement of two texts a row finds; nothing when there is no such `table` yet.
    ///
    /// # Errors
    /// `unavailable` when it cannot be read.
    pub fn pairs(&self, table: &str, sql: &'static str) -> Result<Vec<(String, String)>> {
        let there = self.0.table_exists(None, table).map_err(unreadable)?;
        if !there {
            return Ok(Vec::new());
        }
        let mut statement = self.0.prepare(sql).map_err(unreadable)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(unreadable)?;
        rows.collect::<rusqlite::Result<_>>().map_err(unreadable)
    }

    /// Who reads which topic, and how many events they have not had yet.
    ///
    /// # Errors
    /// `unavailable` when it cannot be read.
    pub fn lags(&self) -> Result<Vec<(String, String, i64)>> {
        let there = self.texts("select name from sqlite_master where type = 'table' and name = 'bus_cursors'")?;
        if there.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "select consumer, topic, position from bus_cursors order by consumer, topic";
        let mut statement = self.0.prepare(sql).map_err(unreadable)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(unreadable)?;
        let cursors: Vec<(String, String, i64)> = rows.collect::<rusqlite::Result<_>>().map_err(unreadable)?;
        cursors
            .into_iter()
            .map(|(consumer, topic, position)| {
                let table = topic.replace('-', "_").replace('"', "");
                let sql = format!("select coalesce(max(position), 0) from \"{table}\"");
                let newest: i64 = self.0.query_row(&sql, [], |row| row.get(0)).unwrap_or(position);
                Ok((consumer, topic, (newest - position).max(0)))
            })
            .collect()
    }

    /// The number of the last seal of the audit trail; 0 when there is none.
    ///
    /// # Errors
    /// `unavailable` when it cannot be read.
    pub fn last_seal(&self) -> Result<i64> {
        if self.texts("select name from sqlite_master where name = 'audit_seals'")?.is_empty() {
            return Ok(0);
        }
        let sql = "select coalesce(max(number), 0) from audit_seals";
        self.0.query_row(sql, [], |row| row.get(0)).map_err(unreadable)
    }

    fn texts(&self, sql: &'static str) -> Result<Vec<String>> {
        let mut statement = self.0.prepare(sql).map_err(unreadable)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(unreadable)?;
        rows.collect::<rusqlite::Result<_>>().map_err(unreadable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn unreadable(error: rusqlite::Error) -> Error {
    Error::unavailable(format!("the database cannot be read: {error}"))
}
