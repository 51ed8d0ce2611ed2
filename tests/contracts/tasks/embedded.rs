//! Tasks in the database's own tables, and what only tables can do wrong.

use super::{Handler, Harness, LONG, MAIL, checks, enqueue, next, one, stands, stop, task};
use crate::suite::passes;
use anyhow::{Result, ensure};
use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Platform,
    clock::{FixedClock, SystemClock},
    db::Scope,
    ids::SystemIds,
    isolated,
    tasks::{self, Limits, Outcome, Task},
};
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use uuid::Uuid;

pub struct InTables(TempDir);

impl InTables {
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }
}

/// Also for a folder that others have used, such as a process that was killed.
pub async fn start(folder: &Path) -> Result<Platform> {
    Ok(isolated::platform(folder, Arc::new(SystemClock), Arc::new(SystemIds)).await?)
}

#[async_trait]
impl Harness for InTables {
    async fn start(&self) -> Result<Platform> {
        start(self.0.path()).await
    }

    async fn add(&self, platform: &Platform, task: Task) -> Result<bool> {
        enqueue(platform, task).await
    }

    fn work(&self, platform: &Platform, queue: &'static str, limits: Limits, handler: Handler) {
        tasks::work(platform, queue, limits, move |task| handler(task));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_keep_the_contract() -> Result<()> {
    passes(&checks(), || Ok(Box::new(InTables::new()?))).await
}

#[tokio::test]
async fn what_was_taken_back_is_never_done() -> Result<()> {
    let harness = InTables::new()?;
    let platform = harness.start().await?;
    let asked = task(&platform, MAIL, "a");
    let taken_back = platform.db.write(Scope::System, move |tx| {
        let asked = asked.clone();
        async move {
            tasks::enqueue(tx, &asked).await?;
            Err::<(), _>(Error::stale("taken back"))
        }
        .boxed()
    });
    ensure!(taken_back.await.is_err(), "it is stored");
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "it is done all the same");
    stop(platform).await;
    Ok(())
}

#[tokio::test]
async fn a_space_is_erased_and_nothing_of_what_is_done_is_kept() -> Result<()> {
    let harness = InTables::new()?;
    let platform = harness.start().await?;
    let (theirs, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for (space, key) in [(theirs, "a"), (theirs, "b"), (other, "c")] {
        enqueue(&platform, Task { space, ..task(&platform, MAIL, key) }).await?;
    }
    let held = platform.tasks.take(MAIL, LONG, 1).await?;
    let erased = platform.db.write(theirs, move |tx| async move { tasks::erase(tx, theirs).await }.boxed());
    ensure!(erased.await? == 2, "another number");
    ensure!(platform.tasks.end(&held[0], Outcome::Done).await.is_err(), "an erased one ends");
    let left = one(&platform, MAIL, LONG).await?;
    ensure!(left.key == "c", "{left:?}");
    platform.tasks.end(&left, Outcome::Done).await?;
    let kept = platform.db.read(Scope::System, |tx| {
        async move { tx.query("select sum(length(payload)) from tasks_tasks").value::<i64>().await }.boxed()
    });
    ensure!(kept.await? == Some(0), "the payload is kept");
    stop(platform).await;
    Ok(())
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let clock = FixedClock::at(Utc::now());
    let platform = isolated::platform(folder.path(), clock.clone(), Arc::new(SystemIds)).await?;
    let done = async |key: &str| -> Result<bool> {
        let new = enqueue(&platform, task(&platform, MAIL, key)).await?;
        for taken in next(&platform, MAIL, LONG).await? {
            let outcome = if key == "bad" { Outcome::Buried { why: "no".into() } } else { Outcome::Done };
            platform.tasks.end(&taken, outcome).await?;
        }
        Ok(new)
    };
    for key in ["a", "bad"] {
        ensure!(done(key).await?, "{key} is not new");
    }
    clock.advance(TimeDelta::days(6));
    ensure!(done("b").await? && !done("a").await?, "forgotten after six days");
    clock.advance(TimeDelta::days(2));
    ensure!(done("c").await?, "not new");
    stands(&platform, 0, 0).await?;
    ensure!(done("a").await? && !done("b").await?, "remembered for longer than a week");
    stop(platform).await;
    Ok(())
}
