//! The `tasks` port: work to be done once the transaction that asks for it is durable, such as a mail
//! or an import. One worker per task at a time; a lease, so that the work of a dead one is taken over;
//! a delay, retries with back-off, and a place for what cannot be done.
//!
//! A task may be worked on more than once (a crash between its effect and its end), so a handler makes
//! its effect idempotent. It is asked for by writing it, in the caller's own transaction:
//!
//! ```text
//! db.write(space, move |tx| {
//!     let mail = Task::new("notification-mail", event.to_string(), space, payload.clone(), now);
//!     async move { tasks::enqueue(tx, &mail).await }.boxed()
//! })
//! ```

mod tables;
mod work;

pub(crate) use tables::MIGRATIONS;
pub use tables::{TableTasks, enqueue, erase};
pub use work::{Limits, work};

use crate::Result;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

/// Work to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Who does it: `notification-mail`, `chat-imports`.
    pub queue: &'static str,
    /// The same key again is the same task, also for a week after it is done: at most 200 bytes.
    pub key: String,
    /// Whose it is; erased with the space.
    pub space: Uuid,
    /// What the worker needs, at most 64 KiB; gone once the task is done.
    pub payload: Vec<u8>,
    pub added: DateTime<Utc>,
    /// Not before this time.
    pub due: DateTime<Utc>,
}

impl Task {
    /// A task that is due at once.
    #[must_use]
    pub fn new(queue: &'static str, key: impl Into<String>, space: Uuid, payload: Vec<u8>, now: DateTime<Utc>) -> Self {
        Self { queue, key: key.into(), space, payload, added: now, due: now }
    }

    /// The same, not before `due`.
    #[must_use]
    pub fn due(self, due: DateTime<Utc>) -> Self {
        Self { due, ..self }
    }
}

/// A task in the hands of one worker, until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub queue: &'static str,
    pub key: String,
    pub space: Uuid,
    pub payload: Vec<u8>,
    pub added: DateTime<Utc>,
    /// Grows each time somebody takes the task.
    pub attempt: i64,
    /// How often it was tried, this time included; a dependency that was down does not count.
    pub tries: i64,
}

/// How a worker is through with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// To be tried again after a while; `counts` says whether this was a try.
    Again {
        after: Duration,
        counts: bool,
        why: String,
    },
    /// Put aside: it cannot be done.
    Buried {
        why: String,
    },
}

/// How a queue stands, for those who watch over an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub queue: String,
    /// Not ended, those in somebody's hands included.
    pub open: i64,
    pub buried: i64,
    /// When the oldest open one is or was due.
    pub oldest: Option<DateTime<Utc>>,
}

/// Where tasks are taken. They are asked for by writing them (see [`enqueue`]).
#[async_trait]
pub trait Tasks: Send + Sync {
    /// Takes up to `most` due tasks of `queue`, at least one, for `lease`; waits for them. A call that
    /// is dropped may have taken some, which come again when the lease has ended.
    ///
    /// # Errors
    /// When the tasks cannot be reached; the next call tries again.
    async fn take(&self, queue: &'static str, lease: Duration, most: usize) -> Result<Vec<Taken>>;

    /// Prolongs the lease from now on.
    ///
    /// # Errors
    /// `stale` when the task is not theirs any more.
    async fn keep(&self, task: &Taken, lease: Duration) -> Result<()>;

    /// Says how it went.
    ///
    /// # Errors
    /// `stale` when the task is not theirs any more; then nothing is changed.
    async fn end(&self, task: &Taken, outcome: Outcome) -> Result<()>;

    /// How the queues stand.
    ///
    /// # Errors
    /// When the tasks cannot be reached.
    async fn standing(&self) -> Result<Vec<Standing>>;
}
