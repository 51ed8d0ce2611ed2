//! `kill -9` of the shipped program at random moments, some of them during the takeover after the
//! last one. The moments come from a seed that a failure names; `TAIFAS_SEED` repeats it.

use super::{
    dice::Dice,
    kills::{Case, Kill, MODELS, prepared, run},
    ledger::Ledger,
};
use crate::harness::Binary;
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CASES: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_breaks_whenever_it_dies() -> Result<()> {
    let seed = match std::env::var("TAIFAS_SEED") {
        Ok(seed) => seed.parse()?,
        Err(_) => u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?,
    };
    let runs = MODELS.into_iter().zip(seed..).map(|(model, seed)| run_model(model, seed));
    let kills = try_join_all(runs).await.with_context(|| format!("TAIFAS_SEED={seed}"))?;
    ensure!(kills.iter().sum::<usize>() >= 3 * CASES, "{kills:?} kills");
    Ok(())
}

async fn run_model(model: &'static str, seed: u64) -> Result<usize> {
    let (mut server, client) = prepared(Binary::Shipped).await?;
    let (mut ledger, mut dice) = (Ledger::default(), Dice::new(seed));
    for number in 0..CASES {
        if server.pid().is_ok() {
            server.kill().await?;
        }
        let mut moments = vec![Duration::from_millis(dice.roll(600))];
        if dice.roll(3) == 0 {
            moments.push(Duration::from_millis(dice.roll(120)));
        }
        let case = Case::new(model, Kill::After(moments), number);
        run(&mut server, &client, &case, "", &mut ledger)
            .await
            .with_context(|| format!("{case:?}: {}", server.log_end()))?;
    }
    ledger.close(&mut server).await?;
    ledger.verdict()?;
    Ok(ledger.kills)
}
