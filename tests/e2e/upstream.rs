//! Providers with bad manners (F32 to F34), over real connections: each has its reason, what was said stays,
//! nothing grows without end, a Stop is heard at once, and nobody else notices.

mod rude;

use crate::harness::{Client, Draft, Seen, TERMINAL, Watch, ready, truth, until};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use rude::Rude;
use serde_json::json;
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How soon a Stop is heard, on a busy machine too.
const AT_ONCE: Duration = Duration::from_secs(2);
/// What it may cost, in bytes: some of them send ten megabytes at once, and gigabytes in all.
const MEMORY: u64 = 64 << 20;

/// A way to misbehave, how the answer ends, why, how many words are kept, and how often it was asked at most.
const MANNERS: &[(&str, &str, &str, usize, usize)] = &[
    ("silent", "failed", "timeout", 0, 2),
    ("hangs-2", "interrupted", "timeout", 2, 1),
    ("trickles", "failed", "timeout", 0, 2),
    ("trickles-3", "interrupted", "timeout", 3, 1),
    ("bytes", "complete", "", 0, 1),
    ("cut-0", "failed", "cut", 0, 2),
    ("cut-1", "interrupted", "cut", 1, 1),
    ("cut-50", "interrupted", "cut", 50, 1),
    ("reset-3", "interrupted", "cut", 3, 1),
    ("half-2", "interrupted", "cut", 2, 1),
    ("garbage-2", "interrupted", "malformed", 2, 1),
    ("garbage", "failed", "malformed", 0, 2),
    ("broken-2", "interrupted", "malformed", 2, 1),
    ("line-2", "interrupted", "malformed", 2, 1),
    ("nothttp", "failed", "malformed", 0, 2),
    ("header", "failed", "malformed", 0, 2),
    ("comments-2", "interrupted", "malformed", 2, 1),
    ("page", "failed", "malformed", 0, 2),
    ("redirect", "failed", "provider", 0, 2),
    ("gzip", "failed", "malformed", 0, 2),
    ("deflate", "failed", "malformed", 0, 2),
    ("br", "failed", "malformed", 0, 2),
    ("zstd", "failed", "malformed", 0, 2),
    ("endless", "interrupted", "length", 0, 1),
    ("once-429", "complete", "", 1, 2),
    ("once-529", "complete", "", 1, 2),
    ("later-429", "failed", "rate_limited", 0, 1),
    ("later-503", "failed", "overloaded", 0, 1),
    ("status-429", "failed", "rate_limited", 0, 2),
    ("status-500", "failed", "provider", 0, 2),
    ("status-529", "failed", "overloaded", 0, 2),
    ("status-404", "failed", "not_found", 0, 1),
    ("status-401", "failed", "refused_key", 0, 1),
];
/// Those that send as fast as anybody takes.
const FLOODS: &[&str] = &["line-2", "header", "comments-2", "endless"];
/// They go on for as long as anybody listens.
const PATIENT: &[&str] = &["silent", "hangs-2", "trickles", "comes", "comes-2", "endless"];

async fn ask(owner: &Client, model: &str) -> Result<(Uuid, Uuid, Watch)> {
    let draft = Draft::of(Uuid::now_v7(), None, "Hello?", model);
    let sent = owner.send(&draft).await.with_context(|| model.to_owned())?;
    Ok((sent.chat, sent.reply, Watch::begin(owner, sent.reply, None)))
}

/// How the answer of one of them ends.
async fn end(
    owner: &Client,
    rude: &Rude,
    (model, state, code, words, times): &(&str, &str, &str, usize, usize),
) -> Result<()> {
    let (chat, reply, watch) = ask(owner, &format!("{model}/{model}")).await?;
    let seen = watch.done(4 * TERMINAL).await.with_context(|| (*model).to_owned())?;
    ensure!(seen.violations.is_empty(), "{model}: {:?}", seen.violations);
    let done = seen.done.clone().context("done")?;
    ensure!(done["state"] == *state, "{model} ends {done}");
    let reason = &done["reason"];
    ensure!(if code.is_empty() { reason.is_null() } else { reason["code"] == *code }, "{model} ends {done}");
    let said: String = match *model {
        "bytes" => "é€😀".into(),
        "endless" => seen.text.clone(),
        _ => (0..*words).map(|at| format!("w{at} ")).collect(),
    };
    ensure!(seen.text == said, "{model}: {:?}", seen.text);
    let stored = owner.stored(chat, reply).await?;
    ensure!(stored["text"] == json!(seen.text) && stored["state"] == *state, "{model} is stored as {stored}");
    ensure!(rude.asked(model) <= *times, "{model} is asked {} times", rude.asked(model));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_manners_have_their_reason_and_harm_nobody() -> Result<()> {
    let rude = Rude::start(&MANNERS.iter().map(|(model, ..)| *model).collect::<Vec<_>>()).await?;
    let (mut server, owner) = ready(&[
        ("TAIFAS__AI__FIRST_BYTE_SECONDS", "8"),
        ("TAIFAS__AI__IDLE_SECONDS", "4"),
        ("TAIFAS__AI__CONTINUE_WHEN_ASKED", "false"),
        ("TAIFAS__AI__PARALLEL", "64"),
    ])
    .await?;
    // each is a provider of its own: all of them in one would be left alone after a while
    for (model, ..) in MANNERS {
        let new = json!({"kind": "openai", "name": model, "base_url": rude.url});
        owner.post("/api/v1/admin/providers", &new).await?.ok(201)?;
    }
    // somebody else, with a provider that behaves
    let other = owner.invite("other@example.org").await?;
    let draft = Draft::new("continues", &json!({"tokens": 400, "delay_ms": 15, "style": "named"}));
    let innocent = other.send(&draft).await?;
    let reading = Watch::begin(&other, innocent.reply, Some(40));
    reading.shows(1, TERMINAL).await?;
    let before = server.memory()?;

    // those that send as fast as they can come first, so that they do not make the others late
    let (floods, others): (Vec<_>, Vec<_>) = MANNERS.iter().partition(|(model, ..)| FLOODS.contains(model));
    for some in [floods, others] {
        try_join_all(some.into_iter().map(|manner| end(&owner, &rude, manner))).await?;
    }
    let seen = reading.done(TERMINAL).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.text == truth(draft.text(), innocent.reply)?, "{:?}", seen.text);
    let grown = server.memory()?.saturating_sub(before);
    ensure!(grown <= MEMORY, "{grown} bytes more");
    server.stop().await?;
    ensure!(server.log_faults().is_empty(), "{:?}", server.log_faults());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_heard_whatever_the_provider_does() -> Result<()> {
    let rude = Rude::start(PATIENT).await?;
    let (_server, owner) = ready(&[("TAIFAS__AI__OPENAI_BASE_URL", &rude.url)]).await?;
    for model in PATIENT {
        let (chat, reply, watch) = ask(&owner, &format!("openai/{model}")).await?;
        until("it is asked", TERMINAL, async || Ok((rude.asked(model) > 0).then_some(()))).await?;
        until("it streams", TERMINAL, async || {
            Ok((owner.stored(chat, reply).await?["state"] == "streaming").then_some(()))
        })
        .await?;
        if model.ends_with("-2") {
            watch.shows(6, TERMINAL).await?;
        }
        let start = Instant::now();
        owner.stop(reply).await?;
        let seen: Seen = watch.done(TERMINAL).await?;
        ensure!(start.elapsed() < AT_ONCE, "{model}: the stop takes {:?}", start.elapsed());
        ensure!(seen.done.as_ref().is_some_and(|done| done["state"] == "stopped"), "{model}: {:?}", seen.done);
        ensure!(!model.ends_with("-2") || seen.text == "w0 w1 ", "{model}: {:?}", seen.text);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_away_is_left_alone_until_it_answers_again() -> Result<()> {
    let rude = Rude::start(&["once-429", "breaks"]).await?;
    let (_server, owner) = ready(&[("TAIFAS__AI__OPENAI_BASE_URL", &rude.url)]).await?;
    let failed = async || {
        let (_, _, watch) = ask(&owner, "openai/once-429").await?;
        let done = watch.done(TERMINAL).await?.done.context("done")?;
        ensure!(done["state"] == "failed", "{done}");
        Ok::<_, anyhow::Error>(done["reason"].clone())
    };
    let (.., begun) = ask(&owner, "openai/breaks").await?;
    begun.shows(6, TERMINAL).await?;
    rude.away.store(true, Ordering::Relaxed);
    let reasons = try_join_all((0..30).map(|_| failed())).await?;
    let (opened, before) = (Instant::now(), rude.asked("once-429"));
    // the twentieth call is the one of the answer that has begun
    ensure!((19..=60).contains(&before), "{before} calls");
    ensure!(reasons.iter().any(|reason| reason["code"] == "cut"), "{reasons:?}");

    for reason in try_join_all((0..20).map(|_| failed())).await? {
        let left = reason["code"] == "unreachable"
            && reason["detail"].as_str().is_some_and(|detail| detail.contains("has not answered lately"));
        ensure!(left || reason["code"] == "cut", "{reason}");
    }
    // each has 2.5 seconds before the next one
    let probes = 1 + usize::try_from(opened.elapsed().as_millis() / 2_500)?;
    let asked = rude.asked("once-429") - before;
    ensure!(asked <= probes, "{asked} calls reach it while it is left alone");

    // what has begun waits for it
    rude.breaks.store(true, Ordering::Relaxed);
    rude.away.store(false, Ordering::Relaxed);
    until("it is asked again", Duration::from_secs(10), async || {
        let (_, _, watch) = ask(&owner, "openai/once-429").await?;
        let done = watch.done(TERMINAL).await?.done.context("done")?;
        Ok((done["state"] == "complete").then_some(()))
    })
    .await?;
    let seen = begun.done(2 * TERMINAL).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.done.as_ref().is_some_and(|done| done["state"] == "complete"), "{:?}", seen.done);
    ensure!(seen.text.starts_with("w0 w1 "), "{:?}", seen.text);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_asked_once_more_only_so_often() -> Result<()> {
    let rude = Rude::start(&["status-429"]).await?;
    let (_server, owner) = ready(&[("TAIFAS__AI__OPENAI_BASE_URL", &rude.url)]).await?;
    try_join_all((0..80).map(|_| async {
        let (_, _, watch) = ask(&owner, "openai/status-429").await?;
        let done = watch.done(2 * TERMINAL).await?.done.context("done")?;
        ensure!(done["reason"]["code"] == "rate_limited", "{done}");
        Ok(())
    }))
    .await?;
    // each of the 80 once, the fifty that are saved, and a tenth
    let asked = rude.asked("status-429");
    ensure!((81..=138).contains(&asked), "{asked} calls");
    Ok(())
}
