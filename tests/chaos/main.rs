//! `make chaos`: the long run of the crash suite, with its scorecard; `make chaos-mutants`: every seeded
//! fault; `make soak`: load for long. All are bounded in time and say their seed.

#![allow(clippy::print_stdout, reason = "a report for whoever runs it")]

#[allow(dead_code, unused_imports, reason = "the short suite lies in the same files")]
#[path = "mod.rs"]
mod chaos;
#[path = "../e2e"]
#[allow(dead_code, unused_imports, reason = "the stories of the program use more of it")]
mod e2e {
    pub mod archive;
    pub mod commands;
    pub mod drill;
    pub mod harness;
    pub mod upgrade;
}
mod loads;
mod overload;
mod run;
mod scorecard;
mod soak;
mod sums;

use anyhow::{Context as _, Result, bail, ensure};
use chaos::mutants;
use e2e::{archive, commands, drill, harness, upgrade};
use futures_util::{StreamExt as _, stream};
use std::time::Instant;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => runtime.block_on(run::chaos()),
        ["loads"] => runtime.block_on(loads::alone(None)),
        ["loads", fault] => runtime.block_on(loads::alone(Some(fault))),
        ["mutants"] => runtime.block_on(mutants_found()).and_then(|(found, all)| {
            ensure!(found == all, "{} seeded faults are not found", all - found);
            Ok(())
        }),
        ["soak"] => runtime.block_on(run::soak()),
        ["power"] => runtime.block_on(run::power()),
        _ => bail!("nothing, `loads`, `mutants`, `soak` or `power` is expected, not {arguments:?}"),
    }
}

fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text} is no number")),
        Err(_) => Ok(default),
    }
}

/// Every seeded fault, one after the other in twos: how many were found, of how many.
async fn mutants_found() -> Result<(usize, usize)> {
    let all = mutants::mutants();
    let found: Vec<bool> = stream::iter(&all)
        .map(|mutant| async move {
            let start = Instant::now();
            let found = mutants::find(mutant).await;
            let said = found.as_ref().map_or_else(|why| format!("SURVIVES: {why:#}"), |()| "found".into());
            println!("{:<24} {said} ({:.1} s)", mutant.name, start.elapsed().as_secs_f64());
            found.is_ok()
        })
        .buffer_unordered(2)
        .collect()
        .await;
    let found = found.into_iter().filter(|found| *found).count();
    println!("{found} of {} seeded faults are found", all.len());
    Ok((found, all.len()))
}
