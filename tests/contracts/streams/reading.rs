//! What readers get: everything, in order, once, from wherever they left off.

use super::{Harness, MOMENT, entries, is_quiet, numbered, read_to};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use bytes::Bytes;
use platform::streams::{Item, Position};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        any_bytes_are_read_back,
        waiting_readers_get_what_is_appended,
        an_unopened_stream_is_waited_for,
        a_position_resumes_without_gap_or_repeat,
        a_position_at_the_end_waits,
        another_epoch_is_lost,
        a_position_that_does_not_connect_is_lost,
        a_slow_reader_misses_nothing,
        a_dropped_call_loses_nothing,
        streams_are_told_apart,
        nudges_reach_who_listens,
        nudges_are_not_entries,
    ]
    .into()
}

async fn any_bytes_are_read_back(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    let written = [vec![], vec![0, 10, 13, 255], vec![9; 200_000]].map(Bytes::from);
    let next = streams.append(stream, 1, written.to_vec()).await?;
    let (_, read) = read_to(&mut *streams.read(stream, None), next).await?;
    ensure!(read.into_iter().map(|entry| entry.bytes).eq(written), "bytes changed");
    ensure!(streams.append(stream, 1, vec![]).await? == next, "no entries count");
    Ok(())
}

async fn waiting_readers_get_what_is_appended(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    let read = |_| {
        let mut reading = streams.read(stream, None);
        tokio::spawn(async move { read_to(&mut *reading, 20).await })
    };
    let readers: Vec<_> = (0..3).map(read).collect();
    for number in 0..20 {
        streams.append(stream, 1, entries(number..number + 1)).await?;
        tokio::task::yield_now().await;
    }
    for reader in readers {
        ensure!(reader.await??.1 == numbered(0..20), "a reader got something else");
    }
    Ok(())
}

async fn an_unopened_stream_is_waited_for(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let mut reading = streams.read(stream, None);
    ensure!(is_quiet(&mut *reading).await, "something comes of nothing");
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..1)).await?;
    ensure!(read_to(&mut *reading, 1).await?.1 == numbered(0..1), "another entry");
    Ok(())
}

async fn a_position_resumes_without_gap_or_repeat(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    streams.append(stream, 1, entries(0..6)).await?;
    for seen in 0..=5 {
        let seq = i64::try_from(seen)? - 1;
        let mut reading = streams.read(stream, Some(Position { epoch, seq }));
        let (_, read) = read_to(&mut *reading, 6).await?;
        ensure!(read == numbered(seen..6), "after {seq} comes {read:?}");
    }
    Ok(())
}

async fn a_position_at_the_end_waits(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    streams.append(stream, 1, entries(0..3)).await?;
    let mut reading = streams.read(stream, Some(Position { epoch, seq: 2 }));
    ensure!(is_quiet(&mut *reading).await, "something comes behind the end");
    streams.append(stream, 1, entries(3..4)).await?;
    ensure!(read_to(&mut *reading, 4).await?.1 == numbered(3..4), "another entry");
    Ok(())
}

async fn another_epoch_is_lost(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    streams.append(stream, 1, entries(0..3)).await?;
    let mut reading = streams.read(stream, Some(Position { epoch: epoch ^ 1, seq: 1 }));
    let item = reading.next().await?;
    ensure!(item == Item::Lost { epoch, first: 0, next: 3 }, "{item:?}");
    ensure!(read_to(&mut *reading, 3).await?.1 == numbered(0..3), "does not go on from the first");
    Ok(())
}

async fn a_position_that_does_not_connect_is_lost(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let epoch = streams.open(stream, 1, 5).await?.epoch;
    streams.append(stream, 1, entries(5..8)).await?;
    for seq in [-1, 3, 8, i64::MAX, i64::MIN] {
        let mut reading = streams.read(stream, Some(Position { epoch, seq }));
        let item = reading.next().await?;
        ensure!(item == Item::Lost { epoch, first: 5, next: 8 }, "{item:?} for {seq}");
        ensure!(read_to(&mut *reading, 8).await?.1 == numbered(5..8), "does not go on from the first");
    }
    Ok(())
}

async fn a_slow_reader_misses_nothing(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    streams.append(stream, 1, entries(0..1)).await?;
    let mut reading = streams.read(stream, None);
    read_to(&mut *reading, 1).await?;
    for call in 0..200 {
        streams.append(stream, 1, entries(1 + call * 10..11 + call * 10)).await?;
    }
    ensure!(read_to(&mut *reading, 2001).await?.1 == numbered(1..2001), "a slow reader missed entries");
    Ok(())
}

async fn a_dropped_call_loses_nothing(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.open(stream, 1, 0).await?;
    let mut reading = streams.read(stream, None);
    let mut read = Vec::new();
    for number in 0..50 {
        // dropped while it waits
        if let Ok(item) = timeout(Duration::from_micros(50), reading.next()).await
            && let Item::Batch(batch) = item?
        {
            read.extend(batch.entries);
        }
        streams.append(stream, 1, entries(number..number + 1)).await?;
    }
    if read.len() < 50 {
        read.extend(read_to(&mut *reading, 50).await?.1);
    }
    ensure!(read == numbered(0..50), "{} entries", read.len());
    Ok(())
}

async fn streams_are_told_apart(harness: &dyn Harness) -> Result<()> {
    let streams = harness.open()?;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    for stream in [one, two] {
        streams.open(stream, 1, 0).await?;
    }
    let mut other = streams.read(two, None);
    streams.append(one, 1, entries(0..2)).await?;
    ensure!(is_quiet(&mut *other).await, "another stream's entries");
    ensure!(streams.append(two, 1, entries(0..1)).await? == 1, "another stream's entries count");
    Ok(())
}

async fn nudges_reach_who_listens(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    let (mut one, mut two) = (streams.nudges(stream), streams.nudges(stream));
    let mut other = streams.nudges(Uuid::now_v7());
    ensure!(timeout(MOMENT, one.next()).await.is_err(), "a nudge nobody sent");
    streams.open(stream, 1, 0).await?;
    streams.nudge(stream).await?;
    timeout(Duration::from_secs(5), async { tokio::join!(one.next(), two.next()) }).await?;
    ensure!(timeout(MOMENT, one.next()).await.is_err(), "one nudge comes twice");
    ensure!(timeout(MOMENT, other.next()).await.is_err(), "another stream is nudged");
    streams.nudge(stream).await?;
    timeout(Duration::from_secs(5), one.next()).await?;
    Ok(())
}

async fn nudges_are_not_entries(harness: &dyn Harness) -> Result<()> {
    let (streams, stream) = (harness.open()?, Uuid::now_v7());
    streams.nudge(stream).await?;
    streams.open(stream, 1, 0).await?;
    let mut reading = streams.read(stream, None);
    streams.nudge(stream).await?;
    ensure!(is_quiet(&mut *reading).await, "a nudge is read");
    ensure!(streams.append(stream, 1, entries(0..1)).await? == 1, "a nudge counts");
    Ok(())
}
