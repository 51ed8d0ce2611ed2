//! A transaction and the statements that run in it.

use super::row::{Column, FromRow, Row, Value};
use crate::{Error, Result};
use rusqlite::{CachedStatement, Connection, ErrorCode};

/// The names of parameters, in the order values are bound.
const NAMES: [&str; 16] =
    ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16"];

/// A running transaction. Holds `&mut` so that the futures of a closure are `Send`.
pub struct Tx<'c> {
    pub(super) connection: &'c mut Connection,
    pub(super) announced: Vec<&'static str>,
}

impl<'c> Tx<'c> {
    /// A statement; `$1`, `$2`… are bound in order. The text is `'static`: values never enter it.
    pub fn query<'q>(&'q mut self, sql: &'static str) -> Query<'q, 'c> {
        Query { tx: self, sql, values: Vec::new() }
    }

    /// Wakes those who wait for `topic` once this transaction is durable.
    pub fn announce(&mut self, topic: &'static str) {
        if !self.announced.contains(&topic) {
            self.announced.push(topic);
        }
    }
}

/// A statement with its values.
pub struct Query<'q, 'c> {
    tx: &'q mut Tx<'c>,
    sql: &'static str,
    values: Vec<Value>,
}

#[expect(clippy::unused_async, reason = "an engine behind a socket waits here")]
impl Query<'_, '_> {
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it and returns how many rows changed.
    ///
    /// # Errors
    /// `conflict` on a violated uniqueness, `timeout` past the deadline, `unavailable` when the disk
    /// refuses.
    pub async fn run(mut self) -> Result<u64> {
        let mut statement = self.prepare()?;
        Ok(statement.raw_execute().map_err(failure)? as u64)
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`Query::run`].
    pub async fn all<T: FromRow>(self) -> Result<Vec<T>> {
        self.collect(usize::MAX)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Query::run`].
    pub async fn maybe<T: FromRow>(self) -> Result<Option<T>> {
        Ok(self.collect(1)?.pop())
    }

    /// The one row there must be.
    ///
    /// # Errors
    /// As [`Query::run`]; `internal` when there is none.
    pub async fn one<T: FromRow>(self) -> Result<T> {
        let sql = self.sql;
        self.collect(1)?.pop().ok_or_else(|| Error::internal(format!("no row for: {sql}")))
    }

    /// The first column of the first row, if there is one.
    ///
    /// # Errors
    /// As [`Query::run`].
    pub async fn value<T: Column>(mut self) -> Result<Option<T>> {
        let mut statement = self.prepare()?;
        let mut rows = statement.raw_query();
        let Some(row) = rows.next().map_err(failure)? else { return Ok(None) };
        T::read(row.get_ref(0).map_err(failure)?).map(Some)
    }

    /// Binds by name: to SQLite, `$2` is the name of a parameter, not its number.
    fn prepare(&mut self) -> Result<CachedStatement<'_>> {
        let ended = self.tx.connection.is_autocommit();
        let mut statement = self.tx.connection.prepare_cached(self.sql).map_err(failure)?;
        // An interrupted statement may have ended the transaction: this one would commit by itself.
        if ended && !statement.readonly() {
            return Err(Error::internal("the transaction has ended with an earlier statement"));
        }
        for (value, name) in self.values.iter().zip(NAMES) {
            let index = statement.parameter_index(name).map_err(failure)?;
            let index = index.ok_or_else(|| Error::internal(format!("no {name} in: {}", self.sql)))?;
            statement.raw_bind_parameter(index, value).map_err(failure)?;
        }
        if self.values.len() != statement.parameter_count() || self.values.len() > NAMES.len() {
            return Err(Error::internal(format!("{} values for: {}", self.values.len(), self.sql)));
        }
        Ok(statement)
    }

    fn collect<T: FromRow>(mut self, limit: usize) -> Result<Vec<T>> {
        let mut statement = self.prepare()?;
        let at = T::COLUMNS
            .iter()
            .map(|name| statement.column_index(name))
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(failure)?;
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while out.len() < limit
            && let Some(row) = rows.next().map_err(failure)?
        {
            out.push(T::from_row(&Row { row, at: &at })?);
        }
        Ok(out)
    }
}

/// What SQLite says, in our terms.
pub(super) fn failure(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::conflict("that exists already").with("cause", error.to_string()),
        Some(ErrorCode::OperationInterrupted) => Error::timeout("the database took too long for this"),
        Some(ErrorCode::DiskFull) => Error::unavailable("the disk that holds the database is full; free space on it"),
        Some(ErrorCode::ReadOnly) => {
            Error::unavailable("the database cannot be written; check the disk and the rights of the data folder")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::unavailable("the database is busy"),
        Some(ErrorCode::SystemIoFailure) => Error::unavailable("the disk that holds the database fails; see the log"),
        _ => Error::internal(error),
    }
}
