//! Limits on wrong passwords: per e-mail address, so that one account cannot be guessed at from many
//! places, and per network address, so that many accounts cannot be from one place.
//!
//! A try is counted for its account *before* its password is looked at, because a count that comes
//! after would let parallel guesses through. Counters only count up, so a sign-in that works begins a
//! new **round** of the account, whose counter begins at zero.

use crate::config::Config;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use platform::{Error, Platform, Result, cache::Cache, clock::Clock, ids::Ids};
use sha2::{Digest as _, Sha256};
use std::{sync::Arc, time::Duration};

/// Links for a new password that are sent to one e-mail address within the window.
const LETTERS: u64 = 3;

/// Cheap to clone.
#[derive(Clone)]
pub struct Limits {
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    per_account: u64,
    per_address: u64,
    requests_per_address: u64,
    window: Duration,
}

impl Limits {
    pub fn new(platform: &Platform, config: &Config) -> Self {
        Self {
            cache: platform.cache.clone(),
            clock: platform.clock.clone(),
            ids: platform.ids.clone(),
            per_account: config.tries_per_account.into(),
            per_address: config.tries_per_address.into(),
            requests_per_address: config.requests_per_address.into(),
            window: Duration::from_secs(config.tries_window_seconds.into()),
        }
    }

    /// Counts a try for the account `email_key`, known or not, and answers how many are left after
    /// it. Nothing may be looked at that was not counted here.
    ///
    /// # Errors
    /// `rate_limited` when none was left.
    pub async fn begin_try(&self, email_key: &str) -> Result<u64> {
        let account = account(email_key);
        let round = self.cache.get(&format!("{account}:round")).await?;
        let round = round.as_deref().map_or_else(|| "first".into(), |round| String::from_utf8_lossy(round));
        let (tries, ends) = self.count(&format!("{account}:{round}")).await?;
        self.per_account.checked_sub(tries).ok_or_else(|| self.refusal(ends))
    }

    /// The last try of `email_key` was right.
    pub async fn begin_round(&self, email_key: &str) -> Result<()> {
        // as long as a window: when the round is forgotten, so is every older counter
        let round = self.ids.id().simple().to_string();
        self.cache.put(&format!("{}:round", account(email_key)), round.into(), self.window).await
    }

    /// # Errors
    /// `rate_limited` when too many wrong passwords have come from `address`.
    pub async fn check_address(&self, address: &str) -> Result<()> {
        match self.cache.get(&blocked(address)).await? {
            Some(ends) => Err(self.refusal(read(&ends).unwrap_or_else(|| self.ends()))),
            None => Ok(()),
        }
    }

    /// A wrong password came from `address`.
    pub async fn count_wrong(&self, address: &str) -> Result<()> {
        let (tries, ends) = self.count(&format!("auth:address:{address}")).await?;
        if tries >= self.per_address {
            self.cache.put(&blocked(address), write(ends), self.until(ends)).await?;
        }
        Ok(())
    }

    /// Counts a request that needs no password, such as for an account: `what` and the address.
    ///
    /// # Errors
    /// `rate_limited` when too many have come from `address`.
    pub async fn request(&self, what: &str, address: &str) -> Result<()> {
        let (requests, ends) = self.count(&format!("auth:{what}:{address}")).await?;
        if requests > self.requests_per_address { Err(self.refusal(ends)) } else { Ok(()) }
    }

    /// Whether something may still be sent to `email_key` in this window; it is counted.
    pub async fn may_write_to(&self, email_key: &str) -> Result<bool> {
        let (letters, _) = self.count(&format!("{}:letters", account(email_key))).await?;
        Ok(letters <= LETTERS)
    }

    /// Counts, and answers when the window of the counter ends: the cache does not say, so it is
    /// noted beside the counter when the window begins.
    async fn count(&self, key: &str) -> Result<(u64, DateTime<Utc>)> {
        let count = self.cache.count(key, self.window).await?;
        let note = format!("{key}:ends");
        if count == 1 {
            self.cache.put(&note, write(self.ends()), self.window).await?;
        }
        let noted = self.cache.get(&note).await?;
        Ok((count, noted.as_deref().and_then(read).unwrap_or_else(|| self.ends())))
    }

    fn ends(&self) -> DateTime<Utc> {
        self.clock.now() + self.window
    }

    /// At least a second, at most a window.
    fn until(&self, ends: DateTime<Utc>) -> Duration {
        let left = (ends - self.clock.now()).to_std().unwrap_or_default();
        // whole seconds, upwards: who waits that long must not come too early
        Duration::from_secs(left.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
            .clamp(Duration::from_secs(1), self.window)
    }

    fn refusal(&self, ends: DateTime<Utc>) -> Error {
        let wait = self.until(ends);
        let words = match wait.as_secs() {
            seconds @ 0..=90 => format!("{seconds} seconds"),
            seconds => format!("{} minutes", seconds.div_ceil(60)),
        };
        Error::rate_limited(format!("too many tries; wait {words} and try again"), wait)
    }
}

/// A hash, so that the cache holds nobody's address and its keys have a length.
fn account(email_key: &str) -> String {
    format!("auth:account:{}", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(email_key)))
}

fn blocked(address: &str) -> String {
    format!("auth:address:{address}:blocked")
}

fn write(ends: DateTime<Utc>) -> bytes::Bytes {
    ends.timestamp_millis().to_string().into()
}

fn read(ends: &[u8]) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(std::str::from_utf8(ends).ok()?.parse().ok()?)
}
