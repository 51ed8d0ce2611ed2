//! Who may append: one attempt at a time, and an older one adds nothing.

use super::{Harness, entries, numbered, read_to};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::join_all;
use platform::Code;
use std::collections::BTreeSet;
use uuid::Uuid;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        a_new_stream_starts_at_its_base,
        seq_runs_on_across_attempts,
        an_older_attempt_is_refused,
        a_later_attempt_opens_first,
        an_older_open_is_refused,
        an_older_attempt_releases_nothing,
        a_release_fences_as_opening_does,
        nothing_is_added_behind_a_prefix,
        opening_again_changes_nothing,
        an_unopened_stream_takes_nothing,
        parallel_appends_get_one_order,
        too_large_is_refused_whole,
    ]
    .into()
}

async fn a_new_stream_starts_at_its_base(harness: &dyn Harness) -> Result<()> {
    let streams = harness.open()?;
    for base in [0, 40] {
        let stream = Uuid::now_v7();
        let prefix = streams.open(stream, 1, base).await?;
        ensure!(prefix.entries.is_empty() && prefix.next == base, "opened at {} for {base}", prefix.next);
        let next = streams.append(stream, 1, entries(base..base + 2)).await?;
        ensure!(next == base + 2, "{next} after two entries from {base}");
        let (epoch, read) = read_to(&mut *streams.read(stream, None), base + 2).await?;
        ensure!(epoch == prefix.epoch, "another epoch is read than was opened");
        ensure!(epoch < 1 << 53, "a JSON number does not carry epoch {epoch}");
        ensure!(read == numbered(base..base + 2), "{read:?}");
    }
    Ok(())
}

async fn seq_runs_on_across_attempts(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let mut epochs = BTreeSet::new();
    for attempt in 1..=4_u32 {
        let base = u64::from(attempt - 1) * 3;
        let prefix = streams.open(stream, attempt, 0).await?;
        epochs.insert(prefix.epoch);
        ensure!(prefix.next == base, "attempt {attempt} starts at {}", prefix.next);
        ensure!(prefix.entries == numbered(0..base), "attempt {attempt} gets {:?}", prefix.entries);
        let next = streams.append(stream, attempt, entries(base..base + 3)).await?;
        ensure!(next == base + 3, "attempt {attempt} goes on at {next}");
    }
    let (_, read) = read_to(&mut *streams.read(stream, None), 12).await?;
    ensure!(read == numbered(0..12), "{read:?}");
    ensure!(epochs.len() == 1, "an attempt changes the epoch");
    Ok(())
}

async fn an_older_attempt_is_refused(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..1)).await?;
    streams.open(stream, 2, 0).await?;
    let refused = streams.append(stream, 1, entries(1..2)).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "a fenced attempt appends");
    ensure!(streams.append(stream, 2, entries(1..2)).await? == 2, "the refused entry counts");
    let (_, read) = read_to(&mut *streams.read(stream, None), 2).await?;
    ensure!(read == numbered(0..2), "{read:?}");
    Ok(())
}

async fn a_later_attempt_opens_first(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    let refused = streams.append(stream, 2, entries(0..1)).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "appends without the prefix");
    Ok(())
}

async fn an_older_open_is_refused(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 3, 0).await?;
    let refused = streams.open(stream, 2, 0).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "the fence goes down");
    ensure!(streams.append(stream, 3, entries(0..1)).await? == 1, "the fence went down");
    Ok(())
}

async fn an_older_attempt_releases_nothing(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..1)).await?;
    streams.open(stream, 2, 0).await?;
    let refused = streams.release(stream, 1).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "a fenced attempt releases");
    tokio::time::sleep(harness.retention() * 2).await;
    ensure!(streams.append(stream, 2, entries(1..2)).await? == 2, "freed under the attempt that writes");
    drop(streams);
    tokio::time::sleep(harness.retention() * 2).await;
    let prefix = harness.open()?.open(stream, 2, 0).await?;
    ensure!(prefix.entries == numbered(0..2), "{prefix:?} after a restart");
    Ok(())
}

async fn a_release_fences_as_opening_does(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    streams.release(stream, 2).await?;
    let refused = streams.append(stream, 1, entries(0..1)).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "a fenced attempt appends");
    drop(streams);
    let streams = harness.open()?;
    let refused = streams.open(stream, 1, 0).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "a fenced attempt opens after a restart");
    Ok(())
}

async fn nothing_is_added_behind_a_prefix(harness: &dyn Harness) -> Result<()> {
    let streams = harness.open()?;
    for _ in 0..20 {
        let stream = Uuid::now_v7();
        streams.open(stream, 1, 0).await?;
        let zombie = tokio::spawn({
            let streams = streams.clone();
            async move {
                let mut next = 0;
                while let Ok(after) = streams.append(stream, 1, entries(next..next + 1)).await {
                    next = after;
                }
                next
            }
        });
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let prefix = streams.open(stream, 2, 0).await?;
        let acknowledged = zombie.await?;
        ensure!(prefix.next == acknowledged, "prefix up to {}, acknowledged up to {acknowledged}", prefix.next);
        ensure!(prefix.entries == numbered(0..prefix.next), "not a prefix");
        let next = streams.append(stream, 2, entries(prefix.next..prefix.next + 1)).await?;
        ensure!(next == prefix.next + 1, "something was added behind the prefix");
    }
    Ok(())
}

async fn opening_again_changes_nothing(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let first = streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..2)).await?;
    let again = streams.open(stream, 1, 7).await?;
    ensure!(again.epoch == first.epoch && again.next == 2, "{again:?}");
    ensure!(again.entries == numbered(0..2), "{again:?}");
    ensure!(streams.append(stream, 1, entries(2..3)).await? == 3, "fenced by itself");
    Ok(())
}

async fn an_unopened_stream_takes_nothing(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let refused = streams.append(stream, 1, entries(0..1)).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::NotFound), "appends to nothing");
    ensure!(streams.open(stream, 1, 0).await?.entries.is_empty(), "the refused entry is there");
    Ok(())
}

async fn parallel_appends_get_one_order(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    let append = |call: u8| streams.append(stream, 1, vec![Bytes::from(vec![call]), Bytes::from(vec![call])]);
    let calls = join_all((0..50).map(append)).await;
    let after = calls.into_iter().collect::<platform::Result<BTreeSet<_>>>()?;
    ensure!(after == (1..=50).map(|call| call * 2).collect(), "answers {after:?}");
    let (_, read) = read_to(&mut *streams.read(stream, None), 100).await?;
    ensure!(read.iter().map(|entry| entry.seq).eq(0..100), "gaps or repeats");
    ensure!(read.chunks(2).all(|pair| pair[0].bytes == pair[1].bytes), "one call's entries are torn apart");
    Ok(())
}

async fn too_large_is_refused_whole(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    let large = |length| Bytes::from(vec![0; length]);
    let refused = streams.append(stream, 1, vec![large(1), large(256 * 1024 + 1)]).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::TooLarge), "no limit per entry");
    ensure!(streams.append(stream, 1, vec![large(256 * 1024)]).await? == 1, "a part of it was appended");
    let mut refusal = None;
    for _ in 0..40 {
        match streams.append(stream, 1, vec![large(256 * 1024)]).await {
            Ok(_) => {}
            Err(error) => refusal = Some(error.code()),
        }
    }
    ensure!(refusal == Some(Code::TooLarge), "no limit per stream");
    Ok(())
}
