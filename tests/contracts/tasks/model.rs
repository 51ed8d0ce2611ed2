//! Random histories of a few tasks in two queues, with leases that end and restarts in between, against a
//! model that is a table in memory. The clock is the test's.

use super::{MAIL, OTHER, enqueue, stop, task};
use crate::suite::histories;
use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    Code, Platform,
    clock::FixedClock,
    ids::SystemIds,
    isolated,
    tasks::{Outcome, Standing, Taken},
};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tempfile::TempDir;

/// Long enough to see that nothing comes, and to be sure that something does.
const MOMENT: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
enum Step {
    /// Asks for a task that is due so many seconds later.
    Ask {
        queue: bool,
        key: u8,
        later: i64,
    },
    Take {
        queue: bool,
        lease: u64,
        most: usize,
    },
    /// By one of those who ever took one.
    Keep {
        holder: usize,
        lease: u64,
    },
    End {
        holder: usize,
        outcome: Outcome,
    },
    Wait {
        seconds: i64,
    },
    Restart,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => Just(Outcome::Done),
        2 => (0..40_u64, any::<bool>()).prop_map(|(after, counts)| Outcome::Again {
            after: Duration::from_secs(after),
            counts,
            why: "later".into()
        }),
        1 => Just(Outcome::Buried { why: "no".into() }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // a week is how long an ended one is remembered
    let seconds = prop_oneof![6 => 0..30_i64, 1 => 600_000..700_000_i64];
    prop_oneof![
        6 => (any::<bool>(), 0..5_u8, 0..20_i64).prop_map(|(queue, key, later)| Step::Ask { queue, key, later }),
        6 => (any::<bool>(), 1..40_u64, 1..4_usize).prop_map(|(queue, lease, most)| Step::Take { queue, lease, most }),
        2 => (any::<usize>(), 1..40_u64).prop_map(|(holder, lease)| Step::Keep { holder, lease }),
        5 => (any::<usize>(), outcome()).prop_map(|(holder, outcome)| Step::End { holder, outcome }),
        3 => seconds.prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Restart),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits,
    Taken,
    Done,
    Buried,
}

/// A task as it should be.
struct Model {
    state: State,
    /// When it is due, until when it is somebody's, or when it ended.
    at: DateTime<Utc>,
    attempt: i64,
    tries: i64,
}

struct World {
    folder: TempDir,
    clock: Arc<FixedClock>,
    platform: Option<Platform>,
    tasks: BTreeMap<(&'static str, String), Model>,
    holders: Vec<Taken>,
}

fn name(queue: bool) -> &'static str {
    if queue { MAIL } else { OTHER }
}

impl World {
    async fn start() -> Result<Self> {
        let clock = FixedClock::at(DateTime::from_timestamp(1_800_000_000, 0).context("a time")?);
        let (folder, tasks) = (tempfile::tempdir()?, BTreeMap::new());
        let mut world = Self { folder, clock, platform: None, tasks, holders: Vec::new() };
        world.open().await?;
        Ok(world)
    }

    async fn open(&mut self) -> Result<()> {
        self.platform = Some(isolated::platform(self.folder.path(), self.clock.clone(), Arc::new(SystemIds)).await?);
        Ok(())
    }

    fn platform(&self) -> Result<&Platform> {
        self.platform.as_ref().context("closed")
    }

    fn now(&self) -> DateTime<Utc> {
        platform::clock::Clock::now(&*self.clock)
    }

    async fn run(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Ask { queue, key, later } => self.ask(name(queue), key, later).await,
            Step::Take { queue, lease, most } => self.take(name(queue), Duration::from_secs(lease), most).await,
            Step::Keep { holder, lease } => self.keep(holder, Duration::from_secs(lease)).await,
            Step::End { holder, outcome } => self.end(holder, outcome).await,
            Step::Wait { seconds } => {
                self.clock.advance(TimeDelta::seconds(seconds));
                Ok(())
            }
            Step::Restart => {
                stop(self.platform.take().context("closed")?).await;
                self.open().await?;
                let now = self.now();
                for task in self.tasks.values_mut().filter(|task| task.state == State::Taken) {
                    (task.state, task.at) = (State::Waits, now);
                }
                Ok(())
            }
        }
    }

    async fn ask(&mut self, queue: &'static str, key: u8, later: i64) -> Result<()> {
        let (platform, due) = (self.platform()?, self.now() + TimeDelta::seconds(later));
        let is_new = enqueue(platform, task(platform, queue, &key.to_string()).due(due)).await?;
        let entry = (queue, key.to_string());
        ensure!(is_new != self.tasks.contains_key(&entry), "new: {is_new}");
        let model = Model { state: State::Waits, at: due, attempt: 0, tries: 0 };
        self.tasks.entry(entry).or_insert(model);
        Ok(())
    }

    async fn take(&mut self, queue: &'static str, lease: Duration, most: usize) -> Result<()> {
        let now = self.now();
        let is_free = |task: &Model| matches!(task.state, State::Waits | State::Taken) && task.at <= now;
        let mut free: Vec<_> = self
            .tasks
            .iter()
            .filter(|((of, _), task)| *of == queue && is_free(task))
            .map(|(_, task)| task.at)
            .collect();
        free.sort();
        let taking = self.platform()?.tasks.take(queue, lease, most);
        let wait = if free.is_empty() { MOMENT } else { PATIENCE };
        let taken = tokio::time::timeout(wait, taking).await;
        let taken = match taken {
            Ok(taken) => taken?,
            Err(_) => Vec::new(),
        };
        ensure!(taken.len() == free.len().min(most), "{} of {} are taken", taken.len(), free.len());
        let last = taken.len().checked_sub(1).map(|last| free[last]);
        for taken in taken {
            let task = self.tasks.get_mut(&(queue, taken.key.clone())).context("nobody asked for it")?;
            ensure!(is_free(task) && Some(task.at) <= last, "{} is not due, or not the oldest", taken.key);
            (task.attempt, task.tries) = (task.attempt + 1, task.tries + 1);
            (task.state, task.at) = (State::Taken, now + TimeDelta::from_std(lease)?);
            ensure!((taken.attempt, taken.tries) == (task.attempt, task.tries), "{taken:?}");
            ensure!(taken.payload == format!("payload of {}", taken.key).into_bytes(), "{taken:?}");
            self.holders.push(taken);
        }
        Ok(())
    }

    /// One who took a task some time, and whether it is still theirs.
    fn holder(&mut self, number: usize) -> Option<(Taken, bool)> {
        let taken = self.holders.get(number % self.holders.len().max(1))?.clone();
        let task = self.tasks.get(&(taken.queue, taken.key.clone()));
        let is_theirs = task.is_some_and(|task| task.state == State::Taken && task.attempt == taken.attempt);
        Some((taken, is_theirs))
    }

    async fn keep(&mut self, holder: usize, lease: Duration) -> Result<()> {
        let Some((taken, is_theirs)) = self.holder(holder) else { return Ok(()) };
        answered(self.platform()?.tasks.keep(&taken, lease).await, is_theirs)?;
        let until = self.now() + TimeDelta::from_std(lease)?;
        if let Some(task) = self.tasks.get_mut(&(taken.queue, taken.key)).filter(|_| is_theirs) {
            task.at = until;
        }
        Ok(())
    }

    async fn end(&mut self, holder: usize, outcome: Outcome) -> Result<()> {
        let Some((taken, is_theirs)) = self.holder(holder) else { return Ok(()) };
        answered(self.platform()?.tasks.end(&taken, outcome.clone()).await, is_theirs)?;
        let now = self.now();
        let Some(task) = self.tasks.get_mut(&(taken.queue, taken.key)).filter(|_| is_theirs) else { return Ok(()) };
        (task.state, task.at) = match outcome {
            Outcome::Done => (State::Done, now),
            Outcome::Buried { .. } => (State::Buried, now),
            Outcome::Again { after, counts, .. } => {
                task.tries -= i64::from(!counts);
                (State::Waits, now + TimeDelta::from_std(after)?)
            }
        };
        if task.state != State::Waits {
            let is_old = |task: &Model| task.at < now - TimeDelta::days(7);
            let is_over = |task: &Model| matches!(task.state, State::Done | State::Buried);
            self.tasks.retain(|(queue, _), task| *queue != taken.queue || !is_over(task) || !is_old(task));
        }
        Ok(())
    }

    /// What those who watch are told.
    async fn stands(&self) -> Result<()> {
        let mut expected = BTreeMap::<&str, Standing>::new();
        for ((queue, _), task) in &self.tasks {
            let none = || Standing { queue: (*queue).into(), open: 0, buried: 0, oldest: None };
            let standing = expected.entry(queue).or_insert_with(none);
            match task.state {
                State::Waits | State::Taken => {
                    standing.open += 1;
                    standing.oldest = Some(standing.oldest.map_or(task.at, |oldest| oldest.min(task.at)));
                }
                State::Buried => standing.buried += 1,
                State::Done => {}
            }
        }
        let standing = self.platform()?.tasks.standing().await?;
        ensure!(standing.iter().eq(expected.values()), "{standing:?} where it is {expected:?}");
        Ok(())
    }
}

/// A holder is heard as long as it is theirs, and else told so.
fn answered(answer: platform::Result<()>, is_theirs: bool) -> Result<()> {
    match answer {
        Ok(()) => ensure!(is_theirs, "one who has it no more is heard"),
        Err(why) => ensure!(!is_theirs && why.code() == Code::Stale, "theirs: {is_theirs}: {why}"),
    }
    Ok(())
}

#[test]
fn random_histories_match_the_model() -> Result<()> {
    histories(48, 60, step(), async |steps| {
        let mut world = World::start().await?;
        for step in steps.into_iter().chain([Step::Restart]) {
            let shown = format!("{step:?}");
            world.run(step).await.context(shown.clone())?;
            world.stands().await.context(shown)?;
        }
        Ok(())
    })
}
