//! The contract of `db`, for any engine; [`embedded`] runs it on SQLite, [`broken`] on databases that
//! must fail it, and [`crash`] kills the process that writes.

mod broken;
mod crash;
mod embedded;
mod limits;
mod migrations;
mod snapshots;
mod statements;
mod transactions;

use crate::suite::Check;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use futures_util::{FutureExt as _, future::BoxFuture};
use platform::{
    Error,
    db::{Db, Migration, Options, Scope, Tx, Work},
};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    watch,
};

/// A transaction whose value has been put aside, so that any database can run it.
pub type Job = Arc<dyn for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, platform::Result<()>> + Send + Sync>;

/// What is asked of a database; a trait so that broken ones can be written.
#[async_trait]
pub trait Database: Send + Sync {
    async fn write(&self, job: Job) -> platform::Result<()>;
    async fn read(&self, job: Job) -> platform::Result<()>;
    async fn migrate(&self, service: &'static str, migrations: &'static [Migration]) -> platform::Result<()>;
    fn committed(&self, topic: &'static str) -> watch::Receiver<u64>;
}

#[async_trait]
impl Database for Db {
    async fn write(&self, job: Job) -> platform::Result<()> {
        Self::write(self, Scope::System, move |tx| job(tx)).await
    }

    async fn read(&self, job: Job) -> platform::Result<()> {
        Self::read(self, Scope::System, move |tx| job(tx)).await
    }

    async fn migrate(&self, service: &'static str, migrations: &'static [Migration]) -> platform::Result<()> {
        Self::migrate(self, service, migrations).await
    }

    fn committed(&self, topic: &'static str) -> watch::Receiver<u64> {
        Self::committed(self, topic)
    }
}

/// Opens a database, again and again on the same store; one at a time.
#[async_trait]
pub trait Harness: Send + Sync {
    async fn open(&self, options: Options) -> Result<Box<dyn Database>>;
    /// The database of another instance, on a store of its own.
    async fn elsewhere(&self) -> Result<Box<dyn Database>>;
    /// How many commits the store has seen since it was opened; none where they are not shared.
    fn commits(&self) -> Result<Option<usize>>;
}

/// All checks, in files by what they are about.
pub fn checks() -> Vec<Check<dyn Harness>> {
    let mut checks = Vec::new();
    checks.extend(transactions::checks());
    checks.extend(snapshots::checks());
    checks.extend(limits::checks());
    checks.extend(migrations::checks());
    checks.extend(statements::checks());
    checks
}

const NOTES: &[Migration] = &[Migration {
    version: 1,
    name: "notes",
    sql: "create table note_notes (number bigint not null, part bigint not null, primary key (number, part));",
}];

/// A database with an empty table of notes.
async fn fresh(harness: &dyn Harness) -> Result<Box<dyn Database>> {
    with(harness, Options::default()).await
}

async fn with(harness: &dyn Harness, options: Options) -> Result<Box<dyn Database>> {
    let db = harness.open(options).await?;
    db.migrate("note", NOTES).await?;
    Ok(db)
}

fn job<F>(work: F) -> Job
where
    F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, platform::Result<()>> + Send + Sync + 'static,
{
    Arc::new(work)
}

type Slot<T> = Arc<Mutex<Option<T>>>;

fn aside<T: Send + 'static>(work: impl Work<T>) -> (Job, Slot<T>) {
    let slot = Slot::default();
    let kept = slot.clone();
    let job = job(move |tx| {
        let (running, kept) = (work(tx), kept.clone());
        async move {
            let value = running.await?;
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        }
        .boxed()
    });
    (job, slot)
}

fn taken<T>(slot: &Slot<T>) -> platform::Result<T> {
    let value = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    value.ok_or_else(|| Error::internal("answered before the closure has run"))
}

async fn write<T: Send + 'static>(db: &dyn Database, work: impl Work<T>) -> platform::Result<T> {
    let (job, slot) = aside(work);
    db.write(job).await?;
    taken(&slot)
}

async fn read<T: Send + 'static>(db: &dyn Database, work: impl Work<T>) -> platform::Result<T> {
    let (job, slot) = aside(work);
    db.read(job).await?;
    taken(&slot)
}

async fn insert(tx: &mut Tx<'_>, number: i64, part: i64) -> platform::Result<()> {
    tx.query("insert into note_notes (number, part) values ($1, $2)").bind(number).bind(part).run().await?;
    Ok(())
}

/// Three rows in one transaction.
async fn add(db: &dyn Database, number: i64) -> platform::Result<()> {
    write(db, move |tx| {
        async move {
            for part in 0..3 {
                insert(tx, number, part).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .await
}

struct Note {
    number: i64,
    parts: i64,
}
platform::from_row!(Note { number, parts });

/// Each stored number with how many rows it has.
async fn notes(db: &dyn Database) -> platform::Result<Vec<(i64, i64)>> {
    let notes: Vec<Note> = read(db, |tx| {
        async move {
            tx.query("select number, count(*) as parts from note_notes group by number order by number").all().await
        }
        .boxed()
    })
    .await?;
    Ok(notes.into_iter().map(|note| (note.number, note.parts)).collect())
}

/// Stops a closure where it is until its keeper lets it go.
#[derive(Clone)]
struct Gate {
    reached: UnboundedSender<()>,
    go: Arc<Mutex<mpsc::Receiver<()>>>,
}

struct Keeper {
    reached: UnboundedReceiver<()>,
    go: mpsc::Sender<()>,
}

fn gate() -> (Gate, Keeper) {
    let (reached, was_reached) = unbounded_channel();
    let (go, may_go) = mpsc::channel();
    (Gate { reached, go: Arc::new(Mutex::new(may_go)) }, Keeper { reached: was_reached, go })
}

impl Gate {
    /// Stops the thread that runs the closure; a keeper that goes away lets it go.
    fn pass(&self) {
        let _ = self.reached.send(());
        let _ = self.go.lock().unwrap_or_else(PoisonError::into_inner).recv();
    }
}

impl Keeper {
    async fn is_reached(&mut self) -> Result<()> {
        self.reached.recv().await.context("the closure went away")
    }

    /// This time and whenever the closure runs again.
    fn let_go(self) {
        drop(self.go);
    }
}
