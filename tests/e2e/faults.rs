//! Providers that fail, in every way and at every place: the answer goes on, or it ends with a reason.

use crate::harness::{Client, Draft, Seen, TERMINAL, Truth, Watch, ready, truth};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

/// How an answer ended: what was seen, `done`, the stored message, the whole scripted text.
struct Outcome {
    seen: Seen,
    done: Value,
    stored: Value,
    truth: Option<Truth>,
}

async fn answer(owner: &Client, model: &str, script: &Value) -> Result<Outcome> {
    let draft = Draft::new(model, script);
    let sent = owner.send(&draft).await?;
    let seen = Watch::begin(owner, sent.reply, None).done(TERMINAL).await.context(format!("{model} {script}"))?;
    ensure!(seen.violations.is_empty(), "{model} {script}: {:?}", seen.violations);
    let stored = owner.stored(sent.chat, sent.reply).await?;
    let truth = truth(draft.text(), sent.reply).ok();
    ensure!(stored["text"] == json!(seen.text), "{model} {script}: {stored} / {:?}", seen.text);
    let done = seen.done.clone().context("done")?;
    ensure!(done["state"] == stored["state"] && done["reason"] == stored["reason"], "{done} / {stored}");
    Ok(Outcome { seen, done, stored, truth })
}

impl Outcome {
    fn is_complete(&self) -> Result<()> {
        ensure!(self.done["state"] == "complete" && self.done["reason"].is_null(), "{}", self.done);
        ensure!(self.truth.as_ref().is_some_and(|truth| self.seen.text == *truth), "{:?}", self.seen.text);
        Ok(())
    }

    fn ended(&self, state: &str, code: &str) -> Result<()> {
        ensure!(self.done["state"] == state && self.done["reason"]["code"] == code, "{state} {code}: {}", self.done);
        ensure!(self.done["reason"]["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{}", self.done);
        ensure!(self.truth.as_ref().is_none_or(|truth| truth.starts_with(&self.seen.text)), "{:?}", self.seen.text);
        Ok(())
    }
}

#[tokio::test]
async fn every_refusal_has_its_name() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let kinds = ["overloaded", "rate_limited", "refused_key", "malformed", "provider"];
    try_join_all(kinds.map(|kind| {
        let owner = &owner;
        async move {
            let always = json!({"tokens": 20, "delay_ms": 1, "error_after": 0, "error": kind, "error_attempts": 99});
            answer(owner, "continues", &always).await?.ended("failed", kind)?;
            // in the middle, for good: what was shown stays
            let later = json!({"tokens": 20, "delay_ms": 1, "error_after": 7, "error": kind, "error_attempts": 99});
            let outcome = answer(owner, "cannot", &later).await?;
            outcome.ended("interrupted", kind)?;
            ensure!(!outcome.seen.text.is_empty());
            // once, before the first word: nobody notices, unless a key would have to change first
            if kind != "refused_key" {
                let once = json!({"tokens": 20, "delay_ms": 1, "error_after": 0, "error": kind});
                answer(owner, "cannot", &once).await?.is_complete()?;
            }
            Ok::<_, anyhow::Error>(())
        }
    }))
    .await?;
    answer(&owner, "continues", &json!({"no such": "word"})).await?.ended("failed", "bad_request")
}

#[tokio::test]
async fn an_answer_that_is_cut_goes_on_or_says_so() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    try_join_all([0, 1, 50, 79, 80].map(|after| {
        let owner = &owner;
        async move {
            let script = json!({"tokens": 80, "delay_ms": 1, "cut_after": after, "style": "markdown"});
            let outcome = answer(owner, "continues", &script).await?;
            outcome.is_complete()?;
            ensure!(outcome.seen.marks.is_empty() && outcome.stored["attempt"] == 2, "{}", outcome.stored);
            let outcome = answer(owner, "asks", &script).await?;
            outcome.is_complete()?;
            ensure!(outcome.seen.marks.len() == usize::from(after > 0), "{after}: {:?}", outcome.seen.marks);
            let outcome = answer(owner, "cannot", &script).await?;
            if after == 0 { outcome.is_complete() } else { outcome.ended("interrupted", "cut") }
        }
    }))
    .await?;
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_cut_every_time_ends() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let never = json!({"tokens": 80, "delay_ms": 1, "cut_after": 0, "cut_attempts": 99});
    answer(&owner, "continues", &never).await?.ended("failed", "cut")?;
    let slowly = json!({"tokens": 80, "delay_ms": 1, "cut_after": 1, "cut_attempts": 99});
    let outcome = answer(&owner, "continues", &slowly).await?;
    outcome.ended("interrupted", "cut")?;
    ensure!(outcome.seen.text.split_whitespace().count() > 5, "{:?}", outcome.seen.text);
    Ok(())
}

#[tokio::test]
async fn silence_is_a_timeout() -> Result<()> {
    let (_server, owner) = ready(&[("TAIFAS__AI__IDLE_SECONDS", "1")]).await?;
    let script = |after: usize| json!({"tokens": 30, "delay_ms": 1, "hang_after": after});
    let (early, on, cannot) = (script(0), script(10), script(10));
    let (early, on, cannot) = tokio::try_join!(
        answer(&owner, "cannot", &early),
        answer(&owner, "continues", &on),
        answer(&owner, "cannot", &cannot)
    )?;
    early.is_complete()?;
    on.is_complete()?;
    cannot.ended("interrupted", "timeout")
}
