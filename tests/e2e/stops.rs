//! Stop and Continue.

use crate::harness::{Client, Database, Draft, Seen, Sending, TERMINAL, Watch, ready, silent_provider, truth, until};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Sooner than by asking now and then, on a busy machine too.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Stops a reply once it shows something, and judges how.
async fn stopped(owner: &Client, draft: &Draft) -> Result<(Sending, Seen)> {
    let sent = owner.send(draft).await?;
    let watch = Watch::begin(owner, sent.reply, None);
    watch.shows(30, TERMINAL).await?;
    let start = Instant::now();
    owner.stop(sent.reply).await?;
    let seen = watch.done(TERMINAL).await?;
    ensure!(start.elapsed() < AT_ONCE, "the stop takes {:?}", start.elapsed());
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.done.as_ref().is_some_and(|done| done["state"] == "stopped"), "{:?}", seen.done);
    let stored = owner.stored(sent.chat, sent.reply).await?;
    ensure!(stored["state"] == "stopped" && stored["text"] == json!(seen.text), "{stored} / {:?}", seen.text);
    ensure!(truth(draft.text(), sent.reply)?.starts_with(&seen.text) && !seen.text.is_empty(), "{:?}", seen.text);
    Ok((sent, seen))
}

/// Goes on, and answers what was seen at the end. The first word must not let the person wait.
async fn completed(owner: &Client, draft: &Draft, sent: &Sending, before: Seen) -> Result<Seen> {
    let shown = before.text.chars().count();
    let continued = owner.go_on(sent.reply).await?;
    ensure!(continued["id"] == json!(sent.reply), "another reply: {continued}");
    let start = Instant::now();
    let watch = Watch::go_on(owner, sent.reply, None, before);
    watch.shows(shown + 1, TERMINAL).await?;
    ensure!(start.elapsed() < Duration::from_secs(2), "the first word takes {:?}", start.elapsed());
    let seen = watch.done(TERMINAL).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.done.as_ref().is_some_and(|done| done["state"] == "complete"), "{:?}", seen.done);
    ensure!(seen.text == truth(draft.text(), sent.reply)?, "{:?}", seen.text);
    let stored = owner.stored(sent.chat, sent.reply).await?;
    ensure!(stored["text"] == json!(seen.text), "{stored}");
    Ok(seen)
}

#[tokio::test]
async fn a_stop_keeps_what_was_shown_and_the_chat_goes_on() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 2000, "delay_ms": 10}));
    let (sent, seen) = stopped(&owner, &draft).await?;
    // again, and again: it stays as it ended
    let again = owner.stop(sent.reply).await?;
    ensure!(again["state"] == "stopped" && again["text"] == json!(seen.text), "{again}");
    let next = Draft::of(sent.chat, Some(sent.reply), "And now?", "continues");
    let next_sent = owner.send(&next).await?;
    let seen = Watch::begin(&owner, next_sent.reply, None).done(TERMINAL).await?;
    ensure!(seen.text == truth(next.text(), next_sent.reply)?, "{:?}", seen.text);
    // a complete answer has nothing to stop and nothing to go on with
    ensure!(owner.stop(next_sent.reply).await?["state"] == "complete");
    let path = format!("/api/v1/replies/{}/continue", next_sent.reply);
    owner.post(&path, &json!({})).await?.problem(409, "conflict")?;
    // nor has one that newer messages follow
    let path = format!("/api/v1/replies/{}/continue", sent.reply);
    owner.post(&path, &json!({})).await?.problem(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn a_stop_reaches_a_provider_that_fell_silent() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    stopped(&owner, &Draft::new("cannot", &json!({"tokens": 60, "delay_ms": 1, "hang_after": 30}))).await?;
    Ok(())
}

#[tokio::test]
async fn a_stop_reaches_a_provider_that_has_not_begun() -> Result<()> {
    let url = silent_provider().await?;
    let (_server, owner) = ready(&[("TAIFAS__AI__OPENAI_BASE_URL", &url)]).await?;
    let sent = owner.send(&Draft::of(uuid::Uuid::now_v7(), None, "Hello?", "openai/quiet")).await?;
    until("it streams", TERMINAL, async || {
        Ok((owner.stored(sent.chat, sent.reply).await?["state"] == "streaming").then_some(()))
    })
    .await?;
    let watch = Watch::begin(&owner, sent.reply, None);
    let start = Instant::now();
    owner.stop(sent.reply).await?;
    let seen = watch.done(TERMINAL).await?;
    ensure!(start.elapsed() < AT_ONCE, "the stop takes {:?}", start.elapsed());
    ensure!(seen.done.as_ref().is_some_and(|done| done["state"] == "stopped"), "{:?}", seen.done);
    Ok(())
}

#[tokio::test]
async fn a_model_that_may_be_loading_is_said_and_moves_no_position() -> Result<()> {
    let url = silent_provider().await?;
    let settings = [("TAIFAS__AI__OPENAI_BASE_URL", url.as_str()), ("TAIFAS__AI__FIRST_BYTE_SECONDS", "120")];
    let (_server, owner) = ready(&settings).await?;
    let sent = owner.send(&Draft::of(uuid::Uuid::now_v7(), None, "Hello?", "openai/quiet")).await?;
    let told = async |last: Option<&str>| {
        let (status, mut stream) = owner.stream(sent.reply, last).await?;
        ensure!(status == 200, "{status}");
        let mut placed = None;
        while let Some(event) = stream.next(TERMINAL).await? {
            if event.kind == "state" {
                ensure!(event.data == json!({"state": "streaming", "attempt": 1, "loading": true}), "{}", event.data);
                ensure!(event.id.is_none(), "it moves the position: {event:?}");
                return placed.context("nothing before it has an id");
            }
            ensure!(["snapshot", "end"].contains(&event.kind.as_str()), "{event:?}");
            placed = event.id.or(placed);
        }
        bail!("the stream ends without it")
    };
    // who was there from the beginning, and who comes later
    let first = told(None).await?;
    let later = told(None).await?;
    ensure!(first == later, "{first} is not {later}");
    // a stop is heard all the same, behind that position
    owner.stop(sent.reply).await?;
    let rest = owner.read(sent.reply, Some(&first), TERMINAL).await?;
    let done = rest.last().context("nothing follows")?;
    ensure!(done.kind == "done" && done.data["state"] == "stopped", "{rest:?}");
    Ok(())
}

#[tokio::test]
async fn a_queued_answer_is_stopped_and_asked_for_again() -> Result<()> {
    // one answer at a time: the second one waits
    let (mut server, owner) = ready(&[("TAIFAS__AI__PARALLEL", "1")]).await?;
    let first = owner.send(&Draft::new("continues", &json!({"tokens": 400, "delay_ms": 10}))).await?;
    let first_watch = Watch::begin(&owner, first.reply, None);
    first_watch.shows(10, TERMINAL).await?;
    let draft = Draft::new("continues", &json!({"tokens": 30, "delay_ms": 5}));
    let second = owner.send(&draft).await?;
    let watch = Watch::begin(&owner, second.reply, None);
    let stopped = owner.stop(second.reply).await?;
    ensure!(stopped["state"] == "stopped" && stopped["text"] == "", "{stopped}");
    let seen = watch.done(Duration::from_secs(12)).await?;
    ensure!(seen.text.is_empty() && seen.done.is_some_and(|done| done["state"] == "stopped"));
    owner.stop(first.reply).await?;
    first_watch.done(TERMINAL).await?;
    completed(&owner, &draft, &second, Seen::default()).await?;
    Database::settled(&server).await?;
    server.stop().await?;
    ensure!(Database::open(&server)?.open_leases()? == 0, "a lease is left");
    Ok(())
}

#[tokio::test]
async fn a_stopped_answer_goes_on_where_it_was() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let mut ended = Vec::new();
    for (model, marked) in [("continues", false), ("asks", true), ("cannot", true)] {
        let draft = Draft::new(model, &json!({"tokens": 60, "delay_ms": 12}));
        let (sent, seen) = stopped(&owner, &draft).await?;
        let at = seen.text.chars().count() as u64;
        let seen = completed(&owner, &draft, &sent, seen).await?;
        ensure!(seen.marks == if marked { vec![at] } else { vec![] }, "{model}: {:?}, stopped at {at}", seen.marks);
        ended.push((sent.reply, 2));
    }
    Database::settled(&server).await?;
    server.stop().await?;
    let database = Database::open(&server)?;
    for (reply, ends) in ended {
        let accounted = database.accounted(reply)?;
        ensure!(accounted.len() == ends && accounted.values().all(|count| *count == 1), "{accounted:?}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_stops_and_goes_on_again_and_again_loses_nothing() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 200, "delay_ms": 6, "style": "named"}));
    let sent = owner.send(&draft).await?;
    let mut seen = Seen::default();
    for round in 0..6 {
        let start = Instant::now();
        let shown = seen.text.chars().count();
        let watch = Watch::go_on(&owner, sent.reply, None, seen);
        watch.shows(shown + 40, TERMINAL).await?;
        ensure!(start.elapsed() < Duration::from_secs(3), "round {round}: the next words take {:?}", start.elapsed());
        owner.stop(sent.reply).await?;
        seen = watch.done(TERMINAL).await?;
        ensure!(seen.violations.is_empty(), "round {round}: {:?}", seen.violations);
        // at once, before anything of the last attempt has been tidied up
        owner.go_on(sent.reply).await?;
    }
    let seen = Watch::go_on(&owner, sent.reply, None, seen).done(TERMINAL).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.text == truth(draft.text(), sent.reply)?, "{:?}", seen.text);
    Database::settled(&server).await?;
    server.stop().await?;
    let database = Database::open(&server)?;
    let accounted = database.accounted(sent.reply)?;
    ensure!(accounted.len() == 7 && accounted.values().all(|count| *count == 1), "{accounted:?}");
    ensure!(database.open_leases()? == 0, "a lease is left");
    Ok(())
}

#[tokio::test]
async fn failed_and_interrupted_answers_go_on_too() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    // nothing was shown and trying again would not help: it failed
    let script = json!({"tokens": 30, "delay_ms": 2, "error_after": 0, "error": "refused_key"});
    // shown, and the model cannot go on by itself: it is interrupted
    let cut = json!({"tokens": 30, "delay_ms": 2, "cut_after": 12});
    for (model, script, state, code) in
        [("continues", script, "failed", "refused_key"), ("cannot", cut, "interrupted", "cut")]
    {
        let draft = Draft::new(model, &script);
        let sent = owner.send(&draft).await?;
        let seen = Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
        let done: Value = seen.done.clone().context("done")?;
        ensure!(done["state"] == state && done["reason"]["code"] == code, "{done}");
        completed(&owner, &draft, &sent, seen).await?;
    }
    Ok(())
}

/// Whoever comes when a long answer that was stopped and gone on with has ended is shown all of it: the end of
/// its first attempt, which is kept as well, is none.
#[tokio::test]
async fn an_answer_that_went_on_after_a_stop_is_shown_whole_to_who_comes_late() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 600, "delay_ms": 4, "style": "named"}));
    let sent = owner.send(&draft).await?;
    let watch = Watch::begin(&owner, sent.reply, None);
    watch.shows(2_000, TERMINAL).await?;
    owner.stop(sent.reply).await?;
    watch.done(TERMINAL).await?;
    owner.go_on(sent.reply).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    let late = Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    ensure!(late.violations.is_empty(), "{:?}", late.violations);
    ensure!(late.text == truth(draft.text(), sent.reply)?, "only {} bytes are shown", late.text.len());
    Ok(())
}
