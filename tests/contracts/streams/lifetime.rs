//! How long a stream lives: across restarts until it is released, then for the retention time.

use super::{Harness, entries, numbered, read_to};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use platform::{
    Code,
    streams::{Item, Position, Streams},
};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        reopening_keeps_everything,
        reopening_keeps_the_fence,
        reopening_keeps_positions,
        a_released_stream_stays_for_a_while,
        a_released_stream_is_freed,
        a_freed_stream_begins_another_epoch,
        opening_keeps_a_released_stream,
        a_release_survives_reopening,
        releasing_is_repeatable,
    ]
    .into()
}

async fn reopening_keeps_everything(harness: &dyn Harness) -> Result<()> {
    let ids: Vec<_> = (0..5).map(|_| Uuid::now_v7()).collect();
    for round in 0..4_u64 {
        let streams = harness.open()?;
        for (stream, base) in ids.iter().zip([0, 0, 10, 20, 30]) {
            let prefix = streams.open(*stream, 1, base).await?;
            let next = base + round * 3;
            ensure!(prefix.next == next && prefix.entries == numbered(base..next), "round {round}: {prefix:?}");
            streams.append(*stream, 1, entries(next..next + 3)).await?;
        }
    }
    Ok(())
}

async fn reopening_keeps_the_fence(harness: &dyn Harness) -> Result<()> {
    let stream = Uuid::now_v7();
    let streams = harness.open()?;
    streams.open(stream, 1, 0).await?;
    streams.open(stream, 5, 0).await?;
    drop(streams);
    let streams = harness.open()?;
    let refused = streams.append(stream, 1, entries(0..1)).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "a fenced attempt appends after a restart");
    let refused = streams.open(stream, 4, 0).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::Stale), "a fenced attempt opens after a restart");
    ensure!(streams.append(stream, 5, entries(0..1)).await? == 1, "the fence is not what it was");
    Ok(())
}

async fn reopening_keeps_positions(harness: &dyn Harness) -> Result<()> {
    let stream = Uuid::now_v7();
    let streams = harness.open()?;
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    streams.append(stream, 1, entries(0..4)).await?;
    drop(streams);
    let streams = harness.open()?;
    let mut reading = streams.read(stream, Some(Position { epoch, seq: 1 }));
    ensure!(read_to(&mut *reading, 4).await?.1 == numbered(2..4), "a position means something else");
    streams.open(stream, 2, 0).await?;
    streams.append(stream, 2, entries(4..5)).await?;
    ensure!(read_to(&mut *reading, 5).await? == (epoch, numbered(4..5)), "seq or epoch starts over");
    Ok(())
}

async fn a_released_stream_stays_for_a_while(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    streams.append(stream, 1, entries(0..3)).await?;
    streams.release(stream, 1).await?;
    tokio::time::sleep(harness.retention() / 4).await;
    let mut reading = streams.read(stream, Some(Position { epoch, seq: 0 }));
    ensure!(read_to(&mut *reading, 3).await?.1 == numbered(1..3), "another text");
    Ok(())
}

async fn a_released_stream_is_freed(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..3)).await?;
    let mut reading = streams.read(stream, None);
    read_to(&mut *reading, 3).await?;
    let released = Instant::now();
    streams.release(stream, 1).await?;
    let item = reading.next().await?;
    ensure!(item == Item::Freed, "{item:?}");
    ensure!(released.elapsed() * 2 > harness.retention(), "freed after {:?}", released.elapsed());
    let item = reading.next().await?;
    ensure!(item == Item::Freed, "{item:?} after the end");
    let refused = streams.append(stream, 1, entries(3..4)).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::NotFound), "still takes entries");
    Ok(())
}

async fn a_freed_stream_begins_another_epoch(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    streams.append(stream, 1, entries(0..3)).await?;
    free(&*streams, stream).await?;
    let again = streams.open(stream, 2, 3).await?;
    ensure!(again.entries.is_empty() && again.next == 3, "{again:?}");
    let mut reading = streams.read(stream, Some(Position { epoch, seq: 2 }));
    let item = reading.next().await?;
    ensure!(item == Item::Lost { epoch: again.epoch, first: 3, next: 3 }, "{item:?}");
    Ok(())
}

async fn opening_keeps_a_released_stream(harness: &dyn Harness) -> Result<()> {
    let stream = Uuid::now_v7();
    let streams = harness.open()?;
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..2)).await?;
    streams.release(stream, 1).await?;
    let prefix = streams.open(stream, 2, 0).await?;
    ensure!(prefix.entries == numbered(0..2), "{prefix:?}");
    tokio::time::sleep(harness.retention() * 2).await;
    ensure!(streams.append(stream, 2, entries(2..3)).await? == 3, "freed although open");
    drop(streams);
    let prefix = harness.open()?.open(stream, 3, 0).await?;
    ensure!(prefix.entries == numbered(0..3), "{prefix:?} after a restart");
    Ok(())
}

async fn a_release_survives_reopening(harness: &dyn Harness) -> Result<()> {
    let stream = Uuid::now_v7();
    let streams = harness.open()?;
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..2)).await?;
    streams.release(stream, 1).await?;
    drop(streams);
    let streams = harness.open()?;
    tokio::time::sleep(harness.retention() * 2 + Duration::from_millis(100)).await;
    let refused = streams.append(stream, 1, entries(2..3)).await;
    ensure!(refused.is_err_and(|error| error.code() == Code::NotFound), "kept for ever");
    Ok(())
}

async fn releasing_is_repeatable(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.release(stream, 1).await?;
    ensure!(streams.open(stream, 1, 0).await?.next == 0, "released before it was opened");
    streams.release(stream, 1).await?;
    streams.release(stream, 1).await?;
    free(&*streams, stream).await?;
    streams.release(stream, 1).await?;
    Ok(())
}

/// Releases a stream, whoever has it, and waits until it is gone.
pub async fn free(streams: &dyn Streams, stream: Uuid) -> Result<()> {
    free_as(streams, stream, u32::MAX).await
}

/// The same as the attempt that has it, or a later one.
pub async fn free_as(streams: &dyn Streams, stream: Uuid, attempt: u32) -> Result<()> {
    let mut reading = streams.read(stream, None);
    streams.release(stream, attempt).await?;
    // what it still holds, an empty one shows nothing
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match tokio::time::timeout(Duration::from_millis(20), reading.next()).await {
            Ok(Ok(Item::Freed)) => return Ok(()),
            Ok(item) => drop(item?),
            Err(_) => {
                // a reader that met it empty cannot tell it from an unopened one
                let gone = streams.append(stream, u32::MAX, vec![]).await;
                if gone.is_err_and(|error| error.code() == Code::NotFound) {
                    return Ok(());
                }
            }
        }
        ensure!(Instant::now() < deadline, "a released stream stays");
    }
}
