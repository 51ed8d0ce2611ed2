//! Time as a port: passed in, so that tests decide what time it is.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use std::sync::{Arc, Mutex};

/// The wall clock. Never decides the order of messages; durations are measured with
/// `tokio::time::Instant`.
pub trait Clock: Send + Sync {
    /// Now, in UTC, to the millisecond (what is stored is what is shown).
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(now)
    }
}

/// A clock that stands still until a test moves it.
pub struct FixedClock(Mutex<DateTime<Utc>>);

impl FixedClock {
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(now)))
    }

    /// Moves the clock; negative steps move it back.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
