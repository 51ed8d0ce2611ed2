//! Databases that break one promise each, and the check that must notice.

mod wrapped;

use super::{Database, Harness, checks, embedded::InFolder};
use crate::suite::{fails, passes};
use anyhow::Result;
use async_trait::async_trait;
use futures_util::future::try_join_all;
use platform::db::{Db, Options};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use wrapped::Wrapped;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    LosesTheLastWrite,
    LosesAllOnReopen,
    AcknowledgesEarly,
    KeepsWhatFailed,
    FailsTogether,
    TornReads,
    WaitsForOthers,
    ConflictLooksUnexpected,
    CommitsOneByOne,
    StopsWhenCallersGiveUp,
    OneStore,
    ReadsMayWrite,
    ReadersBlockWriters,
    WakesEarly,
    WakesAlways,
    WakesEverybody,
    NoDeadline,
    NoQueueLimit,
    ForgetsMigrations,
    AcceptsAnySchema,
    OneMigrationTable,
    ChangesTexts,
}

/// Acknowledges before the commit; for the crash suite.
pub fn early(db: Db) -> impl Database {
    Wrapped::new(db, Fault::AcknowledgesEarly, PathBuf::new())
}

pub struct Broken {
    inner: InFolder,
    fault: Fault,
    opened: AtomicBool,
}

impl Broken {
    pub fn new(fault: Fault) -> Result<Self> {
        Ok(Self { inner: InFolder::new()?, fault, opened: AtomicBool::new(false) })
    }
}

#[async_trait]
impl Harness for Broken {
    async fn open(&self, mut options: Options) -> Result<Box<dyn Database>> {
        if self.opened.swap(true, Ordering::SeqCst) {
            match self.fault {
                Fault::LosesAllOnReopen => fs::remove_file(self.inner.file("taifas.db"))?,
                Fault::LosesTheLastWrite if fs::exists(self.inner.file("before.db"))? => {
                    fs::copy(self.inner.file("before.db"), self.inner.file("taifas.db")).map(drop)?;
                }
                _ => {}
            }
        }
        match self.fault {
            Fault::NoDeadline => options.deadline = Duration::from_secs(60),
            Fault::NoQueueLimit => options.queue = 10_000,
            _ => {}
        }
        let db = self.inner.db(&options)?;
        Ok(Box::new(Wrapped::new(db, self.fault, self.inner.file("before.db"))))
    }

    async fn elsewhere(&self) -> Result<Box<dyn Database>> {
        match self.fault {
            Fault::OneStore => self.open(Options::default()).await,
            _ => self.inner.elsewhere().await,
        }
    }

    fn commits(&self) -> Result<Option<usize>> {
        self.inner.commits()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_databases_are_noticed() -> Result<()> {
    let checks = checks();
    passes::<dyn Harness>(&checks, || Ok(Box::new(Broken::new(Fault::None)?))).await?;
    let broken = [
        (Fault::LosesTheLastWrite, "what_is_acknowledged_survives_reopening"),
        (Fault::LosesAllOnReopen, "what_is_acknowledged_survives_reopening"),
        (Fault::LosesAllOnReopen, "migrations_are_applied_once"),
        (Fault::AcknowledgesEarly, "what_is_acknowledged_is_visible"),
        (Fault::KeepsWhatFailed, "a_failed_transaction_leaves_nothing"),
        (Fault::KeepsWhatFailed, "others_of_a_group_are_untouched"),
        (Fault::KeepsWhatFailed, "a_failed_transaction_wakes_nobody"),
        (Fault::FailsTogether, "others_of_a_group_are_untouched"),
        (Fault::FailsTogether, "an_interrupted_write_takes_no_other_with_it"),
        (Fault::TornReads, "a_read_sees_one_moment"),
        (Fault::WaitsForOthers, "waiting_for_something_else_is_an_error"),
        (Fault::ConflictLooksUnexpected, "what_exists_already_is_a_conflict"),
        (Fault::CommitsOneByOne, "writers_share_commits"),
        (Fault::StopsWhenCallersGiveUp, "a_caller_who_gives_up_changes_nothing"),
        (Fault::OneStore, "instances_are_apart"),
        (Fault::ReadsMayWrite, "a_read_cannot_write"),
        (Fault::ReadersBlockWriters, "a_read_sees_one_moment"),
        (Fault::WakesEarly, "who_waits_is_woken_after_the_commit"),
        (Fault::WakesAlways, "a_failed_transaction_wakes_nobody"),
        (Fault::WakesEverybody, "topics_are_told_apart"),
        (Fault::NoDeadline, "an_endless_read_is_stopped"),
        (Fault::NoDeadline, "an_endless_write_is_stopped"),
        (Fault::NoQueueLimit, "a_full_queue_refuses"),
        (Fault::ForgetsMigrations, "migrations_are_applied_once"),
        (Fault::ForgetsMigrations, "a_further_one_is_added"),
        (Fault::AcceptsAnySchema, "a_newer_schema_is_refused"),
        (Fault::AcceptsAnySchema, "a_diverging_one_is_refused"),
        (Fault::AcceptsAnySchema, "a_failing_one_leaves_nothing"),
        (Fault::OneMigrationTable, "services_migrate_apart"),
        (Fault::ChangesTexts, "every_value_comes_back"),
    ];
    let noticed = |(fault, check)| {
        let checks = &checks;
        async move { fails::<dyn Harness>(checks, check, &Broken::new(fault)?).await }
    };
    // all at once, as those that hang take their time
    try_join_all(broken.map(noticed)).await.map(drop)
}
