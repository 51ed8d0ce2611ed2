//! Random histories of a few streams, with restarts in between, against a model that is a vector per
//! stream. Small segments and streams that come and go make the log roll, delete and copy.

use super::{Harness, embedded::InFolder, lifetime::free_as, read_to};
use crate::suite::histories;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use platform::{
    Code,
    streams::{Entry, Item, Position, Streams},
};
use proptest::{collection::vec, prelude::*};
use std::{collections::HashMap, sync::Arc, time::Duration};
use uuid::Uuid;

#[derive(Clone, Debug)]
enum Step {
    Open { stream: u8, attempt: u32, base: u64 },
    Append { stream: u8, attempt: u32, sizes: Vec<usize> },
    Read { stream: u8, same_epoch: bool, seq: i64 },
    Release { stream: u8, attempt: u32 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (stream, attempt) = (0..4_u8, 1..4_u32);
    prop_oneof![
        3 => (stream.clone(), attempt.clone(), 0..3_u64).prop_map(|(stream, attempt, base)| Step::Open { stream, attempt, base }),
        8 => (stream.clone(), attempt.clone(), vec(0..900_usize, 0..4)).prop_map(|(stream, attempt, sizes)| Step::Append { stream, attempt, sizes }),
        3 => (stream.clone(), any::<bool>(), -2..30_i64).prop_map(|(stream, same_epoch, seq)| Step::Read { stream, same_epoch, seq }),
        3 => (stream, attempt).prop_map(|(stream, attempt)| Step::Release { stream, attempt }),
        1 => Just(Step::Restart),
    ]
}

/// A stream as it should be.
struct Model {
    fence: u32,
    epoch: u64,
    base: u64,
    entries: Vec<Bytes>,
}

impl Model {
    fn next(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    fn from(&self, seq: u64) -> Vec<Entry> {
        let all = (self.base..).zip(&self.entries);
        all.filter(|(at, _)| *at >= seq).map(|(seq, bytes)| Entry { seq, bytes: bytes.clone() }).collect()
    }
}

struct World {
    harness: InFolder,
    streams: Option<Arc<dyn Streams>>,
    model: HashMap<u8, Model>,
    /// Makes the bytes of every entry different.
    written: u64,
}

impl World {
    fn streams(&self) -> Result<&dyn Streams> {
        self.streams.as_deref().context("closed")
    }

    async fn run(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Open { stream, attempt, base } => self.open(stream, attempt, base).await,
            Step::Append { stream, attempt, sizes } => self.append(stream, attempt, &sizes).await,
            Step::Read { stream, same_epoch, seq } => self.read(stream, same_epoch, seq).await,
            Step::Release { stream, attempt } => self.release(stream, attempt).await,
            Step::Restart => self.restart().await,
        }
    }

    async fn open(&mut self, stream: u8, attempt: u32, base: u64) -> Result<()> {
        let opened = self.streams()?.open(id(stream), attempt, base).await;
        let Some(model) = self.model.get_mut(&stream) else {
            let prefix = opened?;
            ensure!(prefix.next == base && prefix.entries.is_empty(), "created as {prefix:?}");
            self.model.insert(stream, Model { fence: attempt, epoch: prefix.epoch, base, entries: Vec::new() });
            return Ok(());
        };
        if attempt < model.fence {
            ensure!(opened.is_err_and(|error| error.code() == Code::Stale), "an older attempt opens");
            return Ok(());
        }
        model.fence = attempt;
        let prefix = opened?;
        ensure!(prefix.epoch == model.epoch, "the epoch changes");
        ensure!(prefix.next == model.next() && prefix.entries == model.from(0), "{prefix:?}");
        Ok(())
    }

    async fn append(&mut self, stream: u8, attempt: u32, sizes: &[usize]) -> Result<()> {
        let entry = |size: &usize| {
            self.written += 1;
            Bytes::from(format!("{:01$}", self.written, *size))
        };
        let entries: Vec<_> = sizes.iter().map(entry).collect();
        let appended = self.streams()?.append(id(stream), attempt, entries.clone()).await;
        match self.model.get_mut(&stream) {
            None => ensure!(appended.is_err_and(|error| error.code() == Code::NotFound), "appends to nothing"),
            Some(model) if model.fence != attempt => {
                ensure!(appended.is_err_and(|error| error.code() == Code::Stale), "attempt {attempt} appends");
            }
            Some(model) => {
                model.entries.extend(entries);
                ensure!(appended? == model.next(), "counts wrongly");
            }
        }
        Ok(())
    }

    async fn release(&mut self, stream: u8, attempt: u32) -> Result<()> {
        if self.model.get(&stream).is_some_and(|model| attempt < model.fence) {
            let refused = self.streams()?.release(id(stream), attempt).await;
            ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "an older attempt releases");
            return Ok(());
        }
        self.model.remove(&stream);
        free_as(self.streams()?, id(stream), attempt).await
    }

    async fn read(&self, stream: u8, same_epoch: bool, seq: i64) -> Result<()> {
        let Some(model) = self.model.get(&stream) else { return Ok(()) };
        let epoch = if same_epoch { model.epoch } else { model.epoch ^ 1 };
        let mut reading = self.streams()?.read(id(stream), Some(Position { epoch, seq }));
        let after =
            u64::try_from(seq + 1).ok().filter(|after| same_epoch && (model.base..=model.next()).contains(after));
        if after.is_none() {
            let item = reading.next().await?;
            ensure!(item == Item::Lost { epoch: model.epoch, first: model.base, next: model.next() }, "{item:?}");
        }
        let expected = model.from(after.unwrap_or(0));
        if !expected.is_empty() {
            let read = read_to(&mut *reading, model.next()).await?;
            ensure!(read == (model.epoch, expected), "read {read:?}");
        }
        Ok(())
    }

    async fn restart(&mut self) -> Result<()> {
        self.streams = None;
        self.streams = Some(self.harness.open()?);
        let all: Vec<_> = self.model.iter().map(|(stream, model)| (*stream, model.fence)).collect();
        for (stream, fence) in all {
            self.open(stream, fence, 0).await?;
        }
        Ok(())
    }
}

fn id(stream: u8) -> Uuid {
    Uuid::from_u128(u128::from(stream) + 1)
}

async fn run(steps: Vec<Step>) -> Result<()> {
    let harness = InFolder::with(|options| {
        options.segment_bytes = 512;
        options.retention = Duration::ZERO;
    })?;
    let streams = Some(harness.open()?);
    let mut world = World { harness, streams, model: HashMap::new(), written: 0 };
    for step in steps.into_iter().chain([Step::Restart]) {
        let shown = format!("{step:?}");
        world.run(step).await.context(shown)?;
    }
    Ok(())
}

#[test]
fn random_histories_match_the_model() -> Result<()> {
    histories(96, 120, step(), run)
}
