//! Random histories of two topics that two groups read, with events taken back, swept events and restarts in
//! between, against a model that is a list per topic. The clock is the test's.

use super::{LISTS, NOTES, event, number, publish, stop};
use crate::{bus::embedded, suite::histories};
use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Platform,
    bus::{Delivery, Subscription},
    clock::{Clock as _, FixedClock},
    db::Scope,
    events::Topic,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tempfile::TempDir;

/// Long enough to see that nothing comes, and to be sure that something does.
const MOMENT: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
enum Step {
    Publish {
        topic: bool,
        count: u64,
    },
    /// A transaction that fails after it has published.
    TakeBack {
        topic: bool,
    },
    Read {
        group: bool,
        topic: bool,
    },
    /// What a group was given so long ago has had its effect; not always in order.
    Commit {
        group: bool,
        topic: bool,
        back: usize,
    },
    Bury {
        group: bool,
        topic: bool,
        back: usize,
    },
    Wait,
    /// Deletes what is older than so many hours.
    Sweep {
        hours: i64,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (group, topic, back) = (any::<bool>(), any::<bool>(), 0..6_usize);
    let counts = prop_oneof![6 => 1..5_u64, 1 => 250..300_u64];
    prop_oneof![
        5 => (topic, counts).prop_map(|(topic, count)| Step::Publish { topic, count }),
        1 => topic.prop_map(|topic| Step::TakeBack { topic }),
        6 => (group, topic).prop_map(|(group, topic)| Step::Read { group, topic }),
        4 => (group, topic, back.clone()).prop_map(|(group, topic, back)| Step::Commit { group, topic, back }),
        1 => (group, topic, back).prop_map(|(group, topic, back)| Step::Bury { group, topic, back }),
        2 => Just(Step::Wait),
        2 => (0..4_i64).prop_map(|hours| Step::Sweep { hours }),
        1 => Just(Step::Restart),
    ]
}

/// An event as it should be. Numbers grow over all topics.
struct Said {
    number: u64,
    at: DateTime<Utc>,
    swept: bool,
}

/// A group at a topic.
#[derive(Default)]
struct Reader {
    subscription: Option<Box<dyn Subscription>>,
    /// All that it was given since the start.
    given: Vec<Delivery>,
    /// The last numbers that it was given, and that had their effect; 0 for none.
    read: u64,
    committed: u64,
    buried: Vec<u64>,
}

type Place = (&'static str, &'static str);

struct World {
    folder: TempDir,
    clock: Arc<FixedClock>,
    platform: Option<Platform>,
    topics: BTreeMap<&'static str, Vec<Said>>,
    readers: BTreeMap<Place, Reader>,
    numbers: u64,
}

fn named(topic: bool) -> Topic {
    if topic { NOTES } else { LISTS }
}

fn place(group: bool, topic: bool) -> Place {
    (if group { "first" } else { "second" }, named(topic).name)
}

impl World {
    async fn start() -> Result<Self> {
        let clock = FixedClock::at(DateTime::from_timestamp(1_800_000_000, 0).context("a time")?);
        let (folder, topics, readers) = (tempfile::tempdir()?, BTreeMap::new(), BTreeMap::new());
        let mut world = Self { folder, clock, platform: None, topics, readers, numbers: 0 };
        world.open().await?;
        Ok(world)
    }

    async fn open(&mut self) -> Result<()> {
        self.platform = Some(embedded::start(self.folder.path(), self.clock.clone()).await?);
        Ok(())
    }

    fn platform(&self) -> Result<&Platform> {
        self.platform.as_ref().context("closed")
    }

    async fn run(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Publish { topic, count } => self.publish(named(topic), count).await,
            Step::TakeBack { topic } => self.take_back(named(topic)).await,
            Step::Read { group, topic } => self.read(place(group, topic), named(topic)).await,
            Step::Commit { group, topic, back } => self.commit(place(group, topic), back).await,
            Step::Bury { group, topic, back } => self.bury(place(group, topic), back).await,
            Step::Wait => {
                self.clock.advance(TimeDelta::hours(1));
                Ok(())
            }
            Step::Sweep { hours } => self.sweep(hours).await,
            Step::Restart => self.restart().await,
        }
    }

    async fn publish(&mut self, topic: Topic, count: u64) -> Result<()> {
        let (numbers, at) = (self.numbers + 1..=self.numbers + count, self.clock.now());
        self.numbers += count;
        publish(self.platform()?, topic, numbers.clone().map(|number| (number, u128::from(number % 3)))).await?;
        self.topics.entry(topic.name).or_default().extend(numbers.map(|number| Said { number, at, swept: false }));
        Ok(())
    }

    async fn take_back(&mut self, topic: Topic) -> Result<()> {
        self.numbers += 1;
        let (number, now) = (self.numbers, self.clock.now());
        let written = self.platform()?.db.write(Scope::System, move |tx| {
            async move {
                topic.append(tx, event(number, 1), now).await?;
                Err::<(), _>(Error::stale("taken back"))
            }
            .boxed()
        });
        ensure!(written.await.is_err(), "it is stored");
        Ok(())
    }

    async fn read(&mut self, place: Place, topic: Topic) -> Result<()> {
        let bus = self.platform()?.bus.clone();
        let reader = self.readers.entry(place).or_default();
        if reader.subscription.is_none() {
            reader.subscription = Some(bus.subscribe(place.0, topic).await?);
            reader.read = reader.committed;
        }
        let subscription = reader.subscription.as_mut().context("subscribed")?;
        let said = self.topics.get(topic.name).into_iter().flatten().filter(|said| !said.swept);
        let said = said.map(|said| said.number);
        let expected: Vec<_> = said.filter(|number| *number > reader.read).collect();
        let wait = if expected.is_empty() { MOMENT } else { PATIENCE };
        let given = match tokio::time::timeout(wait, subscription.next()).await {
            Ok(given) => given?,
            Err(_) => Vec::new(),
        };
        ensure!(given.is_empty() == expected.is_empty(), "{} are given, {expected:?} are due", given.len());
        let numbers: Vec<_> = given.iter().map(number).collect();
        ensure!(expected.starts_with(&numbers), "{numbers:?} are given, {expected:?} are due");
        reader.read = numbers.last().copied().unwrap_or(reader.read);
        reader.given.extend(given);
        Ok(())
    }

    /// A reader and what it was given so many events ago.
    fn given(&mut self, place: Place, back: usize) -> Option<(&mut Reader, Delivery)> {
        let reader = self.readers.get_mut(&place).filter(|reader| reader.subscription.is_some())?;
        let delivery = reader.given.iter().rev().nth(back)?.clone();
        Some((reader, delivery))
    }

    async fn commit(&mut self, place: Place, back: usize) -> Result<()> {
        let Some((reader, delivery)) = self.given(place, back) else { return Ok(()) };
        reader.subscription.as_mut().context("subscribed")?.commit(delivery.position).await?;
        reader.committed = reader.committed.max(number(&delivery));
        Ok(())
    }

    async fn bury(&mut self, place: Place, back: usize) -> Result<()> {
        let Some((reader, delivery)) = self.given(place, back) else { return Ok(()) };
        reader.subscription.as_mut().context("subscribed")?.bury(&delivery, "no").await?;
        if !reader.buried.contains(&number(&delivery)) {
            reader.buried.push(number(&delivery));
        }
        Ok(())
    }

    async fn sweep(&mut self, hours: i64) -> Result<()> {
        // between two hours, at which events are said
        let before = self.clock.now() - TimeDelta::hours(hours) + TimeDelta::minutes(30);
        let mut deleted = 0;
        for (topic, said) in &mut self.topics {
            let here = self.readers.iter().filter(|((_, of), reader)| of == topic && reader.subscription.is_some());
            let lowest = here.map(|(_, reader)| reader.committed).min().unwrap_or(0);
            let goes = |said: &&mut Said| !said.swept && said.number <= lowest && said.at < before;
            deleted += said.iter_mut().filter(goes).map(|said| said.swept = true).count();
        }
        let swept = self.platform()?.bus.sweep(before).await?;
        ensure!(swept == deleted as u64, "{swept} are swept where {deleted} are");
        Ok(())
    }

    async fn restart(&mut self) -> Result<()> {
        for reader in self.readers.values_mut() {
            reader.subscription = None;
            reader.given.clear();
        }
        stop(self.platform.take().context("closed")?).await;
        self.open().await
    }

    /// What those who watch are told.
    async fn lags(&self) -> Result<()> {
        let lags = self.platform()?.bus.lag().await?;
        let here = self.readers.values().filter(|reader| reader.subscription.is_some()).count();
        ensure!(lags.len() == here, "{} groups are known, not {here}", lags.len());
        for lag in lags {
            let reader = self.readers.get(&(lag.group, lag.topic)).context("nobody's")?;
            let said = || self.topics.get(lag.topic).into_iter().flatten();
            // a position is not used twice, nor left out; of a topic that is empty nothing is known
            let behind = match said().any(|said| !said.swept) {
                true => said().filter(|said| said.number > reader.committed).count(),
                false => 0,
            };
            ensure!(lag.buried == i64::try_from(reader.buried.len())?, "{lag:?} where {:?} are buried", reader.buried);
            ensure!(lag.behind == i64::try_from(behind)?, "{lag:?} where it is {behind} behind");
        }
        Ok(())
    }
}

#[test]
fn random_histories_match_the_model() -> Result<()> {
    histories(48, 60, step(), async |steps| {
        let mut world = World::start().await?;
        for step in steps.into_iter().chain([Step::Restart]) {
            let shown = format!("{step:?}");
            world.run(step).await.context(shown.clone())?;
            world.lags().await.context(shown)?;
        }
        Ok(())
    })
}
