//! The judge can say no: each seeded fault of the program must be found by the scenario that looks
//! for it, for the reason that was meant, and the same scenario must find nothing without the fault.

use super::{
    crowd::{Crowd, Fate},
    dice::Dice,
    kills::{Case, Kill, prepared, run},
    ledger::{Ledger, Stage},
    platter, power, zombie,
};
use crate::harness::Binary;
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use serde_json::json;
use std::{io::Write as _, time::Duration};

/// A killed server keeps nothing of what it said too early; such a moment may be missed.
const TRIES: usize = 8;

/// A seeded fault.
#[derive(Clone)]
pub struct Mutant {
    pub name: &'static str,
    how: How,
    /// One of these is in what the judge says.
    found: &'static [&'static str],
}

/// The scenario that looks for it.
#[derive(Clone)]
enum How {
    /// One message and one kill.
    Case(Kill),
    /// An attempt that wakes up late.
    Zombie,
    /// Several people, and a point that is passed about so often; none for a round without a kill.
    Crowd(Option<(&'static str, u64)>),
    /// Several people, and the power goes.
    Power,
    /// A disk that does not sync, and then the power goes.
    Sync,
}

pub fn mutants() -> Vec<Mutant> {
    let mutant = |name, how, found| Mutant { name, how, found };
    let within = |pass| How::Case(Kill::Point { name: "A4", pass, stage: Stage::Within });
    let stored = How::Case(Kill::Point { name: "C2", pass: 1, stage: Stage::Before });
    let acknowledged = How::Case(Kill::Acknowledged);
    let mut mutants = vec![
        mutant("ack-before-commit", acknowledged, &["an acknowledged message is there 0 times"]),
        mutant("no-idempotency", stored, &["the same key again is answered 409"]),
        mutant("no-replay", within(20), &["the epoch changes", "shown text vanishes", "does not connect"]),
        mutant("resume-off-by-one", within(20), &["the stream does not connect"]),
        mutant("no-fence", How::Zombie, &["text differs", "does not connect"]),
        mutant("from-zero", within(20), &["the text differs"]),
        mutant("no-inbox", How::Crowd(Some(("Y1", 5))), &["are counted as"]),
        mutant("search-ignores-trash", How::Crowd(None), &["a deleted chat is found"]),
        mutant("stale-version", How::Crowd(None), &["a stale version is answered 200"]),
        mutant("cache-without-person", How::Crowd(None), &["chats of somebody else are listed"]),
        mutant("cursor-first", How::Crowd(Some(("R1.message.sent", 8))), &["no end of the reply"]),
    ];
    if platter::possible() {
        let seen = &["is stored 0 times", "answered differently", "was shown", "is damaged"];
        mutants.push(mutant("no-sync", How::Power, seen));
        let seen = &["an acknowledged message is there 0 times", "no end of the reply"];
        mutants.push(mutant("log-as-it-was", How::Sync, seen));
    }
    mutants
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_seeded_fault_is_found() -> Result<()> {
    if !platter::possible() {
        writeln!(std::io::stderr(), "SKIPPED seeded faults of the disk: power cuts need root and /dev/fuse")?;
    }
    let found = stream::iter(mutants()).map(|mutant| async move { find(&mutant).await.context(mutant.name) });
    found.buffer_unordered(4).try_collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_seeded_fault_nothing_is_found() -> Result<()> {
    let controls = mutants().into_iter().filter_map(|mutant| match mutant.how {
        How::Case(kill) => Some((mutant.name, kill)),
        // the zombie, and the crowd at every point, are tests of their own
        How::Zombie | How::Crowd(_) | How::Power | How::Sync => None,
    });
    try_join_all(controls.map(|(name, kill)| async move {
        let (mut server, client) = prepared(Binary::Failpoints).await?;
        let mut ledger = Ledger::default();
        run(&mut server, &client, &case(kill, 0), "", &mut ledger).await?;
        ledger.close(&mut server).await?;
        ledger.verdict().context(name)
    }))
    .await?;
    Ok(())
}

/// Its reader also drops connections of its own accord, so that it comes back in the middle.
fn case(kill: Kill, seed: usize) -> Case {
    let script = json!({"tokens": 60, "delay_ms": 12, "seed": seed + 7, "style": "named"});
    Case { model: "continues", kill, script, breaks: Some(4) }
}

/// # Errors
/// When the fault is not found, or not for the reason that was meant.
pub async fn find(mutant: &Mutant) -> Result<()> {
    let says = |ledger: &Ledger| {
        let said = |word: &&str| ledger.violations.iter().any(|why| why.contains(*word));
        let (words, violations) = (mutant.found, &ledger.violations);
        ensure!(words.iter().any(said), "none of {words:?} in what was found: {violations:?}");
        Ok(())
    };
    match &mutant.how {
        How::Zombie => says(&zombie::run(mutant.name).await?),
        How::Case(kill) => one(mutant.name, kill, says).await,
        How::Crowd(point) => many(mutant.name, *point, says).await,
        How::Power => says(&Ledger::of(power::mutant(mutant.name, 3).await?)),
        How::Sync => {
            let ended = power::does_not_sync(Binary::Failpoints, mutant.name, 5, 3).await;
            says(&Ledger::of(ended.err().map(|why| format!("{why:#}"))))
        }
    }
}

async fn one(name: &str, kill: &Kill, says: impl Fn(&Ledger) -> Result<()>) -> Result<()> {
    let (mut server, client) = prepared(Binary::Failpoints).await?;
    let mut last = Ledger::default();
    for seed in 0..TRIES {
        if server.pid().is_ok() {
            server.kill().await?;
        }
        let mut ledger = Ledger::default();
        // what the fault leaves behind may keep the rest of the scenario from its end
        let ended = run(&mut server, &client, &case(kill.clone(), seed), name, &mut ledger).await;
        if says(&ledger).is_ok() {
            return Ok(());
        }
        if let Err(why) = ended {
            ledger.broken(format!("(not judged to its end: {why:#})"));
        }
        last = ledger;
    }
    says(&last)
}

async fn many(name: &'static str, point: Option<(&str, u64)>, says: impl Fn(&Ledger) -> Result<()>) -> Result<()> {
    let (mut dice, mut last) = (Dice::new(7), Ledger::default());
    for _ in 0..TRIES {
        let mut crowd = Crowd::gather(Binary::Failpoints, name).await?;
        crowd.patience = Duration::from_secs(8);
        let fate = match point {
            Some(point) => super::points::fate(point, &mut dice),
            None => Fate::Blows(Vec::new()),
        };
        let ended = crowd.round(&fate, dice.roll(1 << 40)).await;
        if says(&crowd.ledger).is_ok() {
            return Ok(());
        }
        // what the fault leaves behind may keep the rest from its end
        let closed = crowd.ledger.close(&mut crowd.server).await;
        let mut ledger = crowd.ledger;
        if says(&ledger).is_ok() {
            return Ok(());
        }
        for why in [ended.err(), closed.err()].into_iter().flatten() {
            ledger.broken(format!("(not judged to its end: {why:#})"));
        }
        last = ledger;
    }
    says(&last)
}
