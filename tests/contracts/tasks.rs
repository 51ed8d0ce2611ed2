//! The contract of `tasks`, for any adapter under the one worker loop; [`embedded`] runs it on tables,
//! [`broken`] on adapters and loops that must fail it, and [`crash`] kills the process that works.

mod broken;
mod crash;
mod embedded;
mod model;
mod taking;
mod working;

use crate::suite::Check;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use futures_util::{FutureExt as _, future::BoxFuture};
use platform::{
    Platform,
    db::Scope,
    tasks::{self, Limits, Taken, Task},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use uuid::Uuid;

pub type Handler = Arc<dyn Fn(Taken) -> BoxFuture<'static, platform::Result<()>> + Send + Sync>;

/// Starts a process with the tasks, again and again on the same store; one at a time.
#[async_trait]
pub trait Harness: Send + Sync {
    async fn start(&self) -> Result<Platform>;
    async fn add(&self, platform: &Platform, task: Task) -> Result<bool>;
    fn work(&self, platform: &Platform, queue: &'static str, limits: Limits, handler: Handler);
}

/// All checks, in files by what they are about.
pub fn checks() -> Vec<Check<dyn Harness>> {
    let mut checks = Vec::new();
    checks.extend(taking::checks());
    checks.extend(working::checks());
    checks
}

const MAIL: &str = "note-mail";
const OTHER: &str = "note-other";
const LONG: Duration = Duration::from_secs(60);
/// Long enough to see that nothing comes.
const MOMENT: Duration = Duration::from_millis(200);

/// Limits whose pauses a test can wait for.
fn quick() -> Limits {
    Limits { tries: 3, pause: Duration::from_millis(1), grace: Duration::from_millis(100), ..Limits::default() }
}

fn task(platform: &Platform, queue: &'static str, key: &str) -> Task {
    Task::new(queue, key, Uuid::from_u128(7), format!("payload of {key}").into_bytes(), platform.clock.now())
}

/// Asks for a task in a transaction of its own.
async fn enqueue(platform: &Platform, task: Task) -> Result<bool> {
    let added = platform.db.write(Scope::System, move |tx| {
        let task = task.clone();
        async move { tasks::enqueue(tx, &task).await }.boxed()
    });
    Ok(added.await?)
}

/// The next tasks, when there are some in a moment.
async fn next(platform: &Platform, queue: &'static str, lease: Duration) -> Result<Vec<Taken>> {
    match tokio::time::timeout(MOMENT, platform.tasks.take(queue, lease, 100)).await {
        Ok(taken) => Ok(taken?),
        Err(_) => Ok(Vec::new()),
    }
}

/// The one task there must be.
async fn one(platform: &Platform, queue: &'static str, lease: Duration) -> Result<Taken> {
    let mut taken = next(platform, queue, lease).await?;
    anyhow::ensure!(taken.len() == 1, "{} tasks where one is due", taken.len());
    taken.pop().context("none")
}

/// The process ends; what it had taken it has.
async fn stop(platform: Platform) {
    platform.background.drain(Duration::from_secs(5)).await;
}

/// What a worker has done, in order.
#[derive(Clone, Default)]
struct Did(Arc<(Mutex<Vec<String>>, Notify)>);

impl Did {
    fn note(&self, key: &str) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(key.to_owned());
        self.0.1.notify_waiters();
    }

    fn keys(&self) -> Vec<String> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sorted(&self) -> Vec<String> {
        let mut keys = self.keys();
        keys.sort();
        keys
    }

    async fn reaches(&self, count: usize) -> Result<()> {
        let enough = async {
            loop {
                let more = self.0.1.notified();
                if self.keys().len() >= count {
                    return;
                }
                more.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), enough).await;
        waited.with_context(|| format!("only {} of {count} tasks are done", self.keys().len()))
    }
}

/// A worker whose handler is tried and noted each time.
fn worker(
    harness: &dyn Harness,
    platform: &Platform,
    limits: Limits,
    outcome: impl Fn(&Taken) -> platform::Result<()> + Send + Sync + 'static,
) -> Did {
    let did = Did::default();
    let (noted, outcome) = (did.clone(), Arc::new(outcome));
    let handler: Handler = Arc::new(move |task| {
        let (noted, outcome) = (noted.clone(), outcome.clone());
        async move {
            noted.note(&task.key);
            outcome(&task)
        }
        .boxed()
    });
    harness.work(platform, MAIL, limits, handler);
    did
}

/// Waits until a queue stands as said: open and buried.
async fn stands(platform: &Platform, open: i64, buried: i64) -> Result<()> {
    let mut last = Vec::new();
    for _ in 0..100 {
        last = platform.tasks.standing().await?;
        let found = last.iter().find(|standing| standing.queue == MAIL);
        if found.map_or((0, 0), |standing| (standing.open, standing.buried)) == (open, buried) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("{last:?} where {open} are open and {buried} buried")
}
