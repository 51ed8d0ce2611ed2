//! `kill -9` at random moments: this test binary starts itself as the process that appends, and
//! compares what that process had acknowledged or shown with what is there afterwards.

mod child;
mod early;

use super::{Harness, embedded::InFolder};
use anyhow::{Context as _, Result, bail, ensure};
use early::Early;
use platform::streams::{FileStreams, Options, Prefix};
use std::{
    collections::HashMap,
    env,
    hash::{BuildHasher as _, RandomState},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use uuid::Uuid;

/// Names of the variables that tell the process what to do.
const TASK: &str = "CONTRACTS_STREAMS_TASK";
const FOLDER: &str = "CONTRACTS_STREAMS_FOLDER";
const ROUND: &str = "CONTRACTS_STREAMS_ROUND";

const KILLS: u32 = 12;
/// Streams that live through all rounds.
const LONG_LIVED: u128 = 3;

/// Small segments and no retention: kills also meet rolling, deleting and copying.
fn options() -> Options {
    Options { segment_bytes: 32 * 1024, retention: Duration::ZERO, ..Options::default() }
}

fn process(task: &str, folder: &Path) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", "streams::crash::child::process", "--nocapture", "--test-threads=1"]);
    command.env(TASK, task).env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::inherit());
    Ok(command)
}

/// What the killed processes said.
#[derive(Default)]
struct Said {
    /// Per stream: its epochs, the seq after the last acknowledged entry, what was shown by seq.
    epochs: HashMap<u128, Vec<u64>>,
    acknowledged: HashMap<u128, u64>,
    shown: HashMap<(u128, u64), String>,
}

impl Said {
    /// Lines of other origin, and the one cut by the kill, say nothing.
    fn hear(&mut self, line: &str) -> Option<()> {
        let mut words = line.strip_prefix("streams ")?.split(' ');
        let kind = words.next()?;
        let stream = words.next()?.parse().ok()?;
        let epoch = words.next()?.parse().ok()?;
        let seq: u64 = words.next()?.parse().ok()?;
        let text = words.next()?;
        let epochs = self.epochs.entry(stream).or_default();
        epochs.push(epoch);
        epochs.dedup();
        match kind {
            "acknowledged" => drop(self.acknowledged.insert(stream, seq)),
            "shown" => drop(self.shown.insert((stream, seq), text.to_owned())),
            _ => return None,
        }
        Some(())
    }

    fn check(&self, stream: u128, prefix: &Prefix) -> Result<()> {
        ensure!(prefix.entries.iter().map(|entry| entry.seq).eq(0..prefix.next), "a gap");
        let acknowledged = self.acknowledged.get(&stream).copied().unwrap_or(0);
        ensure!(prefix.next >= acknowledged, "{acknowledged} entries acknowledged, {} kept", prefix.next);
        for ((_, seq), text) in self.shown.iter().filter(|((of, _), _)| *of == stream) {
            let kept = prefix.entries.iter().find(|entry| entry.seq == *seq);
            ensure!(kept.is_some_and(|entry| entry.bytes == text.as_bytes()), "entry {seq} was shown and is not kept");
        }
        let epochs = self.epochs.get(&stream).map(Vec::as_slice).unwrap_or_default();
        ensure!(epochs.iter().all(|epoch| *epoch == prefix.epoch), "epochs {epochs:?}, now {}", prefix.epoch);
        Ok(())
    }
}

/// Runs a process until it has said something and a random time more, kills it, and hears all of it.
fn kill_one(task: &str, folder: &Path, round: u32, said: &mut Said) -> Result<()> {
    let mut process = process(task, folder)?.env(ROUND, round.to_string()).spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("no output")?);
    let mut line = String::new();
    while said.hear(line.trim_end()).is_none() {
        line.clear();
        ensure!(lines.read_line(&mut line)? > 0, "the process ended by itself");
    }
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_micros(RandomState::new().hash_one(round) % 60_000));
        // SIGKILL
        process.kill()?;
        process.wait()
    });
    loop {
        line.clear();
        lines.read_line(&mut line)?;
        let Some(whole) = line.strip_suffix('\n') else { break };
        said.hear(whole);
    }
    let status = killer.join().map_err(|_| anyhow::anyhow!("the killing thread failed"))??;
    ensure!(status.code().is_none(), "the process ended by itself: {status}");
    Ok(())
}

async fn survives(task: &str) -> Result<usize> {
    let harness = InFolder::with(|harness| *harness = options())?;
    let mut said = Said::default();
    for round in 1..=KILLS {
        kill_one(task, harness.folder.path(), round, &mut said)?;
        let streams = harness.open()?;
        for stream in 0..LONG_LIVED {
            let prefix = streams.open(Uuid::from_u128(stream), round, 0).await?;
            said.check(stream, &prefix).with_context(|| format!("stream {stream} after kill {round}"))?;
            ensure!(
                round == 1 || streams.open(Uuid::from_u128(stream), round - 1, 0).await.is_err(),
                "the fence is lost"
            );
        }
    }
    Ok(said.shown.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_shown_survives_kill_9() -> Result<()> {
    let shown = survives("append").await?;
    ensure!(shown > 500, "only {shown} entries were shown, which tests little");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_written_after_showing_is_noticed() -> Result<()> {
    for task in ["show-early", "acknowledge-early"] {
        match survives(task).await {
            Ok(_) => bail!("{task} passes"),
            Err(error) => {
                let why = format!("{error:#}");
                ensure!(why.contains("is not kept") || why.contains("acknowledged"), "{task}: {why}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() -> Result<()> {
    let harness = InFolder::new()?;
    // a limit on the size of files is one for a whole process, so it gets one of its own
    let status = process("full-disk", harness.folder.path())?.stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{status}");
    let prefix = FileStreams::open(harness.folder.path(), options())?;
    let prefix = platform::streams::Streams::open(&prefix, Uuid::nil(), 2, 0).await?;
    ensure!(prefix.entries.iter().map(|entry| entry.seq).eq(0..prefix.next), "a gap");
    ensure!(prefix.next > 20, "{} entries", prefix.next);
    Ok(())
}
