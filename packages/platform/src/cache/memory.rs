//! The embedded cache (`memory:`): bounded, of this process, gone with it. Values and counters have
//! a limit each, so that a flood of counted addresses pushes no value out.

use super::Cache;
use crate::Result;
use async_trait::async_trait;
use bytes::Bytes;
use moka::{Expiry, future};
use std::time::Duration;
// tokio's clock: monotonic, and a test can move it
use tokio::time::Instant;

/// What an entry costs beside its key and value, in bytes.
const OVERHEAD: usize = 96;

pub struct MemoryCache {
    values: future::Cache<String, Kept<Bytes>>,
    counters: future::Cache<String, Kept<u64>>,
}

#[derive(Clone)]
struct Kept<T> {
    value: T,
    until: Instant,
}

impl<T> Kept<T> {
    fn new(value: T, lifetime: Duration) -> Self {
        // a lifetime beyond what the clock can add is a year, which is for ever here
        let now = Instant::now();
        let until = now.checked_add(lifetime).unwrap_or(now + Duration::from_secs(365 * 24 * 3600));
        Self { value, until }
    }

    fn is_fresh(&self) -> bool {
        Instant::now() < self.until
    }
}

/// Frees the memory of what is too old; whether it is shown is decided by `Kept::is_fresh`.
struct UntilOld;

impl<T> Expiry<String, Kept<T>> for UntilOld {
    fn expire_after_create(&self, _: &String, kept: &Kept<T>, _: std::time::Instant) -> Option<Duration> {
        Some(kept.until.saturating_duration_since(Instant::now()))
    }

    fn expire_after_update(
        &self,
        _: &String,
        kept: &Kept<T>,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.until.saturating_duration_since(Instant::now()))
    }
}

impl MemoryCache {
    /// Room for `value_bytes` of values and `counter_bytes` of counters, keys included.
    #[must_use]
    pub fn new(value_bytes: u64, counter_bytes: u64) -> Self {
        let values = future::Cache::builder().max_capacity(value_bytes).expire_after(UntilOld);
        let counters = future::Cache::builder().max_capacity(counter_bytes).expire_after(UntilOld);
        Self {
            values: values.weigher(|key: &String, kept: &Kept<Bytes>| weight(key, kept.value.len())).build(),
            counters: counters.weigher(|key: &String, _| weight(key, 0)).build(),
        }
    }
}

impl Default for MemoryCache {
    /// 64 MiB of values and 16 MiB of counters.
    fn default() -> Self {
        Self::new(64 * 1024 * 1024, 16 * 1024 * 1024)
    }
}

fn weight(key: &str, value: usize) -> u32 {
    u32::try_from(key.len() + value + OVERHEAD).unwrap_or(u32::MAX)
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let kept = self.values.get(key).await;
        Ok(kept.filter(Kept::is_fresh).map(|kept| kept.value))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<()> {
        if ttl.is_zero() {
            return self.remove(key).await;
        }
        // a copy, so that a small value does not hold the caller's large buffer
        let kept = Kept::new(Bytes::copy_from_slice(&value), ttl);
        self.values.insert(key.to_owned(), kept).await;
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.values.invalidate(key).await;
        Ok(())
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64> {
        let counter = self.counters.entry_by_ref(key);
        let counted = counter.and_upsert_with(|old| {
            let old = old.map(moka::Entry::into_value).filter(Kept::is_fresh);
            std::future::ready(match old {
                Some(kept) => Kept { value: kept.value + 1, ..kept },
                None => Kept::new(1, window),
            })
        });
        Ok(counted.await.into_value().value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_is_bounded_and_counters_push_no_value_out() {
        let cache = MemoryCache::new(100 * 1024, 100 * 1024);
        let minute = Duration::from_secs(60);
        for number in 0..10_000 {
            cache.count(&format!("address {number}"), minute).await.unwrap();
        }
        cache.put("value", Bytes::from_static(b"v"), minute).await.unwrap();
        for number in 0..10_000 {
            cache.count(&format!("other address {number}"), minute).await.unwrap();
        }
        cache.counters.run_pending_tasks().await;
        assert!(cache.counters.weighted_size() <= 100 * 1024);
        assert!(cache.get("value").await.unwrap().is_some());
        for number in 0..200 {
            cache.put(&format!("large {number}"), Bytes::from(vec![0; 1024]), minute).await.unwrap();
        }
        cache.values.run_pending_tasks().await;
        assert!(cache.values.weighted_size() <= 100 * 1024);
    }
}
