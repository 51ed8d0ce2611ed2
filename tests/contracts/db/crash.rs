//! `kill -9` at random moments: this test binary starts itself as the process that writes, and
//! compares what that process had acknowledged with what is there afterwards.

use super::{Database, NOTES, add, broken, embedded::InFolder, insert, notes, write};
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{FutureExt as _, future::join_all};
use platform::db::{Db, Options};
use std::{
    collections::BTreeSet,
    env,
    hash::{BuildHasher as _, RandomState},
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

/// Names of the variables that tell the process what to do.
const TASK: &str = "CONTRACTS_DB_TASK";
const FOLDER: &str = "CONTRACTS_DB_FOLDER";
const ROUND: &str = "CONTRACTS_DB_ROUND";

const KILLS: i64 = 12;
const WRITERS: i64 = 8;
/// More numbers than a process uses.
const PER_ROUND: i64 = 10_000_000;

/// The process that is killed. As a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process() -> Result<()> {
    let Ok(task) = env::var(TASK) else { return Ok(()) };
    let db = Db::open(&Path::new(&env::var(FOLDER)?).join("taifas.db"), &Options::default())?;
    Database::migrate(&db, "note", NOTES).await?;
    let first = env::var(ROUND)?.parse::<i64>()? * PER_ROUND;
    let torn = task == "torn";
    let db: Arc<dyn Database> = match task.as_str() {
        "write" | "torn" => Arc::new(db),
        "acknowledge-early" => Arc::new(broken::early(db)),
        _ => bail!("there is no task {task}"),
    };
    let writers = (0..WRITERS).map(|writer| tokio::spawn(write_for_ever(db.clone(), first + writer, torn)));
    for ended in join_all(writers).await {
        ended??;
    }
    Ok(())
}

async fn write_for_ever(db: Arc<dyn Database>, first: i64, torn: bool) -> Result<()> {
    for step in 0.. {
        let number = first + step * WRITERS;
        if torn {
            for part in 0..3 {
                write(&*db, move |tx| async move { insert(tx, number, part).await }.boxed()).await?;
            }
        } else {
            add(&*db, number).await?;
        }
        // one line, whole or not at all as far as the reader is concerned
        stdout().write_all(format!("db acknowledged {number}\n").as_bytes())?;
    }
    Ok(())
}

/// Lines of other origin, and the one cut by the kill, say nothing.
fn heard(line: &str) -> Option<i64> {
    line.strip_suffix('\n')?.strip_prefix("db acknowledged ")?.parse().ok()
}

/// Runs a process until it has acknowledged something and a random time more, kills it, and answers
/// what it has acknowledged.
fn kill_one(task: &str, folder: &Path, round: i64) -> Result<BTreeSet<i64>> {
    let mut process = Command::new(env::current_exe()?)
        .args(["--exact", "db::crash::process", "--nocapture", "--test-threads=1"])
        .envs([(TASK, task), (ROUND, &round.to_string())])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("no output")?);
    let (mut line, mut acknowledged) = (String::new(), BTreeSet::new());
    while acknowledged.is_empty() {
        line.clear();
        ensure!(lines.read_line(&mut line)? > 0, "the process ended by itself");
        acknowledged.extend(heard(&line));
    }
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_micros(RandomState::new().hash_one(round) % 80_000));
        // SIGKILL
        process.kill()?;
        process.wait()
    });
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            break;
        }
        acknowledged.extend(heard(&line));
    }
    let status = killer.join().map_err(|_| anyhow::anyhow!("the killing thread failed"))??;
    ensure!(status.code().is_none(), "the process ended by itself: {status}");
    Ok(acknowledged)
}

/// Answers how many writes were acknowledged in all.
async fn survives(task: &str) -> Result<usize> {
    let harness = InFolder::new()?;
    let mut acknowledged = BTreeSet::new();
    for round in 1..=KILLS {
        acknowledged.extend(kill_one(task, harness.folder.path(), round)?);
        let stored = notes(&harness.db(&Options::default())?).await?;
        let half = stored.iter().find(|(_, parts)| *parts != 3);
        ensure!(half.is_none(), "{half:?} is half written after kill {round}");
        let stored: BTreeSet<i64> = stored.into_iter().map(|(number, _)| number).collect();
        let lost = acknowledged.difference(&stored).count();
        ensure!(lost == 0, "{lost} of {} acknowledged writes are lost after kill {round}", acknowledged.len());
    }
    Ok(acknowledged.len())
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() -> Result<()> {
    let acknowledged = survives("write").await?;
    ensure!(acknowledged > 200, "only {acknowledged} writes were acknowledged, which tests little");
    Ok(())
}

#[tokio::test]
async fn a_database_that_acknowledges_early_is_noticed() -> Result<()> {
    let why = survives("acknowledge-early").await.err().context("it passes")?.to_string();
    ensure!(why.contains("are lost"), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_database_that_tears_transactions_is_noticed() -> Result<()> {
    let why = survives("torn").await.err().context("it passes")?.to_string();
    ensure!(why.contains("is half written"), "{why}");
    Ok(())
}
