//! The product in a world that follows from a number: the real services in one thread, with virtual
//! time, while clients act, answers get lost and processes die. Whatever a seed does it does again:
//! `SEED=17 cargo test -p tests --test simulation again -- --nocapture` tells that history.
//!
//! `TAIFAS_SIMULATION_SEEDS` says how many seeds are run (500 by default), `TAIFAS_SIMULATION_FROM`
//! which one is the first. Seeds that once found something are kept in `seeds.txt` and run each time.

mod client;
mod dice;
mod gate;
mod history;
mod judge;
mod ledger;
mod network;
mod ports;
mod process;
mod provider;
mod reader;
mod template;
mod world;

use anyhow::{Context as _, Result, bail, ensure};
use history::Outcome;
use ports::Broken;
use std::{
    io::Write as _,
    panic::AssertUnwindSafe,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use template::Template;

fn number(name: &str, usual: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is no number: {text:?}")),
        Err(_) => Ok(usual),
    }
}

fn prepared() -> Result<Template> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Template::make()
}

/// What to do about a seed that found something.
fn verdict(seed: u64, outcome: &Outcome) -> Result<()> {
    if outcome.violations.is_empty() {
        return Ok(());
    }
    bail!(
        "seed {seed}: {}\n  again: SEED={seed} cargo test -p tests --test simulation again -- --nocapture",
        outcome.violations.join("\n  ")
    );
}

/// Runs seeds on every core and gathers what they find, at most a few of them.
fn all(seeds: &[u64]) -> Result<()> {
    let template = prepared()?;
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let found = || failures.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
                    let Some(&seed) = seeds.get(at).filter(|_| found().len() < 5) else { return };
                    let run = AssertUnwindSafe(|| world::run(seed, None, &template));
                    let outcome = std::panic::catch_unwind(run);
                    let judged = match outcome {
                        Ok(Ok(outcome)) => verdict(seed, &outcome),
                        Ok(Err(why)) => Err(why.context(format!("seed {seed}"))),
                        Err(_) => Err(anyhow::anyhow!("seed {seed} panics")),
                    };
                    if let Err(why) = judged {
                        found().push(format!("{why:#}"));
                    }
                }
            });
        }
    });
    let failures = found().join("\n");
    ensure!(failures.is_empty(), "{failures}");
    Ok(())
}

#[test]
fn promises_hold_in_every_seed() -> Result<()> {
    let (first, count) = (number("TAIFAS_SIMULATION_FROM", 0)?, number("TAIFAS_SIMULATION_SEEDS", 500)?);
    all(&(first..first + count).collect::<Vec<_>>())
}

#[test]
fn seeds_that_found_something_stay_good() -> Result<()> {
    let lines = include_str!("seeds.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let seeds = lines.map(|line| Ok(line.split_whitespace().next().unwrap_or_default().parse()?));
    all(&seeds.collect::<Result<Vec<u64>>>()?)
}

#[test]
fn a_seed_is_the_same_history_each_time() -> Result<()> {
    let template = prepared()?;
    for seed in 0..12 {
        let (one, two) = (world::run(seed, None, &template)?, world::run(seed, None, &template)?);
        ensure!(one.lines.len() > 20, "seed {seed} hardly does anything");
        if one.digest() != two.digest() {
            bail!("seed {seed} differs from itself:\n{}", one.difference(&two).unwrap_or_default());
        }
    }
    Ok(())
}

/// Each port that is broken on purpose is found, for the reason that was meant.
#[test]
fn broken_ports_are_found() -> Result<()> {
    let template = prepared()?;
    for (broken, reason) in
        [(Broken::NoFence, "I11"), (Broken::CursorFirst, "I3"), (Broken::LosesCommits, "I1"), (Broken::SkipsOne, "I4")]
    {
        let mut found = None;
        for seed in 0..200 {
            let outcome = world::run(seed, Some(broken), &template)?;
            if outcome.violations.iter().any(|why| why.starts_with(reason)) {
                found = Some(seed);
                break;
            }
        }
        let seed = found.with_context(|| format!("{broken:?} is not found by 200 seeds"))?;
        writeln!(std::io::stderr(), "{broken:?} is found by seed {seed}")?;
    }
    Ok(())
}

/// So is each seeded fault of the program: each in a process of its own, since they are switched on for
/// a whole process.
#[cfg(feature = "failpoints")]
#[test]
fn seeded_faults_are_found() -> Result<()> {
    for (fault, reasons) in [
        ("no-idempotency", &["I2"][..]),
        ("no-fence", &["I11", "I4", "I3"]),
        ("no-replay", &["I3", "I4"]),
        ("resume-off-by-one", &["I4"]),
        ("cursor-first", &["I3"]),
        ("no-inbox", &["I7"]),
    ] {
        let output = std::process::Command::new(std::env::current_exe()?)
            .args(["--exact", "promises_hold_in_every_seed", "--nocapture"])
            .env("TAIFAS_MUTANT", fault)
            .env("TAIFAS_SIMULATION_SEEDS", "300")
            .output()?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let found = text.lines().find(|line| reasons.iter().any(|reason| line.contains(&format!("{reason}: "))));
        let found = found.with_context(|| format!("{fault} is not found: {text}"))?;
        writeln!(std::io::stderr(), "{fault}: {found}")?;
    }
    Ok(())
}

/// Tells the history of `SEED`.
#[test]
fn again() -> Result<()> {
    let Ok(text) = std::env::var("SEED") else { return Ok(()) };
    let seed = text.parse().context("SEED is no number")?;
    let outcome = world::run(seed, None, &prepared()?)?;
    writeln!(std::io::stderr(), "{}digest {:016x}", outcome.text(), outcome.digest())?;
    verdict(seed, &outcome)
}
