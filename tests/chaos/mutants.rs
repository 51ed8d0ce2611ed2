//! The judge can say no: each seeded fault of the program must be found by the scenario that looks
//! for it, for the reason that was meant, and the same scenario must find nothing without the fault.

use super::{
    kills::{Case, Kill, prepared, run},
    ledger::{Ledger, Stage},
    zombie,
};
use crate::harness::Binary;
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;

/// A killed server keeps nothing of what it said too early; such a moment may be missed.
const TRIES: usize = 8;

struct Mutant {
    name: &'static str,
    kill: Kill,
    /// One of these is in what the judge says.
    found: &'static [&'static str],
}

fn mutants() -> Vec<Mutant> {
    let within = |pass| Kill::Point { name: "A4", pass, stage: Stage::Within };
    vec![
        Mutant {
            name: "ack-before-commit",
            kill: Kill::Acknowledged,
            found: &["an acknowledged message is there 0 times"],
        },
        Mutant {
            name: "no-idempotency",
            kill: Kill::Point { name: "C2", pass: 1, stage: Stage::Before },
            found: &["the same key again is answered 409"],
        },
        Mutant {
            name: "no-replay",
            kill: within(20),
            found: &["the epoch changes", "shown text vanishes", "does not connect"],
        },
        Mutant { name: "resume-off-by-one", kill: within(20), found: &["the stream does not connect"] },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_seeded_fault_is_found() -> Result<()> {
    try_join_all(mutants().into_iter().map(|mutant| async move {
        let name = mutant.name;
        is_found(mutant).await.with_context(|| name)
    }))
    .await?;
    let ledger = zombie::run("no-fence").await.context("no-fence")?;
    says(&ledger, &["text differs", "does not connect"]).context("no-fence")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_seeded_fault_nothing_is_found() -> Result<()> {
    let controls = mutants().into_iter().map(|mutant| async move {
        let (mut server, client) = prepared(Binary::Failpoints).await?;
        let mut ledger = Ledger::default();
        run(&mut server, &client, &case(&mutant, 0), "", &mut ledger).await?;
        ledger.close(&mut server).await?;
        ledger.verdict().context(mutant.name)
    });
    try_join_all(controls).await?;
    Ok(())
}

/// Its reader also drops connections of its own accord, so that it comes back in the middle.
fn case(mutant: &Mutant, seed: usize) -> Case {
    let script = json!({"tokens": 60, "delay_ms": 12, "seed": seed + 7, "style": "named"});
    Case { model: "continues", kill: mutant.kill.clone(), script, breaks: Some(4) }
}

async fn is_found(mutant: Mutant) -> Result<()> {
    let (mut server, client) = prepared(Binary::Failpoints).await?;
    let mut last = Ledger::default();
    for seed in 0..TRIES {
        if server.pid().is_ok() {
            server.kill().await?;
        }
        let mut ledger = Ledger::default();
        // what the fault leaves behind may keep the rest of the scenario from its end
        let ended = run(&mut server, &client, &case(&mutant, seed), mutant.name, &mut ledger).await;
        if says(&ledger, mutant.found).is_ok() {
            return Ok(());
        }
        if let Err(why) = ended {
            ledger.broken(format!("(not judged to its end: {why:#})"));
        }
        last = ledger;
    }
    says(&last, mutant.found)
}

fn says(ledger: &Ledger, words: &[&str]) -> Result<()> {
    let said = |word: &&str| ledger.violations.iter().any(|why| why.contains(*word));
    ensure!(words.iter().any(said), "none of {words:?} in what was found: {:?}", ledger.violations);
    Ok(())
}
