//! The `cache` port: bytes that may be forgotten, and counters for rate limits. Nothing may be
//! stored here alone: an adapter drops what it has no room for.

mod memory;

pub use memory::MemoryCache;

use crate::Result;
use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;

#[async_trait]
pub trait Cache: Send + Sync {
    /// What was put under `key`, unless it is too old, was removed or was forgotten.
    ///
    /// # Errors
    /// `unavailable` when the cache is out of reach.
    async fn get(&self, key: &str) -> Result<Option<Bytes>>;

    /// Keeps `value` for at most `ttl`, in place of what was there. A `ttl` of zero removes.
    ///
    /// # Errors
    /// `unavailable` when the cache is out of reach.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<()>;

    /// # Errors
    /// `unavailable` when the cache is out of reach.
    async fn remove(&self, key: &str) -> Result<()>;

    /// Counts a hit and returns how many there were in the window, this one included. A window
    /// begins with the first hit, lasts `window` and does not grow with later hits; counters and
    /// values of the same name are two things.
    ///
    /// # Errors
    /// `unavailable` when the cache is out of reach.
    async fn count(&self, key: &str, window: Duration) -> Result<u64>;
}
