//! The streams over a log file, and what only a file, its disk and its kernel can do to them.

use super::{Harness, checks, entries, lifetime::free, numbered, read_to};
use crate::suite::passes;
use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use futures_util::future::join_all;
use platform::{
    Code,
    streams::{FileStreams, Item, Options, Position, Streams},
};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use uuid::Uuid;

pub struct InFolder {
    pub folder: TempDir,
    pub options: Options,
}

impl InFolder {
    /// Small segments, so that the checks cross their borders.
    pub fn new() -> Result<Self> {
        let options = Options { segment_bytes: 4096, retention: Duration::from_millis(300), ..Options::default() };
        Ok(Self { folder: tempfile::tempdir()?, options })
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Result<Self> {
        let mut harness = Self::new()?;
        change(&mut harness.options);
        Ok(harness)
    }

    /// The segments, oldest first.
    fn segments(&self) -> Result<Vec<PathBuf>> {
        let files = fs::read_dir(self.folder.path())?.map(|file| Ok(file?.path()));
        let mut files = files.collect::<Result<Vec<_>>>()?;
        files.sort();
        Ok(files)
    }

    fn bytes(&self) -> Result<u64> {
        self.segments()?.iter().map(|segment| Ok(fs::metadata(segment)?.len())).sum()
    }
}

impl Harness for InFolder {
    fn open(&self) -> Result<Arc<dyn Streams>> {
        Ok(Arc::new(FileStreams::open(self.folder.path(), self.options.clone())?))
    }

    fn retention(&self) -> Duration {
        self.options.retention
    }
}

/// The same without threads.
struct InLine(InFolder);

impl Harness for InLine {
    fn open(&self) -> Result<Arc<dyn Streams>> {
        let streams = Arc::new(FileStreams::open_in_line(self.0.folder.path(), self.0.options.clone())?);
        // What is due goes with the next call, whoever makes it.
        let calls = Arc::downgrade(&streams);
        tokio::spawn(async move {
            while let Some(streams) = calls.upgrade() {
                let _ = streams.release(Uuid::nil(), 0).await;
                drop(streams);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Ok(streams)
    }

    fn retention(&self) -> Duration {
        self.0.options.retention
    }
}

#[tokio::test]
async fn files_in_line_keep_the_contract() -> Result<()> {
    passes(&checks(), || Ok(Box::new(InLine(InFolder::new()?)))).await
}

#[tokio::test]
async fn files_keep_the_contract() -> Result<()> {
    passes(&checks(), || Ok(Box::new(InFolder::new()?))).await
}

#[tokio::test]
async fn a_power_cut_changes_the_epoch_and_a_crash_does_not() -> Result<()> {
    let mut harness = InFolder::new()?;
    let stream = Uuid::now_v7();
    let streams = harness.open()?;
    let before = streams.open(stream, 1, 0).await?.epoch;
    streams.append(stream, 1, entries(0..3)).await?;
    drop(streams);
    ensure!(harness.open()?.open(stream, 1, 0).await?.epoch == before, "a restart changes the epoch");

    harness.options.boot = Uuid::from_u128(1);
    let streams = harness.open()?;
    let after = streams.open(stream, 2, 0).await?;
    ensure!(after.epoch != before, "a power cut is not noticed");
    ensure!(after.entries == numbered(0..3), "{after:?}");
    let lost = streams.read(stream, Some(Position { epoch: before, seq: 1 })).next().await?;
    ensure!(lost == Item::Lost { epoch: after.epoch, first: 0, next: 3 }, "{lost:?}");
    drop(streams);
    ensure!(
        harness.open()?.open(stream, 3, 0).await?.epoch == after.epoch,
        "each restart changes the epoch from now on"
    );
    Ok(())
}

/// A log with one stream of ten entries in one segment, and where each record of it ends.
async fn ten_entries(harness: &InFolder) -> Result<(Uuid, u64, PathBuf, Vec<u64>)> {
    let stream = Uuid::now_v7();
    let streams = harness.open()?;
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    let segment = harness.segments()?.pop().context("no segment")?;
    let mut ends = vec![fs::metadata(&segment)?.len()];
    for number in 0..10 {
        streams.append(stream, 1, entries(number..number + 1)).await?;
        ends.push(fs::metadata(&segment)?.len());
    }
    Ok((stream, epoch, segment, ends))
}

fn cut(segment: &Path, length: u64) -> Result<()> {
    Ok(OpenOptions::new().write(true).open(segment)?.set_len(length)?)
}

#[tokio::test]
async fn a_torn_tail_ends_at_the_last_whole_record() -> Result<()> {
    for lost in [1, 5, 20, 40] {
        let harness = InFolder::new()?;
        let (stream, epoch, segment, ends) = ten_entries(&harness).await?;
        let length = ends[10] - lost;
        cut(&segment, length)?;
        let whole = ends.iter().filter(|end| **end <= length).count() as u64 - 1;
        let streams = harness.open()?;
        let prefix = streams.open(stream, 2, 0).await?;
        ensure!(prefix.entries == numbered(0..whole), "{} entries of {whole}", prefix.entries.len());
        ensure!(prefix.epoch == epoch, "nothing that was shown is lost, but the epoch changes");
        streams.append(stream, 2, entries(whole..whole + 2)).await?;
        drop(streams);
        let prefix = harness.open()?.open(stream, 3, 0).await?;
        ensure!(prefix.entries == numbered(0..whole + 2), "what came after the tail is lost");
    }
    Ok(())
}

#[tokio::test]
async fn damage_changes_the_epoch() -> Result<()> {
    for record in [1_usize, 5, 9] {
        let harness = InFolder::new()?;
        let (stream, epoch, segment, ends) = ten_entries(&harness).await?;
        // a byte of the payload, which is a letter
        OpenOptions::new().write(true).open(&segment)?.write_all_at(&[0], ends[record] + 37)?;
        let streams = harness.open()?;
        let prefix = streams.open(stream, 2, 0).await?;
        ensure!(
            prefix.entries == numbered(0..record as u64),
            "{} entries before record {record}",
            prefix.entries.len()
        );
        ensure!(prefix.epoch != epoch, "entries that were shown are lost and the epoch stays");
        // what is left was copied, and the damaged segment is gone
        let changed = prefix.epoch;
        streams.append(stream, 2, entries(0..3)).await?;
        drop(streams);
        let prefix = harness.open()?.open(stream, 3, 0).await?;
        ensure!(prefix.entries.len() == record + 3, "{} entries after another start", prefix.entries.len());
        ensure!(prefix.epoch == changed, "nothing more is lost and the epoch changes again");
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_segment_changes_the_epoch_and_leaves_no_gap() -> Result<()> {
    let harness = InFolder::new()?;
    let stream = Uuid::now_v7();
    let streams = harness.open()?;
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    while harness.segments()?.len() < 3 {
        streams.append(stream, 1, vec![Bytes::from(vec![1; 500])]).await?;
    }
    drop(streams);
    fs::remove_file(&harness.segments()?[1])?;
    let prefix = harness.open()?.open(stream, 2, 0).await?;
    ensure!(prefix.epoch != epoch, "entries that were shown are lost and the epoch stays");
    ensure!(prefix.entries.iter().map(|entry| entry.seq).eq(0..prefix.next), "a gap");
    ensure!(prefix.next > 0, "what is there is lost too");
    // the segment behind the gap does not change the epoch at each start from now on
    let again = harness.open()?.open(stream, 3, 0).await?;
    ensure!((again.epoch, again.next) == (prefix.epoch, prefix.next), "{again:?} after another start");
    Ok(())
}

#[tokio::test]
async fn a_log_of_another_version_is_refused() -> Result<()> {
    let harness = InFolder::new()?;
    let (_, _, segment, _) = ten_entries(&harness).await?;
    OpenOptions::new().write(true).open(&segment)?.write_all_at(&[99], 8)?;
    let refusal = harness.open().err().context("it is read")?.to_string();
    ensure!(refusal.contains("another version"), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn the_log_stays_small_beside_a_long_lived_stream() -> Result<()> {
    let harness = InFolder::with(|options| options.retention = Duration::ZERO)?;
    let (long, streams) = (Uuid::now_v7(), harness.open()?);
    let epoch = streams.open(long, 1, 0).await?.epoch;
    // every segment gets an entry of the long-lived stream, so none could ever go without a copy
    let mut largest = 0;
    for number in 0..300 {
        streams.append(long, 1, entries(number..number + 1)).await?;
        let short = Uuid::now_v7();
        streams.open(short, 1, 0).await?;
        streams.append(short, 1, vec![Bytes::from(vec![0; 2000])]).await?;
        free(&*streams, short).await?;
        largest = largest.max(harness.bytes()?);
    }
    // three times what is kept (about 16 KiB) or four segments, and a segment with its last write
    ensure!(largest < 90_000, "the log grows to {largest} bytes");
    drop(streams);
    let prefix = harness.open()?.open(long, 2, 0).await?;
    ensure!(prefix.entries == numbered(0..300) && prefix.epoch == epoch, "copied wrongly");
    Ok(())
}

#[tokio::test]
async fn freed_streams_leave_no_file() -> Result<()> {
    let harness = InFolder::with(|options| options.retention = Duration::ZERO)?;
    let streams = harness.open()?;
    for _ in 0..20 {
        let stream = Uuid::now_v7();
        streams.open(stream, 1, 0).await?;
        streams.append(stream, 1, vec![Bytes::from(vec![0; 3000])]).await?;
        free(&*streams, stream).await?;
    }
    ensure!(harness.segments()?.len() <= 2, "{:?}", harness.segments()?);
    drop(streams);
    drop(harness.open()?);
    ensure!(harness.segments()?.is_empty(), "{:?}", harness.segments()?);
    Ok(())
}

#[tokio::test]
async fn released_streams_make_way() -> Result<()> {
    let harness = InFolder::with(|options| {
        options.retention = Duration::from_secs(600);
        options.released_bytes = 50_000;
    })?;
    let streams = harness.open()?;
    let ids: Vec<_> = (0..10).map(|_| Uuid::now_v7()).collect();
    for stream in &ids {
        streams.open(*stream, 1, 0).await?;
        streams.append(*stream, 1, vec![Bytes::from(vec![0; 10_000])]).await?;
        streams.release(*stream, 1).await?;
        // released at different times
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut kept = Vec::new();
    for stream in &ids {
        let gone = streams.append(*stream, 1, vec![]).await.is_err_and(|error| error.code() == Code::NotFound);
        kept.push(!gone);
    }
    ensure!(kept == [false, false, false, false, false, false, true, true, true, true], "{kept:?}");
    Ok(())
}

#[tokio::test]
async fn unfinished_streams_never_make_way() -> Result<()> {
    let harness = InFolder::with(|options| options.kept_bytes = 50_000)?;
    let streams = harness.open()?;
    let (first, mut refused) = (Uuid::now_v7(), None);
    streams.open(first, 1, 0).await?;
    for number in 0..20 {
        match streams.append(first, 1, vec![Bytes::from(vec![0; 5000])]).await {
            Ok(next) => ensure!(next == number + 1, "{next}"),
            Err(error) => refused = Some(error.code()),
        }
    }
    // nothing but the end of an answer makes room, so waiting would be for ever
    ensure!(refused == Some(Code::TooLarge), "{refused:?}");
    free(&*streams, first).await?;
    streams.open(Uuid::now_v7(), 1, 0).await?;
    Ok(())
}

#[tokio::test]
async fn no_further_stream_is_opened_where_there_is_no_room() -> Result<()> {
    let harness = InFolder::with(|options| options.kept_bytes = 3_000)?;
    let streams = harness.open()?;
    let ids = [1, 2, 3].map(Uuid::from_u128);
    streams.open(ids[0], 1, 0).await?;
    streams.open(ids[1], 1, 0).await?;
    let refused = streams.open(ids[2], 1, 0).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Unavailable), "there is always room");
    free(&*streams, ids[0]).await?;
    streams.open(ids[2], 1, 0).await?;
    Ok(())
}

#[tokio::test]
async fn who_has_much_ends_before_who_has_little() -> Result<()> {
    let harness = InFolder::with(|options| options.kept_bytes = 80_000)?;
    let streams = harness.open()?;
    let (large, small) = (Uuid::now_v7(), Uuid::now_v7());
    streams.open(small, 1, 0).await?;
    streams.open(large, 1, 0).await?;
    let append = |stream, bytes| streams.append(stream, 1, vec![Bytes::from(vec![0; bytes])]);
    append(large, 60_000).await?;
    // seven eighths are 70,000
    let refused = append(large, 9_000).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::TooLarge), "the large one takes what is left");
    append(small, 9_000).await?;
    let refused = append(small, 9_000).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::TooLarge), "there is no bound");
    Ok(())
}

#[tokio::test]
async fn an_abandoned_stream_is_freed() -> Result<()> {
    let harness = InFolder::with(|options| options.abandoned_after = Duration::from_millis(200))?;
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..1)).await?;
    let mut reading = streams.read(stream, None);
    read_to(&mut *reading, 1).await?;
    let item = tokio::time::timeout(Duration::from_secs(5), reading.next()).await??;
    ensure!(item == Item::Freed, "{item:?}");
    Ok(())
}

#[tokio::test]
async fn too_much_waiting_is_refused_at_once() -> Result<()> {
    let harness = InFolder::with(|options| options.queue_bytes = 300_000)?;
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    let refused = streams.append(stream, 1, vec![Bytes::from(vec![0; 100_000]); 4]).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Unavailable), "the queue has no limit");
    let append = || streams.append(stream, 1, vec![Bytes::from(vec![0; 100_000])]);
    // all are queued before the first is awaited again
    let answers = join_all((0..20).map(|_| append())).await;
    let mut taken = 0;
    for answer in answers {
        match answer {
            Ok(_) => taken += 1,
            Err(error) if error.code() == Code::Unavailable => {}
            Err(error) => bail!("{error}"),
        }
    }
    ensure!(taken >= 2, "{taken} of 20 taken");
    ensure!(append().await? == taken + 1, "the queue does not recover");
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_adapter_ends_reading() -> Result<()> {
    let harness = InFolder::new()?;
    let streams = harness.open()?;
    let mut waiting = streams.read(Uuid::now_v7(), None);
    drop(streams);
    ensure!(waiting.next().await.is_err_and(|error| error.code() == Code::Unavailable), "it waits for ever");
    Ok(())
}
