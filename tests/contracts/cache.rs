//! The contract of `cache`, for any adapter; [`embedded`] runs it on the one in memory and [`broken`]
//! on adapters that must fail it.

mod broken;
mod embedded;

use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::join_all;
use platform::cache::Cache;
use std::{collections::BTreeSet, time::Duration};

/// Makes an adapter and lets its time pass, which may be a test's clock or real waiting.
#[async_trait::async_trait]
pub trait Harness: Send + Sync {
    fn cache(&self) -> &dyn Cache;
    async fn pass(&self, time: Duration);
}

const MINUTE: Duration = Duration::from_secs(60);
/// Short enough to wait for in real time; windows and lifetimes are multiples of it.
const STEP: Duration = Duration::from_millis(200);

pub const CHECKS: &[Check<dyn Harness>] = &checks![
    keeps_the_last_value,
    keeps_any_bytes,
    keys_are_told_apart,
    removed_is_gone,
    old_is_gone,
    reading_makes_nothing_younger,
    putting_again_begins_a_new_lifetime,
    no_lifetime_removes,
    counts_every_hit,
    counts_each_key_alone,
    a_window_ends,
    hits_do_not_prolong_a_window,
    counters_are_not_values,
];

async fn keeps_the_last_value(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    ensure!(cache.get("a").await?.is_none(), "a value nobody put");
    cache.put("a", Bytes::from_static(b"1"), MINUTE).await?;
    cache.put("a", Bytes::from_static(b"2"), MINUTE).await?;
    ensure!(cache.get("a").await?.as_deref() == Some(b"2"), "not the last value");
    Ok(())
}

async fn keeps_any_bytes(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    for value in [vec![], vec![0, 255, 10, 13], vec![7; 100_000]] {
        cache.put("bytes", value.clone().into(), MINUTE).await?;
        ensure!(cache.get("bytes").await?.as_deref() == Some(&value[..]), "{} bytes changed", value.len());
    }
    Ok(())
}

async fn keys_are_told_apart(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    let long = "k".repeat(200);
    let keys = ["session:1", "session:10", "Session:1", "session:1 ", &long, &format!("{long}2"), "ключ"];
    for key in keys {
        cache.put(key, Bytes::copy_from_slice(key.as_bytes()), MINUTE).await?;
    }
    for key in keys {
        ensure!(cache.get(key).await?.as_deref() == Some(key.as_bytes()), "{key} has another's value");
    }
    Ok(())
}

async fn removed_is_gone(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.remove("a").await?;
    cache.put("a", Bytes::from_static(b"1"), MINUTE).await?;
    cache.put("b", Bytes::from_static(b"2"), MINUTE).await?;
    cache.remove("a").await?;
    ensure!(cache.get("a").await?.is_none(), "still there");
    ensure!(cache.get("b").await?.is_some(), "another key went too");
    Ok(())
}

async fn old_is_gone(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.put("short", Bytes::from_static(b"1"), 2 * STEP).await?;
    cache.put("long", Bytes::from_static(b"2"), MINUTE).await?;
    harness.pass(STEP).await;
    ensure!(cache.get("short").await?.is_some(), "gone too early");
    harness.pass(2 * STEP).await;
    ensure!(cache.get("short").await?.is_none(), "shown after its lifetime");
    ensure!(cache.get("long").await?.is_some(), "lifetimes are mixed up");
    Ok(())
}

async fn reading_makes_nothing_younger(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.put("a", Bytes::from_static(b"1"), 3 * STEP).await?;
    for _ in 0..2 {
        harness.pass(STEP).await;
        cache.get("a").await?;
    }
    harness.pass(2 * STEP).await;
    ensure!(cache.get("a").await?.is_none(), "reading prolonged it");
    Ok(())
}

async fn putting_again_begins_a_new_lifetime(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.put("grows", Bytes::from_static(b"1"), 2 * STEP).await?;
    cache.put("grows", Bytes::from_static(b"2"), MINUTE).await?;
    cache.put("shrinks", Bytes::from_static(b"1"), MINUTE).await?;
    cache.put("shrinks", Bytes::from_static(b"2"), 2 * STEP).await?;
    harness.pass(3 * STEP).await;
    ensure!(cache.get("grows").await?.as_deref() == Some(b"2"), "the first lifetime still counts");
    ensure!(cache.get("shrinks").await?.is_none(), "the first lifetime still counts");
    Ok(())
}

async fn no_lifetime_removes(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.put("a", Bytes::from_static(b"1"), MINUTE).await?;
    cache.put("a", Bytes::from_static(b"2"), Duration::ZERO).await?;
    ensure!(cache.get("a").await?.is_none(), "still there");
    Ok(())
}

async fn counts_every_hit(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    let hits = (0..100).map(|_| cache.count("login", MINUTE));
    let counted: BTreeSet<u64> = join_all(hits).await.into_iter().collect::<platform::Result<_>>()?;
    ensure!(counted == (1..=100).collect(), "hits at the same time count as {counted:?}");
    Ok(())
}

async fn counts_each_key_alone(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.count("a", MINUTE).await?;
    ensure!(cache.count("b", MINUTE).await? == 1, "counts another key's hits");
    ensure!(cache.count("a", MINUTE).await? == 2, "forgot a hit");
    Ok(())
}

async fn a_window_ends(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.count("a", 2 * STEP).await?;
    harness.pass(STEP).await;
    ensure!(cache.count("a", 2 * STEP).await? == 2, "ended too early");
    harness.pass(2 * STEP).await;
    ensure!(cache.count("a", 2 * STEP).await? == 1, "hits of the last window count in this one");
    Ok(())
}

async fn hits_do_not_prolong_a_window(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    for _ in 0..3 {
        cache.count("a", 4 * STEP).await?;
        harness.pass(STEP).await;
    }
    harness.pass(2 * STEP).await;
    ensure!(cache.count("a", 4 * STEP).await? == 1, "who keeps trying is locked out for ever");
    Ok(())
}

async fn counters_are_not_values(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache();
    cache.count("a", MINUTE).await?;
    ensure!(cache.get("a").await?.is_none(), "a counter is read as a value");
    cache.put("a", Bytes::from_static(b"9"), MINUTE).await?;
    cache.remove("a").await?;
    ensure!(cache.count("a", MINUTE).await? == 2, "a value changed a counter");
    Ok(())
}
