//! The database port: one SQL text, short closures, every read and write names its space.
//!
//! The embedded engine is one SQLite file (WAL, `synchronous=FULL`) with one writer thread that
//! commits whatever waits in one synced transaction, and a few readers. A closure is `Fn`, makes
//! no outside calls and awaits nothing but its own statements: on SQLite it is polled once on the
//! thread that owns the connection; an engine that has to run it again after a serialization
//! failure may do so. For tests the same engine opens without threads ([`Db::open_in_line`]).
//!
//! ```text
//! let chats: Vec<Chat> = db
//!     .read(space, move |tx| async move {
//!         tx.query("select * from chat_chats where space_id = $1").bind(space).all().await
//!     }.boxed())
//!     .await?;
//! ```

mod connection;
mod in_line;
mod migrate;
mod offline;
mod query;
mod row;
mod sqlite;
pub mod wal;
mod writer;

pub use in_line::{Access, AtOnce, Pace};
pub use migrate::Migration;
pub use offline::Offline;
pub use query::{Query, Tx};
pub use row::{Column, FromRow, Row, Value};

use crate::{Error, Result};
use futures_util::{FutureExt as _, future::BoxFuture};
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use uuid::Uuid;

/// Whose rows a transaction touches: one space, or (sweepers, cursors, sign-in by e-mail) the
/// instance's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Space(Uuid),
    System,
}

impl From<Uuid> for Scope {
    fn from(space: Uuid) -> Self {
        Self::Space(space)
    }
}

/// A transaction's closure.
pub trait Work<T>: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static {}
impl<T, F> Work<T> for F where F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static {}

/// How the embedded engine is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that read; one more writes.
    pub readers: usize,
    /// Transactions that may wait before a caller is told to come back.
    pub queue: usize,
    /// The longest a transaction may compute.
    pub deadline: Duration,
    /// Whether the caller holds the lock on the folder: no other process can use this database.
    pub exclusive: bool,
    /// Whether somebody reads the write-ahead log into an archive, and therefore decides himself when it
    /// may begin anew, with [`Db::turn`].
    pub archived: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 2, queue: 4096, deadline: Duration::from_secs(5), exclusive: true, archived: false }
    }
}

/// Where the write-ahead log of a database file lies.
#[must_use]
pub fn log_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// A handle to the database; clones share it.
#[derive(Clone)]
pub struct Db(Arc<Engine>);

enum Engine {
    Threads(sqlite::Sqlite),
    InLine(Box<in_line::InLine>),
}

impl Engine {
    fn topics(&self) -> &writer::Topics {
        match self {
            Self::Threads(engine) => engine.topics(),
            Self::InLine(engine) => engine.topics(),
        }
    }

    async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Threads(engine) => engine.alone(work).await,
            Self::InLine(engine) => engine.alone(work).await,
        }
    }
}

impl Db {
    /// Opens (or creates) the SQLite file at `path`.
    ///
    /// # Errors
    /// A sentence that names the file when it cannot be opened, is not a database, or refuses the
    /// durability settings that acknowledged writes rely on.
    pub fn open(path: &Path, options: &Options) -> Result<Self> {
        Ok(Self(Arc::new(Engine::Threads(sqlite::Sqlite::open(path, options)?))))
    }

    /// As [`Db::open`], without threads: every transaction runs on its caller's stack, at the pace of
    /// a test. `readers` and `queue` mean nothing here, since nobody waits.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open_in_line(path: &Path, options: &Options, pace: Arc<dyn Pace>) -> Result<Self> {
        Ok(Self(Arc::new(Engine::InLine(Box::new(in_line::InLine::open(path, options, pace)?)))))
    }

    /// Runs `work` as a transaction and returns after it is durable (one synced commit, shared with
    /// whatever else was waiting).
    ///
    /// # Errors
    /// What `work` returned (then nothing of it is stored); `unavailable` when the queue is full or
    /// the disk refuses; `timeout` past the deadline.
    pub async fn write<T: Send + 'static>(&self, scope: impl Into<Scope>, work: impl Work<T>) -> Result<T> {
        let _: Scope = scope.into();
        match &*self.0 {
            Engine::Threads(engine) => engine.write(work).await,
            Engine::InLine(engine) => engine.write(work).await,
        }
    }

    /// Runs `work` on a consistent snapshot; statements that write are refused.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn read<T: Send + 'static>(&self, scope: impl Into<Scope>, work: impl Work<T>) -> Result<T> {
        let _: Scope = scope.into();
        match &*self.0 {
            Engine::Threads(engine) => engine.read(work).await,
            Engine::InLine(engine) => engine.read(work).await,
        }
    }

    /// Brings a service's tables to this binary's version.
    ///
    /// # Errors
    /// Refuses a database that a newer binary has already migrated further.
    pub async fn migrate(&self, service: &'static str, migrations: &'static [Migration]) -> Result<()> {
        self.0.alone(move |connection| migrate::run(connection, service, migrations)).await
    }

    /// Changes each time a transaction that announced `topic` has committed.
    #[must_use]
    pub fn committed(&self, topic: &'static str) -> watch::Receiver<u64> {
        self.0.topics().subscribe(topic)
    }

    /// Whether this process is the only one on the database: the lock on the data folder proves that a
    /// former one is dead, so what it had leased is free at once.
    #[must_use]
    pub fn exclusive(&self) -> bool {
        match &*self.0 {
            Engine::Threads(engine) => engine.exclusive,
            Engine::InLine(engine) => engine.exclusive,
        }
    }

    /// Where its file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &*self.0 {
            Engine::Threads(engine) => &engine.path,
            Engine::InLine(engine) => &engine.path,
        }
    }

    /// Whether it answers: what a service's readiness asks.
    ///
    /// # Errors
    /// `unavailable` when it does not.
    pub async fn check(&self) -> Result<()> {
        self.read(Scope::System, |tx| async move { tx.query("select 1").value::<i64>().await }.boxed()).await?;
        Ok(())
    }

    /// Where the write-ahead log lies.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        log_of(self.path())
    }

    /// What was committed behind `after`, read while others go on writing.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn changes(&self, after: Option<wal::Place>) -> Result<wal::Tail> {
        let log = self.log();
        let read = tokio::task::spawn_blocking(move || wal::read(&log, after.as_ref()));
        Ok(read.await.map_err(Error::internal)??)
    }

    /// The same, with nothing written meanwhile; then what the log holds moves into the file, and the
    /// log begins anew behind the last reader, for the end of a process at once. Nothing is between the
    /// two, so an archive misses nothing.
    ///
    /// # Errors
    /// When the log cannot be read; then it does not begin anew, nor when it does not go on from `after`.
    pub async fn turn(&self, after: Option<wal::Place>, at_end: bool) -> Result<wal::Tail> {
        let log = self.log();
        let checkpoint = if at_end { "pragma wal_checkpoint(truncate)" } else { "pragma wal_checkpoint(passive)" };
        self.0
            .alone(move |connection| {
                let tail = wal::read(&log, after.as_ref())?;
                if tail == wal::Tail::Elsewhere {
                    // nobody has read what it holds
                    return Ok(tail);
                }
                connection.query_row(checkpoint, [], |_| Ok(())).map_err(Error::internal)?;
                Ok(tail)
            })
            .await
    }

    /// Moves what the write-ahead log holds into the file itself: for the end of a process.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn checkpoint(&self) -> Result<()> {
        self.0
            .alone(|connection| {
                connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).map_err(Error::internal)
            })
            .await
    }

    /// A consistent copy of the whole file, taken while it is in use.
    ///
    /// # Errors
    /// When the target cannot be written.
    pub async fn copy_to(&self, target: &Path) -> Result<()> {
        let target = target.to_path_buf();
        self.0
            .alone(move |connection| {
                connection
                    .execute("vacuum into ?1", [target.to_string_lossy().as_ref()])
                    .map(|_| ())
                    .map_err(Error::internal)
            })
            .await
    }
}

/// Implements [`FromRow`] for a struct whose fields are named as its columns.
#[macro_export]
macro_rules! from_row {
    ($type:ty { $($field:ident),+ $(,)? }) => {
        impl $crate::db::FromRow for $type {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];
            fn from_row(row: &$crate::db::Row<'_>) -> $crate::Result<Self> {
                let mut column = 0..;
                Ok(Self { $($field: row.get(column.next().unwrap_or_default())?),+ })
            }
        }
    };
}
