//! The worker loop, written once for every queue and every adapter: so many at a time, a lease that is
//! kept while the work goes on, back-off, and the end of what cannot be done.

use super::{Outcome, Taken, Tasks};
use crate::{Code, Error, Platform, Result, failpoint};
use chrono::TimeDelta;
use futures_util::{FutureExt as _, future::BoxFuture};
use opentelemetry::KeyValue;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Bounds of a worker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Tasks worked on at the same time.
    pub parallel: usize,
    /// Tries before a task is put aside. A dependency that is down does not count as a try.
    pub tries: i64,
    /// How long a dependency may be down before the task is put aside.
    pub patience: Duration,
    /// The first pause between tries; doubled each time, at most ten minutes.
    pub pause: Duration,
    /// How long a task stays with a worker that says nothing.
    pub lease: Duration,
    /// How long what is being done goes on when the process is asked to end.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: 4,
            tries: 8,
            patience: Duration::from_secs(24 * 3600),
            pause: Duration::from_secs(2),
            lease: Duration::from_secs(60),
            grace: Duration::from_secs(5),
        }
    }
}

type Handler = Arc<dyn Fn(Taken) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Does the tasks of `queue` with `handler` until the process drains. An error of code `invalid` says
/// that the task can never be done; `unavailable` and `timeout`, that it is not the task's fault; every
/// other one is tried again.
pub fn work(
    platform: &Platform,
    queue: &'static str,
    limits: Limits,
    handler: impl Fn(Taken) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
) {
    let worker = Worker {
        tasks: platform.tasks.clone(),
        platform: platform.clone(),
        limits,
        handler: Arc::new(handler),
        ending: platform.background.ending(),
    };
    platform.background.spawn(async move { Arc::new(worker).run(queue).await });
}

struct Worker {
    tasks: Arc<dyn Tasks>,
    platform: Platform,
    limits: Limits,
    handler: Handler,
    ending: CancellationToken,
}

impl Worker {
    async fn run(self: Arc<Self>, queue: &'static str) {
        let mut running = JoinSet::new();
        while !self.ending.is_cancelled() {
            let room = self.limits.parallel.max(1).saturating_sub(running.len());
            if room == 0 {
                // all of them watch for the end themselves
                running.join_next().await;
                continue;
            }
            let taken = self.ending.run_until_cancelled(self.tasks.take(queue, self.limits.lease, room)).await;
            match taken {
                None => break,
                Some(Ok(tasks)) => {
                    for task in tasks {
                        running.spawn(self.clone().attempt(task));
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(queue, %error, "tasks cannot be taken; trying again");
                    self.ending.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await;
                }
            }
            while running.try_join_next().is_some() {}
        }
        while running.join_next().await.is_some() {}
    }

    async fn attempt(self: Arc<Self>, task: Taken) {
        let outcome = if task.tries > self.limits.tries {
            // it never came to an end: perhaps it is what ends the process
            Outcome::Buried { why: format!("given up after {} tries that did not end", self.limits.tries) }
        } else {
            let work = AssertUnwindSafe(async { (self.handler)(task.clone()).await }).catch_unwind();
            tokio::select! {
                biased;
                done = work => self.judge(&task, done.unwrap_or_else(|_| Err(Error::internal("the work panicked")))),
                () = self.hold(&task) => return,
                () = self.grace() => Outcome::Again {
                    after: Duration::ZERO,
                    counts: false,
                    why: "the process was asked to end".into(),
                },
            }
        };
        if let Outcome::Buried { why } = &outcome {
            tracing::error!(queue = task.queue, key = task.key, why, "task put aside");
            self.platform.metrics.dead_letters.add(1, &[KeyValue::new("group", task.queue)]);
        }
        failpoint::hit_of("T1", task.queue);
        self.end(&task, outcome).await;
    }

    fn judge(&self, task: &Taken, done: Result<()>) -> Outcome {
        let Err(error) = done else { return Outcome::Done };
        let why = error.to_string();
        let waits = matches!(error.code(), Code::Unavailable | Code::Timeout | Code::RateLimited);
        let age = (self.platform.clock.now() - task.added).max(TimeDelta::zero()).to_std().unwrap_or_default();
        let hopeless = error.code() == Code::Invalid
            || if waits { age >= self.limits.patience } else { task.tries >= self.limits.tries };
        if hopeless {
            return Outcome::Buried { why };
        }
        let times = u32::try_from(task.attempt.clamp(1, 20) - 1).unwrap_or(0);
        let pause = self.limits.pause.saturating_mul(1 << times).min(LONGEST_PAUSE);
        tracing::warn!(queue = task.queue, key = task.key, why, "task not done; trying again");
        Outcome::Again { after: pause.max(error.waits().unwrap_or_default()), counts: !waits, why }
    }

    /// Keeps the lease; completes when the task has gone to somebody else.
    async fn hold(&self, task: &Taken) {
        loop {
            tokio::time::sleep(self.limits.lease / 3).await;
            match self.tasks.keep(task, self.limits.lease).await {
                Err(error) if error.code() == Code::Stale => {
                    tracing::warn!(queue = task.queue, key = task.key, "a task has gone to another worker");
                    return;
                }
                Err(error) => tracing::warn!(queue = task.queue, %error, "a lease could not be prolonged"),
                Ok(()) => {}
            }
        }
    }

    async fn grace(&self) {
        self.ending.cancelled().await;
        tokio::time::sleep(self.limits.grace).await;
    }

    /// Without an end the task would be done again, so a refusal is tried again for as long as it is ours.
    async fn end(&self, task: &Taken, outcome: Outcome) {
        let mut pause = Duration::from_millis(50);
        for _ in 0..6 {
            match self.tasks.end(task, outcome.clone()).await {
                Ok(()) => return,
                Err(error) if error.code() == Code::Stale => return,
                Err(error) => tracing::warn!(queue = task.queue, %error, "the end of a task could not be stored"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}
