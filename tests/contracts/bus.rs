//! The contract of `bus`, for any adapter under the one consumer loop; [`embedded`] runs it on tables,
//! and [`broken`] on buses and loops that must fail it.

mod broken;
mod delivery;
mod embedded;
mod failing;
mod limits;
mod model;
mod retention;

use crate::suite::Check;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use futures_util::{FutureExt as _, future::BoxFuture};
use platform::{
    Platform,
    bus::{Delivery, Limits},
    db::Scope,
    events::{Event, Topic},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use uuid::Uuid;

pub type Handler = Arc<dyn Fn(Delivery) -> BoxFuture<'static, platform::Result<()>> + Send + Sync>;

/// Starts a process with the bus, again and again on the same store; one at a time.
#[async_trait]
pub trait Harness: Send + Sync {
    async fn start(&self) -> Result<Platform>;
    fn consume(&self, platform: &Platform, group: &'static str, topic: Topic, limits: Limits, handler: Handler);
    /// The numbers of the events that `group` has put aside.
    async fn buried(&self, platform: &Platform, group: &'static str) -> Result<Vec<u64>>;
}

/// All checks, in files by what they are about.
pub fn checks() -> Vec<Check<dyn Harness>> {
    let mut checks = Vec::new();
    checks.extend(delivery::checks());
    checks.extend(failing::checks());
    checks.extend(limits::checks());
    checks.extend(retention::checks());
    checks
}

const NOTES: Topic = platform::topic!("note");
const LISTS: Topic = platform::topic!("list");

/// Long enough to see that nothing comes.
const MOMENT: Duration = Duration::from_millis(200);

/// Limits whose pauses a test can wait for.
fn quick() -> Limits {
    Limits { tries: 3, pause: Duration::from_millis(1), ..Limits::default() }
}

/// The process ends, without regard to what its consumers have in hand.
async fn stop(platform: Platform) {
    platform.background.drain(Duration::from_secs(5)).await;
}

/// Publishes numbered events, each with its aggregate, in one transaction.
async fn publish(platform: &Platform, topic: Topic, events: impl IntoIterator<Item = (u64, u128)>) -> Result<()> {
    let events: Vec<_> = events.into_iter().collect();
    let now = platform.clock.now();
    let work = platform.db.write(Scope::System, move |tx| {
        let events = events.clone();
        async move {
            for (number, aggregate) in events {
                topic.append(tx, event(number, aggregate), now).await?;
            }
            Ok(())
        }
        .boxed()
    });
    Ok(work.await?)
}

fn event(number: u64, aggregate: u128) -> Event {
    Event {
        space: Uuid::from_u128(7),
        aggregate: Uuid::from_u128(aggregate),
        version: 12,
        kind: "note.said",
        actor: None,
        payload: number.to_be_bytes().into(),
        change: None,
    }
}

fn number(delivery: &Delivery) -> u64 {
    delivery.payload.as_slice().try_into().map(u64::from_be_bytes).unwrap_or(u64::MAX)
}

/// What a group has heard: the numbers in the order in which they were done with, and by aggregate.
#[derive(Clone, Default)]
struct Heard(Arc<Hearing>);

#[derive(Default)]
struct Hearing {
    events: Mutex<Vec<(u64, Uuid)>>,
    more: Notify,
}

impl Heard {
    fn all(&self) -> MutexGuard<'_, Vec<(u64, Uuid)>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, delivery: &Delivery) {
        self.all().push((number(delivery), delivery.aggregate));
        self.0.more.notify_waiters();
    }

    fn numbers(&self) -> Vec<u64> {
        self.all().iter().map(|(number, _)| *number).collect()
    }

    /// Sorted, as aggregates overtake each other.
    fn sorted(&self) -> Vec<u64> {
        let mut numbers = self.numbers();
        numbers.sort_unstable();
        numbers
    }

    fn by_aggregate(&self) -> HashMap<Uuid, Vec<u64>> {
        let mut heard = HashMap::<_, Vec<u64>>::new();
        for (number, aggregate) in &*self.all() {
            heard.entry(*aggregate).or_default().push(*number);
        }
        heard
    }

    /// Waits until `count` events have been heard.
    async fn reaches(&self, count: usize) -> Result<()> {
        let enough = async {
            loop {
                let more = self.0.more.notified();
                if self.all().len() >= count {
                    return;
                }
                more.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), enough).await;
        waited.with_context(|| format!("only {} of {count} events are heard", self.all().len()))
    }
}

/// A consumer that hears everything.
fn listen(harness: &dyn Harness, platform: &Platform, group: &'static str) -> Heard {
    listen_unless(harness, platform, group, quick(), |_| false)
}

/// A consumer that never gets done with some of the events.
fn listen_unless(
    harness: &dyn Harness,
    platform: &Platform,
    group: &'static str,
    limits: Limits,
    stuck: fn(u64) -> bool,
) -> Heard {
    let heard = Heard::default();
    let noted = heard.clone();
    let handler: Handler = Arc::new(move |delivery| {
        let noted = noted.clone();
        async move {
            if stuck(number(&delivery)) {
                std::future::pending::<()>().await;
            }
            noted.note(&delivery);
            Ok(())
        }
        .boxed()
    });
    harness.consume(platform, group, NOTES, limits, handler);
    heard
}
