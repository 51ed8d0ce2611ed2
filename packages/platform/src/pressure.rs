//! How late this process is with work that it has accepted. Whoever does that work notes it; whoever accepts
//! more refuses a part of it when it is late for long, so that what waits stays short and nobody waits in
//! vain. Being late for a moment, after many have come at once, is no reason to refuse anybody.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
// tokio's clock: monotonic, and a test can move it
use tokio::time::Instant;

/// Up to here everything is accepted; from `MOST` on nothing is; between them a growing part is refused.
const FINE: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(1);
/// Late for so long, it is not catching up.
const LONG: Duration = Duration::from_secs(2);
/// What was noted so long ago says nothing any more.
const FRESH: Duration = Duration::from_secs(1);
/// Nobody is so late: a clock has jumped, or the process was not there.
const NEVER: Duration = Duration::from_secs(60);

/// Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pressure(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    noted: Mutex<Option<Noted>>,
    asked: AtomicU32,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    at: Instant,
    late: Duration,
    /// Since when it is late.
    since: Instant,
}

impl Pressure {
    /// Work was taken up so long after it was accepted.
    pub fn note(&self, late: Duration) {
        if late >= NEVER {
            return;
        }
        let at = Instant::now();
        let mut noted = self.0.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let before = noted.filter(|noted| noted.late > FINE && at - noted.at < FRESH);
        *noted = Some(Noted { at, late, since: before.map_or(at, |noted| noted.since) });
    }

    /// Whether further work is better refused now. Of many who ask, as large a part as it is late.
    #[must_use]
    pub fn refuses(&self) -> bool {
        let noted = *self.0.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let standing = noted.filter(|noted| now - noted.at < FRESH && now - noted.since >= LONG);
        let Some(noted) = standing else { return false };
        let part = noted.late.saturating_sub(FINE).as_secs_f64() / (MOST - FINE).as_secs_f64();
        // spread evenly over those who ask, by the golden ratio: no run of bad luck
        let turn = self.0.asked.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9);
        f64::from(turn) < part * f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pressure: &Pressure) -> usize {
        (0..1000).filter(|_| pressure.refuses()).count()
    }

    /// Late for a while, and then this much.
    async fn late(pressure: &Pressure, millis: u64) {
        for _ in 0..5 {
            pressure.note(Duration::from_millis(millis.max(300)));
            tokio::time::advance(LONG / 4).await;
        }
        pressure.note(Duration::from_millis(millis));
    }

    #[tokio::test(start_paused = true)]
    async fn the_later_the_more_is_refused() {
        for (millis, least, most) in [(0, 0, 0), (250, 0, 0), (625, 490, 510), (1000, 999, 1000), (5000, 1000, 1000)] {
            let pressure = Pressure::default();
            assert_eq!(refused(&pressure), 0);
            late(&pressure, millis).await;
            let refused = refused(&pressure);
            assert!((least..=most).contains(&refused), "{millis} ms: {refused}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_a_clock_that_jumps_and_long_ago_are_no_reason() {
        let pressure = Pressure::default();
        pressure.note(Duration::from_secs(3));
        tokio::time::advance(LONG / 4).await;
        assert_eq!(refused(&pressure), 0);
        late(&pressure, 1000).await;
        pressure.note(Duration::from_secs(3600));
        assert!(refused(&pressure) >= 999);
        pressure.note(Duration::from_millis(10));
        assert_eq!(refused(&pressure), 0);
        late(&pressure, 1000).await;
        tokio::time::advance(FRESH).await;
        assert_eq!(refused(&pressure), 0);
    }
}
