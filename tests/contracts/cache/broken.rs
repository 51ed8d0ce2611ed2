//! Caches that break one promise each, and the check that must notice.

use super::{CHECKS, Harness, embedded::InMemory};
use crate::suite::{fails, passes};
use async_trait::async_trait;
use bytes::Bytes;
use platform::{Result, cache::Cache};
use std::time::Duration;

#[derive(Clone, Copy)]
enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    KeepsTheFirst,
    EndsAtZeroByte,
    IgnoresCase,
    RemovesNothing,
    IgnoresLifetime,
    RenewsWhenRead,
    ZeroIsForEver,
    CountsApart,
    OneCounter,
    EndlessWindow,
    WindowPerHit,
    CountersAmongValues,
}

struct Broken {
    inner: InMemory,
    fault: Fault,
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[async_trait]
impl Harness for Broken {
    fn cache(&self) -> &dyn Cache {
        self
    }

    async fn pass(&self, time: Duration) {
        self.inner.pass(time).await;
    }
}

impl Broken {
    fn inner(&self) -> &dyn Cache {
        self.inner.cache()
    }

    fn key(&self, key: &str) -> String {
        match self.fault {
            Fault::IgnoresCase => key.to_lowercase(),
            _ => key.to_owned(),
        }
    }

    /// Reads, lets others run, writes.
    async fn count_apart(&self, key: &str, window: Duration) -> Result<u64> {
        let old = self.inner().get(key).await?;
        tokio::task::yield_now().await;
        let old = old.and_then(|bytes| Some(u64::from_le_bytes(bytes.as_ref().try_into().ok()?)));
        let new = old.unwrap_or(0) + 1;
        self.inner().put(key, Bytes::copy_from_slice(&new.to_le_bytes()), window).await?;
        Ok(new)
    }
}

#[async_trait]
impl Cache for Broken {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let key = self.key(key);
        let value = self.inner().get(&key).await?;
        if let (Fault::RenewsWhenRead, Some(value)) = (self.fault, &value) {
            self.inner().put(&key, value.clone(), YEAR).await?;
        }
        Ok(value)
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<()> {
        let key = self.key(key);
        let value = match self.fault {
            Fault::EndsAtZeroByte => value.iter().copied().take_while(|byte| *byte != 0).collect(),
            _ => value,
        };
        let ttl = match self.fault {
            Fault::IgnoresLifetime => YEAR,
            Fault::ZeroIsForEver if ttl.is_zero() => YEAR,
            _ => ttl,
        };
        if matches!(self.fault, Fault::KeepsTheFirst) && self.inner().get(&key).await?.is_some() {
            return Ok(());
        }
        self.inner().put(&key, value, ttl).await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        match self.fault {
            Fault::RemovesNothing => Ok(()),
            _ => self.inner().remove(&self.key(key)).await,
        }
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64> {
        match self.fault {
            Fault::CountsApart => self.count_apart(&format!("count {key}"), window).await,
            Fault::WindowPerHit => self.count_apart(&format!("count {key}"), window).await,
            Fault::CountersAmongValues => self.count_apart(key, window).await,
            Fault::OneCounter => self.inner().count("one", window).await,
            Fault::EndlessWindow => self.inner().count(key, YEAR).await,
            _ => self.inner().count(key, window).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn broken_caches_are_noticed() -> anyhow::Result<()> {
    let broken = |fault| Broken { inner: InMemory::default(), fault };
    passes::<dyn Harness>(CHECKS, || Ok(Box::new(broken(Fault::None)))).await?;
    for (fault, check) in [
        (Fault::KeepsTheFirst, "keeps_the_last_value"),
        (Fault::KeepsTheFirst, "putting_again_begins_a_new_lifetime"),
        (Fault::EndsAtZeroByte, "keeps_any_bytes"),
        (Fault::IgnoresCase, "keys_are_told_apart"),
        (Fault::RemovesNothing, "removed_is_gone"),
        (Fault::IgnoresLifetime, "old_is_gone"),
        (Fault::RenewsWhenRead, "reading_makes_nothing_younger"),
        (Fault::ZeroIsForEver, "no_lifetime_removes"),
        (Fault::CountsApart, "counts_every_hit"),
        (Fault::OneCounter, "counts_each_key_alone"),
        (Fault::EndlessWindow, "a_window_ends"),
        (Fault::WindowPerHit, "hits_do_not_prolong_a_window"),
        (Fault::CountersAmongValues, "counters_are_not_values"),
    ] {
        fails::<dyn Harness>(CHECKS, check, &broken(fault)).await?;
    }
    Ok(())
}
