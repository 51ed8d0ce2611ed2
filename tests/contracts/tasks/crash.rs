//! `kill -9` at random moments of work: what was asked for is done, and what was said to be done is
//! not done again.

use super::{Handler, LONG, MAIL, embedded::start, enqueue, quick, task};
use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use platform::tasks::{self, Limits};
use std::{
    collections::BTreeMap,
    env,
    hash::{BuildHasher as _, RandomState},
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

const FOLDER: &str = "CONTRACTS_TASKS_FOLDER";
const ROUND: &str = "CONTRACTS_TASKS_ROUND";
const KILLS: u64 = 6;

/// Killed processes are not their tasks' fault here.
fn patient() -> Limits {
    Limits { tries: 1_000, ..quick() }
}

/// The process that is killed: asks for numbered tasks and does them. As a test of its own it has
/// nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process() -> Result<()> {
    let Ok(folder) = env::var(FOLDER) else { return Ok(()) };
    let round = env::var(ROUND)?;
    let platform = start(&PathBuf::from(folder)).await?;
    let handler: Handler = Arc::new(|task| {
        async move {
            say("does", &task.key)?;
            tokio::time::sleep(Duration::from_micros(200)).await;
            Ok(())
        }
        .boxed()
    });
    tasks::work(&platform, MAIL, patient(), move |task| handler(task));
    for n in 0_u64.. {
        let key = format!("{round}-{n}");
        enqueue(&platform, task(&platform, MAIL, &key)).await?;
        say("asked", &key)?;
    }
    Ok(())
}

fn say(what: &str, key: &str) -> platform::Result<()> {
    Ok(stdout().write_all(format!("tasks {what} {key}\n").as_bytes())?)
}

/// How often each task that was asked for was begun.
#[derive(Default)]
struct Said {
    asked: BTreeMap<String, u32>,
    done: BTreeMap<String, u32>,
}

impl Said {
    fn hear(&mut self, line: &str) -> Option<()> {
        // the harness of the tests begins the first line
        let (_, said) = line.strip_suffix('\n')?.rsplit_once("tasks ")?;
        let (what, key) = said.split_once(' ')?;
        let counts = if what == "asked" { &mut self.asked } else { &mut self.done };
        *counts.entry(key.to_owned()).or_default() += 1;
        Some(())
    }
}

fn kill_one(folder: &Path, round: u64, said: &mut Said) -> Result<()> {
    let mut process = Command::new(env::current_exe()?)
        .args(["--exact", "tasks::crash::process", "--nocapture", "--test-threads=1"])
        .env(ROUND, round.to_string())
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("no output")?);
    let mut line = String::new();
    while said.hear(&line).is_none() {
        line.clear();
        ensure!(lines.read_line(&mut line)? > 0, "the process ended by itself");
    }
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_micros(50_000 + RandomState::new().hash_one(round) % 150_000));
        // SIGKILL
        process.kill()?;
        process.wait()
    });
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            break;
        }
        said.hear(&line);
    }
    let status = killer.join().map_err(|_| anyhow::anyhow!("the killing thread failed"))??;
    ensure!(status.code().is_none(), "the process ended by itself: {status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_for_is_done_despite_kill_9() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut said = Said::default();
    for round in 1..=KILLS {
        kill_one(folder.path(), round, &mut said)?;
    }
    // the last process is not killed: it does what is left
    let platform = start(folder.path()).await?;
    let did = super::Did::default();
    let noted = did.clone();
    tasks::work(&platform, MAIL, patient(), move |task| {
        let noted = noted.clone();
        async move {
            noted.note(&task.key);
            Ok(())
        }
        .boxed()
    });
    super::stands(&platform, 0, 0).await?;
    for key in did.keys() {
        *said.done.entry(key).or_default() += 1;
    }
    let asked = said.asked.len();
    ensure!(asked > 50, "only {asked} tasks were asked for, which tests little");
    let lost: Vec<_> = said.asked.keys().filter(|key| !said.done.contains_key(*key)).collect();
    ensure!(lost.is_empty(), "asked for and never done: {lost:?}");
    // at most those that were in hand at a kill come again, and as many with an end not yet stored
    let again = said.done.values().filter(|times| **times > 1).count();
    let bound = usize::try_from(KILLS)? * 2 * patient().parallel;
    ensure!(again <= bound, "{again} of {asked} tasks were done more than once");
    ensure!(super::next(&platform, MAIL, LONG).await?.is_empty(), "something is left");
    super::stop(platform).await;
    Ok(())
}
