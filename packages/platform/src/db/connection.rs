//! A connection as its thread holds it, and what the thread is asked to do with it.

use super::query::failure;
use crate::Result;
use rusqlite::Connection;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What a thread is asked to do with its connection.
pub(super) enum Job {
    /// Part of the next group commit.
    Write(Box<dyn Part>),
    /// On a snapshot of its own.
    Read(Box<dyn FnOnce(&mut Connection) + Send>),
    /// Alone, outside a transaction: migrations, copies.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// One caller's share of a group commit, whatever its closure returns.
pub(super) trait Part: Send {
    /// Runs in the open transaction; called again when the group has to start over.
    fn run(&mut self, connection: &mut Connection);
    /// Whether it has failed by itself: then nothing of it is in the transaction.
    fn failed(&self) -> bool;
    /// What to wake others for once it is durable.
    fn announced(&self) -> &[&'static str];
    /// Tells the caller how it ended.
    fn answer(self: Box<Self>, commit: Result<()>);
}

/// A connection whose statements are interrupted past the deadline of their transaction.
pub(super) struct Guarded {
    connection: Connection,
    start: Instant,
    ends: Arc<AtomicU64>,
    limit: Duration,
}

impl Guarded {
    pub(super) fn new(mut connection: Connection, limit: Duration) -> Result<Self> {
        let (start, ends) = (Instant::now(), Arc::new(AtomicU64::new(u64::MAX)));
        let seen = ends.clone();
        connection
            .progress_handler(10_000, Some(move || millis(start.elapsed()) > seen.load(Ordering::Relaxed)))
            .map_err(failure)?;
        Ok(Self { connection, start, ends, limit })
    }

    /// Runs `work` within the deadline.
    pub(super) fn within<T>(&mut self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let end = millis(self.start.elapsed()).saturating_add(millis(self.limit));
        self.ends.store(end, Ordering::Relaxed);
        let value = work(&mut self.connection);
        self.ends.store(u64::MAX, Ordering::Relaxed);
        value
    }

    /// Without a deadline: commits, migrations, copies.
    pub(super) fn unbounded(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
