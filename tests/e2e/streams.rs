//! Live streams: from the question to the stored answer, and every way of coming back.

use crate::harness::{Client, Draft, Event, Sending, Sse, TERMINAL, Watch, ready, truth, until};
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const QUIET: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_question_is_answered_and_the_answer_is_stored() -> Result<()> {
    let (server, owner) = ready(&[]).await?;
    for style in ["words", "markdown", "named"] {
        let draft = Draft::new("continues", &json!({"tokens": 80, "delay_ms": 2, "style": style}));
        let sent = owner.send(&draft).await?;
        ensure!(
            sent.body["reply"]["state"] == "queued" && sent.body["message"]["text"] == draft.body["text"],
            "{}",
            sent.body
        );
        let watches: Vec<_> = [None, Some(3), Some(10)].map(|breaks| Watch::begin(&owner, sent.reply, breaks)).into();
        let truth = truth(draft.text(), sent.reply)?;
        for seen in try_join_all(watches.into_iter().map(|watch| watch.done(TERMINAL))).await? {
            ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
            ensure!(seen.text == truth, "shown: {:?}", seen.text);
            let done = seen.done.context("done")?;
            ensure!(
                done["state"] == "complete" && done["reason"].is_null() && done["finished_at"].is_string(),
                "{done}"
            );
        }
        let stored = owner.stored(sent.chat, sent.reply).await?;
        ensure!(truth.is_in(&stored["text"]) && stored["state"] == "complete", "{stored}");
        let question = owner.stored(sent.chat, sent.message).await?;
        ensure!(question["text"] == draft.body["text"], "{question}");
        ensure!(owner.open(sent.chat).await?["chat"]["running"] == false);
    }
    ensure!(server.log_faults().is_empty(), "{:?}", server.log_faults());
    Ok(())
}

#[tokio::test]
async fn the_answer_can_come_on_the_same_request() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 30, "delay_ms": 3}));
    let request = owner.request(Method::POST, &format!("/api/v1/chats/{}/messages", draft.chat));
    let request = request.header("Idempotency-Key", &draft.key).header("Accept", "text/event-stream").json(&draft.body);
    let response = request.send().await?;
    ensure!(response.status() == 202, "{}", response.status());
    let events = Sse::new(response).collect(TERMINAL).await?;
    let first = events.first().context("no event")?;
    ensure!(first.kind == "sent" && first.id.is_none(), "{first:?}");
    let sent = Sending::read(first.data.clone())?;
    let text: String = events[1..].iter().map(Event::text).collect();
    ensure!(text == truth(draft.text(), sent.reply)?, "{text:?}");
    ensure!(events.last().is_some_and(|last| last.kind == "done" && last.data["state"] == "complete"), "{events:?}");
    Ok(())
}

/// A reply that has said something and then stands still.
async fn standing(owner: &Client) -> Result<(Sending, Vec<Event>, String)> {
    let draft = Draft::new("continues", &json!({"tokens": 40, "delay_ms": 4, "hang_after": 24, "hang_attempts": 9}));
    let sent = owner.send(&draft).await?;
    let shown: String = truth_tokens(&draft)?[..24].concat();
    let watch = Watch::begin(owner, sent.reply, None);
    let seen = watch.shows(shown.chars().count(), TERMINAL).await?;
    ensure!(seen.text == shown, "{:?}", seen.text);
    let epoch = seen.epoch.context("an epoch")?;
    // behind nothing is everything, entry by entry
    let all = owner.read(sent.reply, Some(&format!("{epoch}-none")), QUIET).await?;
    ensure!(all.len() > 10 && all.iter().all(|event| event.kind == "text"), "{all:?}");
    for (seq, event) in all.iter().enumerate() {
        ensure!(event.position()? == Some((epoch.clone(), i64::try_from(seq)?)), "{event:?} at {seq}");
    }
    ensure!(all.iter().map(Event::text).collect::<String>() == shown);
    Ok((sent, all, epoch))
}

fn truth_tokens(draft: &Draft) -> Result<Vec<String>> {
    let script = ai::providers::scripted::Script::in_text(draft.text()).map_err(|fault| anyhow::anyhow!(fault))?;
    Ok(ai::providers::scripted::script_text(&script))
}

#[tokio::test]
async fn coming_back_brings_exactly_the_rest() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let (sent, all, epoch) = standing(&owner).await?;
    let reads = (0..all.len()).map(|seq| {
        let (owner, epoch, rest) = (&owner, &epoch, &all[seq + 1..]);
        async move {
            let got = owner.read(sent.reply, Some(&format!("{epoch}-{seq}")), QUIET).await?;
            ensure!(got == rest, "behind {seq}: {got:?}");
            Ok(())
        }
    });
    stream::iter(reads).buffer_unordered(8).try_collect::<Vec<()>>().await?;
    owner.stop(sent.reply).await?;
    Ok(())
}

#[tokio::test]
async fn a_place_that_does_not_exist_brings_a_snapshot() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let (sent, all, epoch) = standing(&owner).await?;
    let shown: String = all.iter().map(Event::text).collect();
    let last = all.len() - 1;
    let other = format!("{:x}", u64::from_str_radix(&epoch, 16)? ^ 1);
    let places = [
        format!("{epoch}-{}", last + 1),
        format!("{epoch}-{}", last + 1000),
        format!("{epoch}-{}", i64::MAX),
        format!("{epoch}-{}", u64::MAX),
        format!("{epoch}--5"),
        format!("{epoch}-"),
        format!("{other}-3"),
        format!("{other}-none"),
        "nonsense".into(),
        "-".into(),
        "ffffffffffffffffffff-1".into(),
        "0".repeat(2000),
    ];
    for place in places {
        let got = owner.read(sent.reply, Some(&place), QUIET).await?;
        let [snapshot] = got.as_slice() else { anyhow::bail!("{place}: one snapshot expected: {got:?}") };
        ensure!(snapshot.kind == "snapshot" && snapshot.text() == shown, "{place}: {snapshot:?}");
        ensure!(snapshot.position()? == Some((epoch.clone(), i64::try_from(last)?)), "{place}: {snapshot:?}");
    }
    owner.stop(sent.reply).await?;
    Ok(())
}

/// After a power cut nothing may be left of a stream: the place says so, also before the first new word.
#[tokio::test]
async fn a_place_of_before_is_answered_with_the_new_one_at_once() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 5, "first_delay_ms": 3000}));
    let sent = owner.send(&draft).await?;
    let got = owner.read(sent.reply, Some("1-3"), QUIET).await?;
    let [snapshot] = got.as_slice() else { anyhow::bail!("one snapshot expected: {got:?}") };
    let epoch = snapshot.id.as_deref().and_then(|id| id.strip_suffix("-none")).context("a place without an entry")?;
    ensure!(snapshot.kind == "snapshot" && snapshot.text().is_empty(), "{snapshot:?}");
    let rest = owner.read(sent.reply, Some(&format!("{epoch}-none")), TERMINAL).await?;
    let text: String = rest.iter().map(Event::text).collect();
    ensure!(text == truth(draft.text(), sent.reply)?, "{rest:?}");
    Ok(())
}

#[tokio::test]
async fn a_stored_answer_is_one_snapshot_and_its_end() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 20, "delay_ms": 1}));
    let sent = owner.send(&draft).await?;
    let seen = Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    let truth = truth(draft.text(), sent.reply)?;
    for restarted in [false, true] {
        for last in [None, seen.last_id.as_deref(), Some("1-1"), Some("x")] {
            let events = owner.read(sent.reply, last, TERMINAL).await?;
            let [snapshot, done] = events.as_slice() else { anyhow::bail!("{last:?}, {restarted}: {events:?}") };
            ensure!(
                snapshot.kind == "snapshot" && *snapshot.text() == truth && snapshot.data["state"] == "complete",
                "{snapshot:?}"
            );
            ensure!(done.kind == "done" && done.data["state"] == "complete", "{done:?}");
        }
        server.kill().await?;
        server.again(&[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_long_answer_arrives_whole() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 20_000, "delay_ms": 0, "style": "markdown"}));
    let sent = owner.send(&draft).await?;
    let truth = truth(draft.text(), sent.reply)?;
    let watches = [None, Some(40)].map(|breaks| Watch::begin(&owner, sent.reply, breaks));
    for watch in watches {
        let seen = watch.done(Duration::from_secs(40)).await?;
        ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
        ensure!(seen.text == truth, "{} bytes", seen.text.len());
    }
    ensure!(truth.is_in(&owner.stored(sent.chat, sent.reply).await?["text"]));
    Ok(())
}

#[tokio::test]
async fn readers_are_told_to_come_again_when_the_server_ends() -> Result<()> {
    let (mut server, owner) = ready(&[("TAIFAS__DRAIN_SECONDS", "5")]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 120, "delay_ms": 15}));
    let sent = owner.send(&draft).await?;
    let watch = Watch::begin(&owner, sent.reply, None);
    watch.shows(40, TERMINAL).await?;
    let (_, mut reader) = owner.stream(sent.reply, None).await?;
    server.stop().await?;
    let told = reader.collect(QUIET).await?;
    ensure!(told.last().is_some_and(|last| last.kind == "reconnect"), "{told:?}");
    server.again(&[]).await?;
    let seen = watch.done(TERMINAL).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.text == truth(draft.text(), sent.reply)?, "{:?}", seen.text);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_reconnects_lose_nothing_and_leave_nothing() -> Result<()> {
    let (server, owner) = ready(&[("TAIFAS__GATEWAY__STREAMS_PER_PERSON", "100000")]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 80, "delay_ms": 50, "style": "named"}));
    let sent = owner.send(&draft).await?;
    let before = server.descriptors()?;
    // each reads two events and is gone again
    let watches: Vec<_> = (0..60).map(|_| Watch::begin(&owner, sent.reply, Some(2))).collect();
    let (truth, mut connections) = (truth(draft.text(), sent.reply)?, 0);
    for watch in watches {
        let seen = watch.done(4 * TERMINAL).await?;
        ensure!(seen.violations.is_empty() && seen.text == truth, "{:?} {:?}", seen.violations, seen.text);
        connections += seen.connections;
    }
    ensure!(connections >= 2000, "only {connections} connections");
    until("connections are closed", TERMINAL, async || Ok((server.descriptors()? <= before + 16).then_some(())))
        .await?;
    Ok(())
}
