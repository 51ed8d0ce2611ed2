//! Streams that break one promise each, and the check that must notice.

mod reading;

use super::{Harness, checks, embedded::InFolder};
use crate::suite::{fails, passes};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use platform::{
    Code, Error, Result,
    streams::{FileStreams, Nudges, Position, Prefix, Reading, Streams},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    IgnoresBase,
    RestartsSeq,
    EpochPerAttempt,
    NoFenceOnAppend,
    NoFenceOnOpen,
    NoFenceOnRelease,
    ReadsThenFences,
    OpensOnce,
    AppendsToNothing,
    TearsCallsApart,
    DropsEmptyEntries,
    OneReader,
    NeverWaits,
    SkipsOnResume,
    RepeatsOnResume,
    AnyEpochWillDo,
    AnyPositionWillDo,
    SlowReadersSkip,
    LosesDroppedCalls,
    OneStream,
    NudgesNobody,
    StoresNudges,
    LosesAllOnReopen,
    LosesFenceOnReopen,
    LosesEpochOnReopen,
    LosesReleaseOnReopen,
    FreesAtOnce,
    NeverFrees,
    OneEpoch,
    FreesWhatIsOpen,
    ReleasesOnlyWhatIs,
}

struct Broken {
    inner: InFolder,
    fault: Fault,
    opened: AtomicU32,
}

impl Broken {
    fn new(fault: Fault) -> anyhow::Result<Self> {
        Ok(Self { inner: InFolder::new()?, fault, opened: AtomicU32::new(0) })
    }
}

impl Harness for Broken {
    fn open(&self) -> anyhow::Result<Arc<dyn Streams>> {
        let opened = self.opened.fetch_add(1, Ordering::SeqCst);
        let other = (self.fault == Fault::LosesAllOnReopen).then(InFolder::new).transpose()?;
        let folder = other.as_ref().unwrap_or(&self.inner).folder.path();
        let mut options = self.inner.options.clone();
        match self.fault {
            Fault::LosesEpochOnReopen => options.boot = Uuid::from_u128(u128::from(opened)),
            Fault::FreesAtOnce | Fault::LosesReleaseOnReopen => options.retention = Duration::ZERO,
            _ => {}
        }
        let inner = Arc::new(FileStreams::open(folder, options)?);
        Ok(Arc::new(BrokenStreams { inner, fault: self.fault, opened, known: Mutex::default(), _other: other }))
    }

    fn retention(&self) -> Duration {
        self.inner.retention()
    }
}

struct BrokenStreams {
    inner: Arc<FileStreams>,
    fault: Fault,
    opened: u32,
    known: Mutex<HashMap<Uuid, Known>>,
    _other: Option<InFolder>,
}

/// What the faults need to remember of a stream.
#[derive(Clone, Copy, Default)]
struct Known {
    fence: u32,
    epoch: u64,
    released: bool,
    readers: u32,
}

impl BrokenStreams {
    fn known(&self, stream: Uuid) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).copied().unwrap_or_default()
    }

    fn learn(&self, stream: Uuid, change: impl FnOnce(&mut Known)) {
        change(self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(stream).or_default());
    }

    fn id(&self, stream: Uuid) -> Uuid {
        if self.fault == Fault::OneStream { Uuid::nil() } else { stream }
    }

    /// The attempt as the adapter below sees it.
    fn attempt(&self, attempt: u32) -> u32 {
        match self.fault {
            Fault::LosesFenceOnReopen => attempt.saturating_add(self.opened * 1000),
            _ => attempt,
        }
    }
}

#[async_trait]
impl Streams for BrokenStreams {
    async fn open(&self, stream: Uuid, attempt: u32, base: u64) -> Result<Prefix> {
        let stream = self.id(stream);
        let known = self.known(stream);
        let mut attempt = self.attempt(attempt);
        match self.fault {
            Fault::NoFenceOnOpen => attempt = attempt.max(known.fence),
            Fault::OpensOnce if attempt == known.fence => return Err(Error::stale("it is open")),
            _ => {}
        }
        let base = if self.fault == Fault::IgnoresBase { 0 } else { base };
        let early = match self.fault {
            Fault::ReadsThenFences if known.fence > 0 => {
                let early = self.inner.open(stream, known.fence, base).await?;
                tokio::time::sleep(Duration::from_millis(2)).await;
                Some(early)
            }
            _ => None,
        };
        let opened = self.inner.open(stream, attempt, base).await?;
        let mut prefix = early.unwrap_or(opened);
        self.learn(stream, |known| (known.fence, known.epoch) = (attempt, prefix.epoch));
        match self.fault {
            Fault::RestartsSeq => prefix.next = base,
            Fault::EpochPerAttempt => prefix.epoch ^= u64::from(attempt),
            Fault::OneEpoch => prefix.epoch = 7,
            Fault::FreesWhatIsOpen if known.released => self.inner.release(stream, attempt).await?,
            _ => {}
        }
        Ok(prefix)
    }

    async fn append(&self, stream: Uuid, attempt: u32, mut entries: Vec<Bytes>) -> Result<u64> {
        let stream = self.id(stream);
        let mut attempt = self.attempt(attempt);
        match self.fault {
            Fault::NoFenceOnAppend => attempt = self.known(stream).fence,
            Fault::DropsEmptyEntries => entries.retain(|entry| !entry.is_empty()),
            Fault::TearsCallsApart => {
                let mut next = 0;
                for entry in entries {
                    next = self.inner.append(stream, attempt, vec![entry]).await?;
                    tokio::task::yield_now().await;
                }
                return Ok(next);
            }
            _ => {}
        }
        let appended = self.inner.append(stream, attempt, entries.clone()).await;
        match appended {
            Err(error) if self.fault == Fault::AppendsToNothing && error.code() == Code::NotFound => {
                self.inner.open(stream, attempt, 0).await?;
                self.inner.append(stream, attempt, entries).await
            }
            appended => appended,
        }
    }

    fn read(&self, stream: Uuid, mut from: Option<Position>) -> Box<dyn Reading> {
        let stream = self.id(stream);
        let known = self.known(stream);
        self.learn(stream, |known| known.readers += 1);
        if let Some(from) = &mut from {
            match self.fault {
                Fault::SkipsOnResume => from.seq += 1,
                Fault::RepeatsOnResume => from.seq = from.seq.saturating_sub(1),
                Fault::AnyEpochWillDo | Fault::OneEpoch => from.epoch = known.epoch,
                _ => {}
            }
        }
        reading::broken(self.inner.read(stream, from), self.fault, known.readers)
    }

    async fn release(&self, stream: Uuid, attempt: u32) -> Result<()> {
        let stream = self.id(stream);
        let known = self.known(stream);
        let attempt = if self.fault == Fault::NoFenceOnRelease { known.fence } else { self.attempt(attempt) };
        self.learn(stream, |known| known.released = true);
        match self.fault {
            Fault::NeverFrees => Ok(()),
            Fault::ReleasesOnlyWhatIs if known.fence == 0 => Err(Error::not_found("stream")),
            Fault::LosesReleaseOnReopen => {
                // remembered by this process alone
                let inner = Arc::downgrade(&self.inner);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    if let Some(inner) = inner.upgrade() {
                        let _ = inner.release(stream, attempt).await;
                    }
                });
                Ok(())
            }
            _ => self.inner.release(stream, attempt).await,
        }
    }

    async fn nudge(&self, stream: Uuid) -> Result<()> {
        let stream = self.id(stream);
        match self.fault {
            Fault::NudgesNobody => Ok(()),
            Fault::StoresNudges if self.known(stream).fence > 0 => {
                let fence = self.known(stream).fence;
                self.inner.append(stream, fence, vec![Bytes::new()]).await.map(drop)
            }
            _ => self.inner.nudge(stream).await,
        }
    }

    fn nudges(&self, stream: Uuid) -> Nudges {
        self.inner.nudges(self.id(stream))
    }
}

#[tokio::test]
async fn broken_streams_are_noticed() -> anyhow::Result<()> {
    let checks = checks();
    passes::<dyn Harness>(&checks, || Ok(Box::new(Broken::new(Fault::None)?))).await?;
    let broken = [
        (Fault::IgnoresBase, "a_new_stream_starts_at_its_base"),
        (Fault::RestartsSeq, "seq_runs_on_across_attempts"),
        (Fault::EpochPerAttempt, "seq_runs_on_across_attempts"),
        (Fault::NoFenceOnAppend, "an_older_attempt_is_refused"),
        (Fault::NoFenceOnAppend, "a_later_attempt_opens_first"),
        (Fault::NoFenceOnOpen, "an_older_open_is_refused"),
        (Fault::NoFenceOnRelease, "an_older_attempt_releases_nothing"),
        (Fault::NoFenceOnRelease, "a_release_fences_as_opening_does"),
        (Fault::ReadsThenFences, "nothing_is_added_behind_a_prefix"),
        (Fault::OpensOnce, "opening_again_changes_nothing"),
        (Fault::AppendsToNothing, "an_unopened_stream_takes_nothing"),
        (Fault::TearsCallsApart, "parallel_appends_get_one_order"),
        (Fault::TearsCallsApart, "too_large_is_refused_whole"),
        (Fault::DropsEmptyEntries, "any_bytes_are_read_back"),
        (Fault::OneReader, "waiting_readers_get_what_is_appended"),
        (Fault::NeverWaits, "an_unopened_stream_is_waited_for"),
        (Fault::NeverWaits, "a_position_at_the_end_waits"),
        (Fault::SkipsOnResume, "a_position_resumes_without_gap_or_repeat"),
        (Fault::RepeatsOnResume, "a_position_resumes_without_gap_or_repeat"),
        (Fault::AnyEpochWillDo, "another_epoch_is_lost"),
        (Fault::AnyPositionWillDo, "a_position_that_does_not_connect_is_lost"),
        (Fault::SlowReadersSkip, "a_slow_reader_misses_nothing"),
        (Fault::LosesDroppedCalls, "a_dropped_call_loses_nothing"),
        (Fault::OneStream, "streams_are_told_apart"),
        (Fault::NudgesNobody, "nudges_reach_who_listens"),
        (Fault::StoresNudges, "nudges_are_not_entries"),
        (Fault::LosesAllOnReopen, "reopening_keeps_everything"),
        (Fault::LosesFenceOnReopen, "reopening_keeps_the_fence"),
        (Fault::LosesEpochOnReopen, "reopening_keeps_positions"),
        (Fault::LosesReleaseOnReopen, "a_release_survives_reopening"),
        (Fault::FreesAtOnce, "a_released_stream_stays_for_a_while"),
        (Fault::NeverFrees, "a_released_stream_is_freed"),
        (Fault::OneEpoch, "a_freed_stream_begins_another_epoch"),
        (Fault::FreesWhatIsOpen, "opening_keeps_a_released_stream"),
        (Fault::ReleasesOnlyWhatIs, "releasing_is_repeatable"),
    ];
    let noticed = |(fault, check)| {
        let checks = &checks;
        async move { fails::<dyn Harness>(checks, check, &Broken::new(fault)?).await }
    };
    // all at once, as those that hang take their time
    try_join_all(broken.map(noticed)).await.map(drop)
}
