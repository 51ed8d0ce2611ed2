//! Group commit: whatever waits runs in one transaction, a savepoint each, and is acknowledged
//! after one synced commit. Nobody hears "stored" before the disk has said so.

use super::{
    connection::{Guarded, Job, Part},
    query::failure,
};
use crate::{Error, Result, disk, failpoint};
use rusqlite::{Connection, ffi};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, mpsc::Receiver},
};
use tokio::sync::watch;

/// How many transactions share a commit at most: bounds what one failed commit refuses.
const GROUP: usize = 256;

/// Who waits for which topic: each has a channel of its own, so that they are woken in the order in
/// which they came. (Those who share one are woken in any order.)
#[derive(Default)]
pub(super) struct Topics(Mutex<HashMap<&'static str, Vec<watch::Sender<u64>>>>);

impl Topics {
    pub(super) fn subscribe(&self, topic: &'static str) -> watch::Receiver<u64> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = known.entry(topic).or_default();
        waiting.retain(|sender| !sender.is_closed());
        let (sender, receiver) = watch::channel(0);
        waiting.push(sender);
        receiver
    }

    fn announce(&self, topics: &[&'static str]) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in topics.iter().filter_map(|topic| known.get(topic)).flatten() {
            sender.send_modify(|count| *count += 1);
        }
    }
}

pub(super) fn run(mut connection: Guarded, jobs: &Receiver<Job>, topics: &Topics) {
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
        match job {
            Job::Write(first) => next = commit_group(&mut connection, first, jobs, topics),
            Job::Alone(job) | Job::Read(job) => job(connection.unbounded()),
        }
    }
}

/// Commits `first` and what else waits; returns a job that must run alone, if one came up.
pub(super) fn commit_group(
    connection: &mut Guarded,
    first: Box<dyn Part>,
    jobs: &Receiver<Job>,
    topics: &Topics,
) -> Option<Job> {
    let mut alone = None;
    let mut parts = vec![first];
    if let Err(error) = start(connection, &mut parts) {
        // Outside a transaction a savepoint would commit by itself: nothing may run.
        acknowledge(parts, topics, &Err(error));
        return None;
    }
    while parts.len() < GROUP {
        match jobs.try_recv() {
            Ok(Job::Write(mut part)) => {
                connection.within(|c| part.run(c));
                parts.push(part);
                if connection.unbounded().is_autocommit()
                    && let Err(error) = start(connection, &mut parts)
                {
                    acknowledge(parts, topics, &Err(error));
                    return None;
                }
            }
            Ok(other) => {
                alone = Some(other);
                break;
            }
            Err(_) => break,
        }
    }
    if failpoint::mutant("ack-before-commit") {
        acknowledge(parts, topics, &Ok(()));
        std::thread::sleep(std::time::Duration::from_millis(40));
        let _ = connection.unbounded().execute_batch("commit");
        return alone;
    }
    let connection = connection.unbounded();
    let outcome = connection.execute_batch("commit").map_err(|error| {
        if is_unsynced(&error) {
            // nobody hears that it is stored
            disk::end(&error, "the database");
        }
        tracing::error!(%error, transactions = parts.len(), "commit failed; none of them is stored");
        let _ = connection.execute_batch("rollback");
        failure(error)
    });
    acknowledge(parts, topics, &outcome);
    alone
}

/// Whether the disk was asked to sync and refused.
fn is_unsynced(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

/// Begins, and runs the parts that have not failed. An interrupted write, or a full disk, ends the
/// whole transaction and not only its savepoint (SQLite, "sqlite3_interrupt"); the part that met
/// with it has failed, and the others start over without it.
fn start(connection: &mut Guarded, parts: &mut [Box<dyn Part>]) -> Result<()> {
    loop {
        batch(connection.unbounded(), "begin immediate")?;
        let whole = parts.iter_mut().filter(|part| !part.failed()).all(|part| {
            connection.within(|c| part.run(c));
            !connection.unbounded().is_autocommit()
        });
        if whole {
            return Ok(());
        }
    }
}

fn acknowledge(parts: Vec<Box<dyn Part>>, topics: &Topics, outcome: &Result<()>) {
    for part in parts {
        match outcome {
            Ok(()) => {
                // Wake consumers first: they work while the caller's answer travels.
                topics.announce(part.announced());
                part.answer(Ok(()));
            }
            Err(error) => part.answer(Err(Error::new(error.code(), error.message()))),
        }
    }
}

/// Runs one caller's work so that its failure leaves the others' work in the group untouched.
pub(super) fn in_savepoint<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<(T, Vec<&'static str>)>,
) -> (Result<T>, Vec<&'static str>) {
    if let Err(error) = batch(connection, "savepoint work") {
        return (Err(error), Vec::new());
    }
    let outcome = work(connection);
    let ended = match &outcome {
        Ok(_) => batch(connection, "release work"),
        Err(_) => batch(connection, "rollback to work").and_then(|()| batch(connection, "release work")),
    };
    match (outcome, ended) {
        (Ok((value, announced)), Ok(())) => (Ok(value), announced),
        (Ok(_), Err(error)) | (Err(error), _) => (Err(error), Vec::new()),
    }
}

fn batch(connection: &Connection, sql: &'static str) -> Result<()> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(|_| ()).map_err(failure)
}
