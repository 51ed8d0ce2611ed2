//! `kill -9` at random moments while objects are written over and over: whoever reads afterwards finds
//! whole ones, and those that were acknowledged.

use super::{Harness as _, LARGEST, at, body, embedded::InFolder};
use anyhow::{Context as _, Result, bail, ensure};
use platform::objects::{self, FileObjects};
use std::{
    collections::BTreeMap,
    env, fs,
    hash::{BuildHasher as _, RandomState},
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

const TASK: &str = "CONTRACTS_OBJECTS_TASK";
const FOLDER: &str = "CONTRACTS_OBJECTS_FOLDER";
const ROUND: &str = "CONTRACTS_OBJECTS_ROUND";

const KILLS: u64 = 8;
const NAMES: u64 = 3;
const PER_ROUND: u64 = 1_000_000;

/// The number at the beginning, in the middle and at the end, over more than one part.
fn numbered(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(170_000 + usize::try_from(number % 7).unwrap_or(0))
}

fn number(bytes: &[u8]) -> Result<u64> {
    let number = u64::from_be_bytes(bytes.get(..8).context("too short")?.try_into()?);
    ensure!(bytes == numbered(number), "an object is torn: it begins with {number}");
    Ok(number)
}

/// The process that is killed. As a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process() -> Result<()> {
    let Ok(task) = env::var(TASK) else { return Ok(()) };
    let folder = PathBuf::from(env::var(FOLDER)?);
    let store = FileObjects::with_largest(&folder, LARGEST)?;
    for n in env::var(ROUND)?.parse::<u64>()? * PER_ROUND.. {
        let (name, bytes) = (format!("o{}", n % NAMES), numbered(n));
        match task.as_str() {
            "write" => {
                objects::write(&store, &at(&name)?, body([&bytes[..]]), LARGEST).await?;
            }
            // in place, as one who does not write aside
            "in-place" => write_in_place(&folder, &name, &bytes)?,
            _ => bail!("there is no task {task}"),
        }
        stdout().write_all(format!("objects acknowledged {n}\n").as_bytes())?;
    }
    Ok(())
}

fn write_in_place(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(folder.join("test"))?;
    let mut file = fs::File::create(folder.join("test").join(name))?;
    for piece in bytes.chunks(4096) {
        file.write_all(piece)?;
        thread::sleep(Duration::from_micros(20));
    }
    Ok(())
}

fn heard(line: &str) -> Option<u64> {
    line.strip_suffix('\n')?.strip_prefix("objects acknowledged ")?.parse().ok()
}

/// Kills a process after it has acknowledged something and a random time more, and answers the last
/// acknowledged number by name.
fn kill_one(task: &str, folder: &Path, round: u64, acknowledged: &mut BTreeMap<u64, u64>) -> Result<()> {
    let mut process = Command::new(env::current_exe()?)
        .args(["--exact", "objects::crash::process", "--nocapture", "--test-threads=1"])
        .envs([(TASK, task), (ROUND, &round.to_string())])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("no output")?);
    let mut line = String::new();
    let mut first = None;
    while first.is_none() {
        line.clear();
        ensure!(lines.read_line(&mut line)? > 0, "the process ended by itself");
        first = heard(&line);
    }
    acknowledged.extend(first.map(|n| (n % NAMES, n)));
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_micros(RandomState::new().hash_one(round) % 60_000));
        // SIGKILL
        process.kill()?;
        process.wait()
    });
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            break;
        }
        acknowledged.extend(heard(&line).map(|n| (n % NAMES, n)));
    }
    let status = killer.join().map_err(|_| anyhow::anyhow!("the killing thread failed"))??;
    ensure!(status.code().is_none(), "the process ended by itself: {status}");
    Ok(())
}

async fn survives(task: &str) -> Result<()> {
    let harness = InFolder::new()?;
    let mut acknowledged = BTreeMap::new();
    for round in 1..=KILLS {
        kill_one(task, &harness.folder(), round, &mut acknowledged)?;
        let store = harness.open()?;
        for (name, last) in &acknowledged {
            let bytes = objects::read(&*store, &at(&format!("o{name}"))?, LARGEST).await?;
            let found = number(&bytes).with_context(|| format!("o{name} after kill {round}"))?;
            ensure!(found >= *last, "o{name} is at {found}, {last} was acknowledged, after kill {round}");
        }
        let left = fs::read_dir(harness.folder().join("test"))?.count();
        ensure!(left <= usize::try_from(NAMES)?, "{left} files for {NAMES} objects");
    }
    Ok(())
}

#[tokio::test]
async fn objects_are_whole_after_kill_9() -> Result<()> {
    survives("write").await
}

#[tokio::test]
async fn a_store_that_writes_in_place_is_noticed() -> Result<()> {
    let why = format!("{:#}", survives("in-place").await.err().context("it passes")?);
    ensure!(why.contains("torn"), "{why}");
    Ok(())
}
