//! The embedded engine: threads that own their connections, bounded queues between them and the
//! callers. What one connection does for one transaction is the same in line, see [`super::in_line`].

use super::{
    Options, Work,
    connection::{Guarded, Job, Part},
    log_of,
    query::{Tx, failure},
    writer::{self, Topics},
};
use crate::{Error, Result, disk, failpoint};
use futures_util::FutureExt as _;
use rusqlite::{Connection, config::DbConfig};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::oneshot;

/// How much of the write-ahead log's file is kept, in bytes.
const JOURNAL: i64 = 16 << 20;

pub(super) struct Sqlite {
    // `Option` so that dropping the handle can close the queues before it waits for the threads.
    write: Option<SyncSender<Job>>,
    read: Option<SyncSender<Job>>,
    topics: Arc<Topics>,
    threads: Vec<JoinHandle<()>>,
    pub(super) exclusive: bool,
    pub(super) path: PathBuf,
}

impl Sqlite {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self> {
        let connection = writing(path, options)?;
        let topics = Arc::new(Topics::default());
        let (write, jobs) = sync_channel(options.queue);
        let mut threads = vec![spawn("db-writer", {
            let topics = topics.clone();
            move || writer::run(connection, &jobs, &topics)
        })?];

        let (read, jobs) = sync_channel(options.queue);
        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..options.readers.max(1) {
            let connection = reading(path, options)?;
            let jobs = jobs.clone();
            threads.push(spawn(&format!("db-reader-{n}"), move || serve_reads(connection, &jobs))?);
        }
        Ok(Self {
            write: Some(write),
            read: Some(read),
            topics,
            threads,
            exclusive: options.exclusive,
            path: path.into(),
        })
    }

    pub(super) fn topics(&self) -> &Topics {
        &self.topics
    }

    pub(super) async fn write<T: Send + 'static>(&self, work: impl Work<T>) -> Result<T> {
        let (part, answer) = part(work);
        submit(self.write.as_ref(), Job::Write(part))?;
        answer.await.map_err(|_| closed())?
    }

    pub(super) async fn read<T: Send + 'static>(&self, work: impl Work<T>) -> Result<T> {
        let (done, answer) = oneshot::channel();
        let job = Job::Read(Box::new(move |connection| {
            let _ = done.send(snapshot(connection, &work));
        }));
        submit(self.read.as_ref(), job)?;
        answer.await.map_err(|_| closed())?
    }

    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, answer) = oneshot::channel();
        let job = Job::Alone(Box::new(move |connection| {
            let _ = done.send(work(connection));
        }));
        submit(self.write.as_ref(), job)?;
        answer.await.map_err(|_| closed())?
    }
}

/// `work` as its share of a group commit, and where its caller hears how it ended.
pub(super) fn part<T: Send + 'static>(work: impl Work<T>) -> (Box<dyn Part>, oneshot::Receiver<Result<T>>) {
    let (done, answer) = oneshot::channel();
    (Box::new(Write { work, ended: None, announced: Vec::new(), done }), answer)
}

/// Runs `work` on a snapshot of its own.
pub(super) fn snapshot<T>(connection: &mut Connection, work: &impl Work<T>) -> Result<T> {
    let outcome = connection
        .execute_batch("begin")
        .map_err(failure)
        .and_then(|()| perform(connection, work).map(|(value, _)| value));
    let _ = connection.execute_batch("rollback");
    outcome
}

/// A caller's closure on its way through a group commit. `W` decides `T`; both end here.
struct Write<T, W> {
    work: W,
    ended: Option<Result<T>>,
    announced: Vec<&'static str>,
    done: oneshot::Sender<Result<T>>,
}

impl<T: Send, W: Work<T>> Part for Write<T, W> {
    fn run(&mut self, connection: &mut Connection) {
        let (outcome, announced) = writer::in_savepoint(connection, |connection| perform(connection, &self.work));
        (self.ended, self.announced) = (Some(outcome), announced);
    }

    fn failed(&self) -> bool {
        matches!(self.ended, Some(Err(_)))
    }

    fn announced(&self) -> &[&'static str] {
        &self.announced
    }

    fn answer(self: Box<Self>, commit: Result<()>) {
        let outcome = match (self.ended, commit) {
            // its own failure says more than that of the group
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(closed()),
        };
        // The caller may have given up; the work is done all the same.
        let _ = self.done.send(outcome);
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.write = None;
        self.read = None;
        for thread in self.threads.drain(..) {
            // The last handle may have been held by a closure, and goes with it on that thread.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

/// The connection that writes; the file is made when there is none.
pub(super) fn writing(path: &Path, options: &Options) -> Result<Guarded> {
    if options.exclusive && !failpoint::mutant("log-as-it-was") {
        disk::write_again(&log_of(path)).map_err(|error| {
            Error::unavailable(format!(
                "the write-ahead log of {} cannot be written again: {error}; look at the disk, and do not delete the log: \
                 what was acknowledged last is in it",
                path.display()
            ))
        })?;
    }
    let connection = connect(path).map_err(unusable(path))?;
    connection.pragma_update(None, "journal_mode", "wal").map_err(unusable(path))?;
    connection.pragma_update(None, "synchronous", "full").map_err(unusable(path))?;
    // what a long reader made it grow to is given back once it is used from its beginning again
    connection.pragma_update(None, "journal_size_limit", JOURNAL).map_err(unusable(path))?;
    assert_durable(&connection, path)?;
    if failpoint::mutant("no-sync") {
        connection.pragma_update(None, "synchronous", "off").map_err(unusable(path))?;
    }
    if options.archived {
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(unusable(path))?;
    }
    Guarded::new(connection, options.deadline)
}

/// A connection that only reads.
pub(super) fn reading(path: &Path, options: &Options) -> Result<Guarded> {
    let connection = connect(path).map_err(unusable(path))?;
    connection.pragma_update(None, "query_only", true).map_err(unusable(path))?;
    Guarded::new(connection, options.deadline)
}

fn unusable(path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    move |error| Error::unavailable(format!("cannot open the database {}: {error}", path.display()))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(256);
    // Otherwise each new value of a parameter that a partial index could be chosen by makes SQLite compile
    // the statement anew: a sixth of all processor time when many messages are sent.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(connection)
}

/// Acknowledged means durable only with these two settings; a file system that refuses them must
/// not be served from.
fn assert_durable(connection: &Connection, path: &Path) -> Result<()> {
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failure)?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(failure)?;
    if journal == "wal" && synchronous == 2 {
        return Ok(());
    }
    Err(Error::unavailable(format!(
        "{} does not accept journal_mode=WAL with synchronous=FULL (it says {journal}, {synchronous}); \
         put the data folder on a local disk",
        path.display()
    )))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    Ok(std::thread::Builder::new().name(name.into()).spawn(run)?)
}

fn serve_reads(mut connection: Guarded, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(Job::Read(job) | Job::Alone(job)) => connection.within(job),
            Ok(Job::Write(_)) => {}
            Err(_) => return,
        }
    }
}

/// Polls the closure once: every statement completes in place, so one that is still pending waits
/// for something it must not wait for.
fn perform<T>(connection: &mut Connection, work: &impl Work<T>) -> Result<(T, Vec<&'static str>)> {
    let mut tx = Tx { connection, announced: Vec::new() };
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut tx).now_or_never()));
    match outcome {
        Ok(Some(value)) => value.map(|value| (value, tx.announced)),
        Ok(None) => Err(Error::internal("a transaction waited for something other than its own statements")),
        Err(_) => Err(Error::internal("a transaction panicked")),
    }
}

fn submit(queue: Option<&SyncSender<Job>>, job: Job) -> Result<()> {
    match queue.ok_or_else(closed)?.try_send(job) {
        Ok(()) => Ok(()),
        Err(TrySendError::Full(_)) => Err(Error::unavailable("the database has more to do than it can; try again")),
        Err(TrySendError::Disconnected(_)) => Err(closed()),
    }
}

pub(super) fn closed() -> Error {
    Error::unavailable("the database is closed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("taifas.db")).unwrap();
        connection
            .execute_batch(
                "create table things (id integer primary key, state text not null) strict;
                 create index things_open on things (id) where state = 'open';
                 insert into things (state) values ('open'), ('done')",
            )
            .unwrap();
        let mut statement =
            connection.prepare("select id from things where id > $1 and state = $2 order by id limit $3").unwrap();
        for value in 0..8 {
            let mut rows = statement.query((value, "open", 8 + value)).unwrap();
            while rows.next().unwrap().is_some() {}
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
