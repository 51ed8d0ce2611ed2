//! The ports of a simulated process: the product's own adapters behind its gate, and the few that must
//! not touch anything real.

use crate::{dice::Dice, gate::Gate, history::History};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    Result,
    bus::{Bus, Delivery, Lag, Subscription},
    clock::Clock,
    events::Topic,
    secrets::{Secret, Secrets},
    streams::{Item, Nudges, Position, Prefix, Reading, Streams},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::time::Instant;
use uuid::Uuid;

/// The wall clock: virtual time, and what somebody did to it.
pub struct WallClock {
    start: Instant,
    skew: AtomicI64,
}

impl WallClock {
    pub fn new() -> Self {
        Self { start: Instant::now(), skew: AtomicI64::new(0) }
    }

    pub fn jump(&self, millis: i64) {
        self.skew.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for WallClock {
    fn now(&self) -> DateTime<Utc> {
        let elapsed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        let millis = elapsed + self.skew.load(Ordering::Relaxed);
        crate::process::epoch() + TimeDelta::milliseconds(millis)
    }
}

/// Secrets that lie in memory and outlive processes, as files do.
#[derive(Default)]
pub struct MemorySecrets(Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl Secrets for MemorySecrets {
    async fn get(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().map(Secret::new))
    }

    async fn get_or_create(&self, name: &str, length: usize) -> Result<Secret> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let dice = Dice::new(name.len() as u64);
        let make = || (0..length).map(|_| dice.roll().to_le_bytes()[0]).collect();
        Ok(Secret::new(known.entry(name.to_owned()).or_insert_with(make).clone()))
    }
}

/// How a port is broken on purpose, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Streams take what a former attempt appends.
    NoFence,
    /// The bus remembers an event as handled when it hands it out.
    CursorFirst,
    /// A kill takes the last commit with it, although it was acknowledged.
    LosesCommits,
    /// A reader who comes again is given the next entry but one.
    SkipsOne,
}

/// Who has appended what, over all processes: nobody sees more than the streams themselves.
#[derive(Default)]
pub struct Appended(Mutex<HashMap<Uuid, Last>>);

#[derive(Clone, Copy, Default)]
struct Last {
    epoch: u64,
    attempt: u32,
    next: u64,
}

impl Appended {
    fn last(&self, stream: Uuid) -> Last {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).copied().unwrap_or_default()
    }

    /// A stream that was freed meanwhile begins again, in another epoch.
    fn opened(&self, stream: Uuid, prefix: &Prefix) {
        let last = self.last(stream);
        if last.epoch != prefix.epoch {
            let begun = Last { epoch: prefix.epoch, next: prefix.next, ..last };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(stream, begun);
        }
    }

    fn note(&self, history: &History, stream: Uuid, attempt: u32, count: u64, next: u64) {
        let last = self.last(stream);
        history.must(attempt >= last.attempt, || {
            format!("I11: attempt {attempt} of {stream} appends after attempt {}", last.attempt)
        });
        history.must(next == last.next + count, || {
            format!("I4: {stream} goes on at {} behind {}", next - count, last.next)
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(stream, Last { attempt, next, ..last });
    }
}

/// Streams behind the gate of one process.
pub struct Gated {
    pub inner: Arc<dyn Streams>,
    pub gate: Arc<Gate>,
    pub appended: Arc<Appended>,
    pub history: Arc<History>,
    pub broken: Option<Broken>,
}

#[async_trait]
impl Streams for Gated {
    async fn open(&self, stream: Uuid, attempt: u32, base: u64) -> Result<Prefix> {
        self.gate.cross().await;
        let outcome = self.inner.open(stream, attempt, base).await;
        if let Ok(prefix) = &outcome {
            self.appended.opened(stream, prefix);
        }
        self.gate.cross().await;
        outcome
    }

    async fn append(&self, stream: Uuid, attempt: u32, entries: Vec<Bytes>) -> Result<u64> {
        self.gate.cross().await;
        let count = entries.len() as u64;
        let mut outcome = self.inner.append(stream, attempt, entries.clone()).await;
        if self.broken == Some(Broken::NoFence) && outcome.as_ref().is_err_and(|e| e.code() == platform::Code::Stale) {
            for fence in self.appended.last(stream).attempt..attempt + 10 {
                outcome = self.inner.append(stream, fence, entries.clone()).await;
                if outcome.is_ok() {
                    break;
                }
            }
        }
        if let Ok(next) = outcome {
            self.appended.note(&self.history, stream, attempt, count, next);
        }
        self.gate.cross().await;
        outcome
    }

    fn read(&self, stream: Uuid, from: Option<Position>) -> Box<dyn Reading> {
        let from = from.map(|at| match self.broken {
            Some(Broken::SkipsOne) => Position { seq: at.seq + 1, ..at },
            _ => at,
        });
        Box::new(GatedReading { inner: self.inner.read(stream, from), gate: self.gate.clone() })
    }

    async fn release(&self, stream: Uuid, attempt: u32) -> Result<()> {
        self.gate.cross().await;
        let outcome = self.inner.release(stream, attempt).await;
        self.gate.cross().await;
        outcome
    }

    async fn nudge(&self, stream: Uuid) -> Result<()> {
        self.gate.cross().await;
        self.inner.nudge(stream).await
    }

    fn nudges(&self, stream: Uuid) -> Nudges {
        self.inner.nudges(stream)
    }
}

struct GatedReading {
    inner: Box<dyn Reading>,
    gate: Arc<Gate>,
}

#[async_trait]
impl Reading for GatedReading {
    async fn next(&mut self) -> Result<Item> {
        // Whoever asks whether there is anything now must not be told "nothing" by a stopped process.
        self.gate.alive().await;
        self.inner.next().await
    }
}

/// A bus that delivers now and then what it has delivered before, as every bus may.
pub struct Repeating {
    pub inner: Arc<dyn Bus>,
    pub dice: Dice,
    pub broken: Option<Broken>,
}

#[async_trait]
impl Bus for Repeating {
    async fn subscribe(&self, group: &'static str, topic: Topic) -> Result<Box<dyn Subscription>> {
        let inner = self.inner.subscribe(group, topic).await?;
        Ok(Box::new(RepeatingSubscription { inner, dice: self.dice.fork(), broken: self.broken }))
    }

    async fn lag(&self) -> Result<Vec<Lag>> {
        self.inner.lag().await
    }

    async fn sweep(&self, before: DateTime<Utc>) -> Result<u64> {
        self.inner.sweep(before).await
    }
}

struct RepeatingSubscription {
    inner: Box<dyn Subscription>,
    dice: Dice,
    broken: Option<Broken>,
}

#[async_trait]
impl Subscription for RepeatingSubscription {
    async fn next(&mut self) -> Result<Vec<Delivery>> {
        let deliveries = self.inner.next().await?;
        if self.broken == Some(Broken::CursorFirst)
            && let Some(last) = deliveries.last()
        {
            self.inner.commit(last.position).await?;
        }
        let again = |delivery: Delivery| {
            let times = if self.dice.percent(10) { 3 } else { 1 };
            std::iter::repeat_n(delivery, times)
        };
        Ok(deliveries.into_iter().flat_map(again).collect())
    }

    async fn commit(&mut self, position: i64) -> Result<()> {
        self.inner.commit(position).await
    }

    async fn bury(&mut self, delivery: &Delivery, why: &str) -> Result<()> {
        self.inner.bury(delivery, why).await
    }
}
