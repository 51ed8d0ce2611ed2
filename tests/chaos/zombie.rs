//! Two attempts of one reply: the first stalls before its first words reach the stream, the person
//! stops it and goes on, and only then it wakes up, or dies. Nothing of what it says may be seen, and
//! each of the two has one account.

use super::{kills::prepared, ledger::Ledger};
use crate::harness::{Binary, Client, Database, Draft, Sending, Server, TERMINAL, Watch, truth, until};
use anyhow::{Result, ensure};
use serde_json::json;
use std::{fs, path::Path, time::Duration};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_wakes_up_late_says_nothing() -> Result<()> {
    let ledger = run("").await?;
    ledger.verdict()
}

pub async fn run(mutant: &str) -> Result<Ledger> {
    let (mut server, client) = prepared(Binary::Failpoints).await?;
    let draft = Draft::new("continues", &json!({"tokens": 60, "delay_ms": 15}));
    let awake = server.scratch().join("awake");
    let sent = continued_over_a_stall(&mut server, &client, &draft, &awake, mutant).await?;
    let watch = Watch::begin(&client, sent.reply, None);
    watch.shows(20, TERMINAL).await?;
    fs::write(&awake, "")?;
    let mut ledger = Ledger::default();
    judge(&mut ledger, &client, &draft, &sent, watch).await?;
    ledger.close(&mut server).await?;
    Ok(ledger)
}

/// At the next start the lease of the first attempt is open, and somebody has asked for the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_dies_before_its_account_has_one() -> Result<()> {
    let (mut server, client) = prepared(Binary::Failpoints).await?;
    let mut ledger = Ledger::default();
    for round in 0..6 {
        let draft = Draft::new("continues", &json!({"tokens": 40, "delay_ms": 5, "seed": round}));
        let awake = server.scratch().join(format!("awake-{round}"));
        let sent = continued_over_a_stall(&mut server, &client, &draft, &awake, "").await?;
        // before and after the worker has heard that somebody goes on
        tokio::time::sleep(Duration::from_millis(round * 300)).await;
        server.kill().await?;
        ledger.kills += 1;
        server.again(&[]).await?;
        let watch = Watch::begin(&client, sent.reply, None);
        judge(&mut ledger, &client, &draft, &sent, watch).await?;
        Database::settled(&server).await?;
        server.stop().await?;
    }
    server.again(&[]).await?;
    ledger.close(&mut server).await?;
    ledger.verdict()
}

/// Starts the stopped server, lets the first attempt stall until `awake` exists, stops it and goes on.
async fn continued_over_a_stall(
    server: &mut Server,
    client: &Client,
    draft: &Draft,
    awake: &Path,
    mutant: &str,
) -> Result<Sending> {
    let stall = [
        ("TAIFAS_PAUSE", "mark-streaming,append"),
        ("TAIFAS_PAUSE_UNTIL", awake.to_str().unwrap_or_default()),
        ("TAIFAS_MUTANT", mutant),
    ];
    server.again(&stall).await?;
    let sent = client.send(draft).await?;
    // its stream is open and empty: the first attempt is where it stalls
    let asleep = awake.with_extension("append");
    until("the first attempt stalls", TERMINAL, async || Ok(asleep.exists().then_some(()))).await?;
    let stopped = client.stop(sent.reply).await?;
    ensure!(stopped["state"] == "stopped", "a queued reply stops at once: {stopped}");
    let continued = client.go_on(sent.reply).await?;
    ensure!(continued["attempt"] == 2, "{continued}");
    Ok(sent)
}

async fn judge(ledger: &mut Ledger, client: &Client, draft: &Draft, sent: &Sending, watch: Watch) -> Result<()> {
    let seen = watch.done(TERMINAL).await?;
    let truth = truth(draft.text(), sent.reply)?;
    let stored = client.stored(sent.chat, sent.reply).await?;
    ledger.violations.extend(seen.violations);
    ledger.must(seen.text == truth, || format!("the shown text differs: {:?}", seen.text));
    ledger.must(truth.is_in(&stored["text"]), || format!("the stored text differs: {stored}"));
    ledger.must(stored["state"] == "complete", || format!("it is not complete: {stored}"));
    ledger.ended.push((sent.reply, 2));
    Ok(())
}
