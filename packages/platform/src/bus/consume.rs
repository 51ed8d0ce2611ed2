//! The consumer loop, written once for every group and every adapter: parallel across aggregates,
//! in order within one, back-off, dead letters, and a commit of the lowest unfinished position.

use super::{Delivery, Subscription};
use crate::{Code, Error, Platform, Result, events::Topic, failpoint};
use futures_util::{FutureExt as _, future::BoxFuture};
use opentelemetry::KeyValue;
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

/// How long what is finished may wait for its commit, and how many events at most. A crash in
/// between costs a few repetitions, which consumers bear; a synced write for every event would cost
/// all others their turn on the disk.
const COMMIT_PAUSE: Duration = Duration::from_millis(100);
const COMMIT_EVENTS: i64 = 64;

/// Bounds of a consumer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Aggregates worked on at the same time.
    pub parallel: usize,
    /// No more events are asked for while this many are held; one page may come on top.
    pub held: usize,
    /// Tries before an event is put aside. A dependency that is down does not count as a try.
    pub tries: u32,
    /// The first pause between tries; doubled each time, at most 30 s.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallel: 64, held: 1024, tries: 5, pause: Duration::from_millis(100) }
    }
}

type Handler = Arc<dyn Fn(Delivery) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Runs `handler` for every event of `topic`, for `group`, until the process drains. The handler
/// must make its effect idempotent: it sees an event again after a crash.
pub fn consume(
    platform: &Platform,
    group: &'static str,
    topic: Topic,
    limits: Limits,
    handler: impl Fn(Delivery) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
) {
    let handler: Handler = Arc::new(handler);
    let (bus, metrics) = (platform.bus.clone(), platform.metrics.clone());
    platform.background.spawn_until_drained(async move {
        loop {
            let outcome = async {
                let subscription = bus.subscribe(group, topic).await?;
                let buried = || metrics.dead_letters.add(1, &[KeyValue::new("group", group)]);
                run(group, subscription, limits, &handler, &buried).await
            };
            if let Err(error) = outcome.await {
                tracing::warn!(group, topic = topic.name, %error, "the bus cannot be read; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    });
}

/// What is being worked on.
#[derive(Default)]
struct Work {
    /// Events waiting behind an earlier one of their aggregate; the aggregate is busy while present.
    busy: HashMap<Uuid, VecDeque<Delivery>>,
    /// The first events of their aggregates, waiting until fewer are worked on.
    ready: VecDeque<Delivery>,
    unfinished: BTreeSet<i64>,
    finished_through: i64,
    running: JoinSet<(Delivery, Option<String>)>,
}

impl Work {
    fn accept(&mut self, delivery: Delivery) {
        self.finished_through = self.finished_through.max(delivery.position);
        self.unfinished.insert(delivery.position);
        match self.busy.get_mut(&delivery.aggregate) {
            Some(waiting) => waiting.push_back(delivery),
            None => {
                self.busy.insert(delivery.aggregate, VecDeque::new());
                self.ready.push_back(delivery);
            }
        }
    }

    fn finish(&mut self, delivery: &Delivery) {
        self.unfinished.remove(&delivery.position);
        match self.busy.get_mut(&delivery.aggregate).and_then(VecDeque::pop_front) {
            Some(next) => self.ready.push_back(next),
            None => drop(self.busy.remove(&delivery.aggregate)),
        }
    }

    /// Everything up to here is finished.
    fn lowest(&self) -> i64 {
        self.unfinished.first().map_or(self.finished_through, |first| first - 1)
    }
}

async fn run(
    group: &str,
    mut subscription: Box<dyn Subscription>,
    limits: Limits,
    handler: &Handler,
    buried: &(dyn Fn() + Send + Sync),
) -> Result<()> {
    let mut work = Work::default();
    let mut committed = 0;
    let mut commit_at: Option<Instant> = None;
    loop {
        while work.running.len() < limits.parallel
            && let Some(delivery) = work.ready.pop_front()
        {
            work.running.spawn(attempt(delivery, limits, handler.clone()));
        }
        let room = work.unfinished.len() < limits.held && work.running.len() < limits.parallel;
        tokio::select! {
            // What is due, what is done, what is new: none of the first two comes so often that the rest waits.
            biased;
            () = sleep_until(commit_at.unwrap_or_else(Instant::now)), if commit_at.is_some() => {
                commit_at = None;
                if work.lowest() > committed {
                    failpoint::hit_of("R2", group);
                    subscription.commit(work.lowest()).await?;
                    committed = work.lowest();
                }
            }
            Some(done) = work.running.join_next(), if !work.running.is_empty() => {
                let (delivery, failure) = done.map_err(Error::internal)?;
                if let Some(why) = failure {
                    tracing::error!(kind = delivery.kind, position = delivery.position, why, "event put aside");
                    subscription.bury(&delivery, &why).await?;
                    buried();
                }
                work.finish(&delivery);
                let pause = if work.lowest() - committed < COMMIT_EVENTS { COMMIT_PAUSE } else { Duration::ZERO };
                let due = Instant::now() + pause;
                commit_at = Some(commit_at.map_or(due, |at| at.min(due)));
            }
            deliveries = subscription.next(), if room => {
                let deliveries = deliveries?;
                if failpoint::mutant("cursor-first") && let Some(last) = deliveries.last() {
                    subscription.commit(last.position).await?;
                }
                for delivery in deliveries {
                    failpoint::hit_of("R1", &delivery.kind);
                    work.accept(delivery);
                }
            }
        }
    }
}

/// Tries until it works or is hopeless; returns why it was given up.
async fn attempt(delivery: Delivery, limits: Limits, handler: Handler) -> (Delivery, Option<String>) {
    let (mut tries, mut pause) = (0, limits.pause);
    loop {
        let outcome = AssertUnwindSafe(async { handler(delivery.clone()).await }).catch_unwind().await;
        let error = match outcome {
            Ok(Ok(())) => return (delivery, None),
            Ok(Err(error)) => error,
            Err(_) => Error::internal("the consumer panicked"),
        };
        if !matches!(error.code(), Code::Unavailable | Code::Timeout) {
            tries += 1;
        }
        if tries >= limits.tries {
            return (delivery, Some(error.to_string()));
        }
        tracing::warn!(kind = delivery.kind, position = delivery.position, %error, "event not handled; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}
