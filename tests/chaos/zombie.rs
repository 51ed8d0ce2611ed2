//! Two attempts of one reply: the first stalls before its first words reach the stream, the person
//! stops it and goes on, and only then it wakes up. Nothing of what it says may be seen.

use super::{kills::prepared, ledger::Ledger};
use crate::harness::{Binary, Draft, TERMINAL, Watch, truth, until};
use anyhow::{Result, ensure};
use serde_json::json;
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_wakes_up_late_says_nothing() -> Result<()> {
    let ledger = run("").await?;
    ledger.verdict()
}

pub async fn run(mutant: &str) -> Result<Ledger> {
    let (mut server, client) = prepared(Binary::Failpoints).await?;
    let awake = server.scratch().join("awake");
    let stall = [
        ("TAIFAS_PAUSE", "mark-streaming,append"),
        ("TAIFAS_PAUSE_UNTIL", awake.to_str().unwrap_or_default()),
        ("TAIFAS_MUTANT", mutant),
    ];
    server.again(&stall).await?;
    let mut ledger = Ledger::default();
    let draft = Draft::new("continues", &json!({"tokens": 60, "delay_ms": 15}));
    let sent = client.send(&draft).await?;
    // its stream is open and empty: the first attempt is where it stalls
    let asleep = awake.with_extension("append");
    until("the first attempt stalls", TERMINAL, async || Ok(asleep.exists().then_some(()))).await?;
    let stopped = client.stop(sent.reply).await?;
    ensure!(stopped["state"] == "stopped", "a queued reply stops at once: {stopped}");
    let continued = client.go_on(sent.reply).await?;
    ensure!(continued["attempt"] == 2, "{continued}");
    let watch = Watch::begin(&client, sent.reply, None);
    watch.shows(20, TERMINAL).await?;
    fs::write(&awake, "")?;
    let seen = watch.done(TERMINAL).await?;
    let truth = truth(draft.text(), sent.reply)?;
    let stored = client.stored(sent.chat, sent.reply).await?;
    ledger.violations.extend(seen.violations);
    ledger.must(seen.text == truth, || format!("the shown text differs: {:?}", seen.text));
    ledger.must(truth.is_in(&stored["text"]), || format!("the stored text differs: {stored}"));
    ledger.must(stored["state"] == "complete", || format!("it is not complete: {stored}"));
    ledger.close(&mut server).await?;
    Ok(ledger)
}
