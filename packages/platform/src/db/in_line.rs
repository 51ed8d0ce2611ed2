//! The same engine without threads: each transaction runs whole on its caller's stack, between two
//! moments that are the test's. So a single-threaded runtime with paused time runs real services the
//! same way each time.

use super::{
    Options, Work,
    connection::Guarded,
    sqlite::{closed, part, reading, snapshot, writing},
    writer::{self, Topics},
};
use crate::Result;
use async_trait::async_trait;
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
};

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// What stands around each transaction of a database that was opened in line: where a test lets time
/// pass, refuses, or lets a caller never come back.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Before the transaction begins.
    ///
    /// # Errors
    /// What the transaction ends with, nothing of it done.
    async fn before(&self, access: Access) -> Result<()>;

    /// After it has ended (a write is durable then, and those who wait for it are woken), before its
    /// caller hears of it.
    async fn after(&self, access: Access);
}

/// Every transaction at once.
pub struct AtOnce;

#[async_trait]
impl Pace for AtOnce {
    async fn before(&self, _: Access) -> Result<()> {
        Ok(())
    }

    async fn after(&self, _: Access) {}
}

pub(super) struct InLine {
    write: Mutex<Guarded>,
    read: Mutex<Guarded>,
    topics: Topics,
    pace: Arc<dyn Pace>,
    pub(super) exclusive: bool,
    pub(super) path: PathBuf,
}

impl InLine {
    pub(super) fn open(path: &Path, options: &Options, pace: Arc<dyn Pace>) -> Result<Self> {
        Ok(Self {
            write: Mutex::new(writing(path, options)?),
            read: Mutex::new(reading(path, options)?),
            topics: Topics::default(),
            pace,
            exclusive: options.exclusive,
            path: path.into(),
        })
    }

    pub(super) fn topics(&self) -> &Topics {
        &self.topics
    }

    pub(super) async fn write<T: Send + 'static>(&self, work: impl Work<T>) -> Result<T> {
        self.paced(Access::Write, || {
            let (part, mut answer) = part(work);
            // Nobody else waits: a group of one.
            let (_, nobody) = mpsc::channel();
            let mut connection = self.write.lock().unwrap_or_else(PoisonError::into_inner);
            writer::commit_group(&mut connection, part, &nobody, &self.topics);
            answer.try_recv().map_err(|_| closed())?
        })
        .await
    }

    pub(super) async fn read<T: Send + 'static>(&self, work: impl Work<T>) -> Result<T> {
        self.paced(Access::Read, || {
            let mut connection = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            connection.within(|connection| snapshot(connection, &work))
        })
        .await
    }

    pub(super) async fn alone<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.paced(Access::Write, || {
            let mut connection = self.write.lock().unwrap_or_else(PoisonError::into_inner);
            work(connection.unbounded())
        })
        .await
    }

    async fn paced<T>(&self, access: Access, work: impl FnOnce() -> Result<T>) -> Result<T> {
        // As with threads, nobody has an answer at once: a transaction that asks for another one waits,
        // which is an error, and does not come back for a lock that it holds.
        tokio::task::yield_now().await;
        self.pace.before(access).await?;
        let outcome = work();
        self.pace.after(access).await;
        outcome
    }
}
