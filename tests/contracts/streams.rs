//! The contract of `streams`, for any adapter; [`embedded`] runs it on the one with a log file,
//! [`broken`] on adapters that must fail it, [`crash`] kills the process that appends, and [`model`]
//! compares random histories with a simple model.

mod broken;
mod crash;
mod embedded;
mod fencing;
mod lifetime;
mod model;
mod reading;

use crate::suite::Check;
use anyhow::{Result, bail};
use bytes::Bytes;
use platform::streams::{Entry, Item, Reading, Streams};
use std::{sync::Arc, time::Duration};

/// Opens an adapter, again and again on the same store; one at a time.
pub trait Harness: Send + Sync {
    fn open(&self) -> Result<Arc<dyn Streams>>;
    /// How long released streams stay.
    fn retention(&self) -> Duration;
}

/// All checks, in three files by what they are about.
pub fn checks() -> Vec<Check<dyn Harness>> {
    let mut checks = Vec::new();
    checks.extend(fencing::checks());
    checks.extend(lifetime::checks());
    checks.extend(reading::checks());
    checks
}

/// Long enough to see that nothing comes.
const MOMENT: Duration = Duration::from_millis(50);

fn entries(range: std::ops::Range<u64>) -> Vec<Bytes> {
    range.map(|number| Bytes::from(format!("entry {number}"))).collect()
}

/// The entries that [`entries`] makes, as they are read.
fn numbered(range: std::ops::Range<u64>) -> Vec<Entry> {
    range.clone().zip(entries(range)).map(|(seq, bytes)| Entry { seq, bytes }).collect()
}

/// Reads until the entry before `next`, which must come as batches of one epoch.
async fn read_to(reading: &mut dyn Reading, next: u64) -> Result<(u64, Vec<Entry>)> {
    let mut read: Vec<Entry> = Vec::new();
    let mut epochs = Vec::new();
    while read.last().is_none_or(|entry| entry.seq + 1 < next) {
        match reading.next().await? {
            Item::Batch(batch) if !batch.entries.is_empty() => {
                epochs.push(batch.epoch);
                read.extend(batch.entries);
            }
            item => bail!("{item:?} after {} entries", read.len()),
        }
    }
    epochs.dedup();
    match epochs[..] {
        [epoch] => Ok((epoch, read)),
        _ => bail!("epochs {epochs:?} in one reading"),
    }
}

/// Nothing comes for a moment.
async fn is_quiet(reading: &mut dyn Reading) -> bool {
    tokio::time::timeout(MOMENT, reading.next()).await.is_err()
}
