//! The process that is killed. As a test of its own it has nothing to do.

use super::{Early, FOLDER, LONG_LIVED, ROUND, TASK, options};
use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use futures_util::future::join_all;
use platform::{
    Code,
    streams::{FileStreams, Item, Options, Position, Streams},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    env,
    io::{Write as _, stdout},
    path::Path,
    sync::Arc,
};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process() -> Result<()> {
    let Ok(task) = env::var(TASK) else { return Ok(()) };
    let folder = env::var(FOLDER)?;
    let files = || Ok::<_, anyhow::Error>(Arc::new(FileStreams::open(&folder, options())?));
    match task.as_str() {
        "append" => append_for_ever(files()?).await,
        "show-early" => append_for_ever(Arc::new(Early::new(files()?, true))).await,
        "acknowledge-early" => append_for_ever(Arc::new(Early::new(files()?, false))).await,
        "full-disk" => fill_the_disk(Path::new(&folder)).await,
        _ => bail!("there is no task {task}"),
    }
}

/// One line, whole or not at all as far as the reader is concerned.
fn say(kind: &str, stream: u128, epoch: u64, seq: u64, text: &str) -> Result<()> {
    Ok(stdout().write_all(format!("streams {kind} {stream} {epoch} {seq} {text}\n").as_bytes())?)
}

async fn append_for_ever(streams: Arc<dyn Streams>) -> Result<()> {
    let attempt = env::var(ROUND)?.parse()?;
    tokio::spawn(come_and_go(streams.clone()));
    let tasks = (0..LONG_LIVED).map(|stream| tokio::spawn(follow(streams.clone(), stream, attempt)));
    for ended in join_all(tasks).await {
        ended??;
    }
    Ok(())
}

/// Appends to a long-lived stream and says what a reader was shown and what was acknowledged.
async fn follow(streams: Arc<dyn Streams>, stream: u128, attempt: u32) -> Result<()> {
    let id = Uuid::from_u128(stream);
    let prefix = streams.open(id, attempt, 0).await?;
    let (epoch, mut next) = (prefix.epoch, prefix.next);
    let mut reading = streams.read(id, Some(Position { epoch, seq: i64::try_from(next)? - 1 }));
    tokio::spawn(async move {
        while let Ok(Item::Batch(batch)) = reading.next().await {
            for entry in batch.entries {
                say("shown", stream, batch.epoch, entry.seq, str::from_utf8(&entry.bytes)?)?;
            }
        }
        anyhow::Ok(())
    });
    loop {
        let entry =
            |seq| Bytes::from(format!("{attempt}/{seq}/{}", "x".repeat(usize::try_from(seq % 97).unwrap_or(0))));
        let entries = (next..=next + next % 4).map(entry).collect();
        next = streams.append(id, attempt, entries).await?;
        say("acknowledged", stream, epoch, next, "-")?;
        tokio::time::sleep(std::time::Duration::from_micros(300)).await;
    }
}

/// Streams that are released at once, so that the log rolls and segments go.
async fn come_and_go(streams: Arc<dyn Streams>) -> Result<()> {
    loop {
        let stream = Uuid::now_v7();
        streams.open(stream, 1, 0).await?;
        for _ in 0..4 {
            streams.append(stream, 1, vec![Bytes::from(vec![0; 3000])]).await?;
        }
        streams.release(stream, 1).await?;
        tokio::time::sleep(std::time::Duration::from_micros(500)).await;
    }
}

/// A limit on the size of a file ends a write in the middle, as a full disk does.
async fn fill_the_disk(folder: &Path) -> Result<()> {
    // without a handler the limit would end the process
    let _handler = signal(SignalKind::from_raw(25)).context("SIGXFSZ")?;
    let streams = FileStreams::open(folder, Options { segment_bytes: 1024 * 1024, ..options() })?;
    let stream = Uuid::nil();
    let epoch = streams.open(stream, 1, 0).await?.epoch;
    let before = getrlimit(Resource::Fsize);
    let entry = |number: u64| vec![Bytes::from(format!("{number:0500}")), Bytes::from(format!("{number:0500}"))];
    let mut next = 0;
    for limit in [5_000, 5_100, 9_000] {
        setrlimit(Resource::Fsize, Rlimit { current: Some(limit), ..before })?;
        let mut refusals = 0;
        while refusals < 3 {
            match streams.append(stream, 1, entry(next)).await {
                Ok(after) => next = after,
                Err(error) => {
                    ensure!(error.code() == Code::Unavailable && error.to_string().contains("disk"), "{error}");
                    refusals += 1;
                }
            }
        }
        // what is there can be read while nothing can be written
        let mut reading = streams.read(stream, None);
        let mut read = 0;
        while read < next {
            let Item::Batch(batch) = reading.next().await? else { bail!("no batch") };
            ensure!(batch.epoch == epoch, "the epoch changes");
            read += batch.entries.len() as u64;
        }
        ensure!(read == next, "{read} entries are shown, {next} were acknowledged");
        setrlimit(Resource::Fsize, before)?;
        let after = streams.append(stream, 1, entry(next)).await?;
        ensure!(after == next + 2, "{after} after {next}");
        next = after;
    }
    while next < 30 {
        next = streams.append(stream, 1, entry(next)).await?;
    }
    next = tear_between_records(&streams, folder, next).await?;
    drop(streams);
    let streams = FileStreams::open(folder, options())?;
    let prefix = streams.open(stream, 1, 0).await?;
    ensure!(prefix.next == next && prefix.epoch == epoch, "{} of {next} entries after a restart", prefix.next);
    for entry in prefix.entries {
        ensure!(entry.bytes == format!("{:0500}", entry.seq & !1), "entry {} is another one", entry.seq);
    }
    Ok(())
}

/// The disk takes two of three records whole; what is written next has the length of the first, so
/// that only cutting the tail off keeps the second from coming back.
async fn tear_between_records(streams: &FileStreams, folder: &Path, next: u64) -> Result<u64> {
    let entry = || Bytes::from(format!("{next:0500}"));
    let segment = folder.read_dir()?.next().context("no segment")??.path();
    let length = segment.metadata()?.len();
    streams.append(Uuid::nil(), 1, vec![entry()]).await?;
    let record = segment.metadata()?.len() - length;
    let before = getrlimit(Resource::Fsize);
    let limit = length + record * 3 + record / 2;
    setrlimit(Resource::Fsize, Rlimit { current: Some(limit), ..before })?;
    let refused = streams.append(Uuid::nil(), 1, vec![entry(), entry(), entry()]).await;
    ensure!(refused.is_err(), "more than the limit was written");
    setrlimit(Resource::Fsize, before)?;
    Ok(streams.append(Uuid::nil(), 1, vec![entry()]).await?)
}
