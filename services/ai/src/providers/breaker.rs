//! Leaves a provider alone that is away, and bounds how often it is asked once more. It looks at a call twice: when it begins, and when
//! it is known whether anybody answers. The words of an answer do not pass it.

use super::{Fault, FaultKind};
use opentelemetry::KeyValue;
use platform::{ids::Ids, telemetry::Metrics};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// So many seconds are looked back.
const WINDOW: u64 = 10;
/// With fewer calls nothing is concluded.
const CALLS: u32 = 20;
/// How long nothing is sent, half of it more or less by chance.
const ALONE: Duration = Duration::from_secs(5);
/// A probe that takes longer does not keep the next one waiting: a model may have to be loaded.
const PROBE: Duration = Duration::from_secs(10);
/// How long an answer that has begun waits for its provider.
const PATIENCE: Duration = Duration::from_secs(15);
/// What one further try takes from the budget; each first try brings one.
const PRICE: u32 = 10;
/// What the budget holds: fifty answers that are cut at once can go on, on a quiet instance too.
const BUDGET: u32 = 50 * PRICE;

/// The circuit breaker and the budget of further tries of one provider.
pub struct Breaker {
    name: String,
    ids: Arc<dyn Ids>,
    metrics: Metrics,
    start: Instant,
    inner: Mutex<Inner>,
}

struct Inner {
    /// While it is left alone: when the next call may go out, as a probe.
    shut: Option<Instant>,
    /// Another one with each opening, closing and probe: what began before says nothing any more.
    era: u64,
    /// Those of the window in which a call was judged.
    seconds: Vec<Second>,
    budget: u32,
}

struct Second {
    at: u64,
    calls: u32,
    failures: u32,
}

impl Breaker {
    /// A provider that nothing is known of yet.
    pub fn new(name: &str, ids: Arc<dyn Ids>, metrics: Metrics) -> Arc<Self> {
        let inner = Inner { shut: None, era: 0, seconds: Vec::new(), budget: BUDGET };
        Arc::new(Self { name: name.to_owned(), ids, metrics, start: Instant::now(), inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before a call; `first` is one that repeats no other.
    ///
    /// # Errors
    /// While the provider is left alone.
    pub fn begin(self: &Arc<Self>, first: bool) -> Result<Call, Fault> {
        let now = Instant::now();
        let mut inner = self.lock();
        let probe = match inner.shut {
            Some(until) if now < until => {
                let detail = format!(
                    "{} has not answered lately and is left alone for a moment. Try again in a few seconds, or choose another model.",
                    self.name
                );
                return Err(Fault { kind: FaultKind::Unreachable, detail, retry_after: Some(until - now) });
            }
            shut => shut.is_some(),
        };
        if probe {
            inner.era += 1;
            inner.shut = Some(now + PROBE);
        }
        if first {
            inner.budget = (inner.budget + 1).min(BUDGET);
        }
        Ok(Call { breaker: self.clone(), era: inner.era, probe, judged: false })
    }

    /// Whether a call that failed may be made once more; takes it from the budget. While the provider is left alone only who
    /// `waits` may.
    pub fn may_retry(&self, waits: bool) -> bool {
        let mut inner = self.lock();
        if (inner.shut.is_some() && !waits) || inner.budget < PRICE {
            return false;
        }
        inner.budget -= PRICE;
        true
    }

    /// Until a call can go out, or patience is over.
    pub async fn wait(&self) {
        let end = Instant::now() + PATIENCE;
        while self.lock().shut.is_some_and(|until| Instant::now() < until.min(end)) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn judge(&self, call: &Call, alive: bool) {
        let now = Instant::now();
        let mut inner = self.lock();
        let (shut, current) = (inner.shut.is_some(), inner.era == call.era);
        if shut && alive && call.probe {
            inner.shut = None;
            inner.era += 1;
            inner.seconds.clear();
            tracing::info!(provider = self.name, "the provider answers again; it is asked as before");
        } else if shut && !alive && current {
            self.open(&mut inner, now);
        } else if !shut && current && inner.count(now.duration_since(self.start).as_secs(), !alive) {
            self.open(&mut inner, now);
            self.metrics.providers_left.add(1, &[KeyValue::new("provider", self.name.clone())]);
            tracing::warn!(provider = self.name, "the provider does not answer; it is left alone and probed");
        }
    }

    fn open(&self, inner: &mut Inner, now: Instant) {
        let mut chance = [0; 2];
        self.ids.random(&mut chance);
        inner.shut = Some(now + ALONE / 2 + ALONE * u32::from(u16::from_le_bytes(chance)) / u32::from(u16::MAX));
        inner.era += 1;
    }
}

impl Inner {
    /// Whether with this failure too many of the last calls have failed.
    fn count(&mut self, at: u64, failed: bool) -> bool {
        self.seconds.retain(|second| second.at + WINDOW > at);
        match self.seconds.last_mut().filter(|last| last.at == at) {
            Some(last) => (last.calls, last.failures) = (last.calls + 1, last.failures + u32::from(failed)),
            None => self.seconds.push(Second { at, calls: 1, failures: u32::from(failed) }),
        }
        let sum = |of: fn(&Second) -> u32| self.seconds.iter().map(of).sum::<u32>();
        let (calls, failures) = (sum(|second| second.calls), sum(|second| second.failures));
        failed && calls >= CALLS && failures * 2 >= calls
    }
}

/// A call on its way. Dropped without a word, as when its person stops it, it says nothing of the provider, and a probe gives its place
/// to the next call.
pub struct Call {
    breaker: Arc<Breaker>,
    era: u64,
    probe: bool,
    judged: bool,
}

impl Call {
    /// The provider began to answer, or `fault` came instead. A refusal, 429 among them, is an answer too.
    pub fn judge(mut self, fault: Option<&Fault>) {
        let alive = fault.is_none_or(|fault| {
            use FaultKind::{BadRequest, NotFound, RateLimited, RefusedKey};
            matches!(fault.kind, RefusedKey | RateLimited | NotFound | BadRequest)
        });
        self.judged = true;
        self.breaker.judge(&self, alive);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.judged && self.probe {
            let mut inner = self.breaker.lock();
            if inner.era == self.era {
                inner.shut = Some(Instant::now());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use platform::ids::SeededIds;
    use tokio::time::advance;

    fn breaker() -> Arc<Breaker> {
        Breaker::new("acme", Arc::new(SeededIds::new(7)), Metrics::new().unwrap())
    }

    fn fault(kind: FaultKind) -> Fault {
        Fault::new(kind, "It does not work.")
    }

    fn calls(breaker: &Arc<Breaker>, count: u32, fault: Option<&Fault>) {
        for _ in 0..count {
            breaker.begin(true).unwrap().judge(fault);
        }
    }

    /// One that has just been opened.
    fn opened() -> Arc<Breaker> {
        let breaker = breaker();
        calls(&breaker, CALLS, Some(&fault(FaultKind::Overloaded)));
        breaker
    }

    /// Waits until a probe may go out, and no longer.
    async fn rest(breaker: &Arc<Breaker>) {
        let wait = breaker.begin(true).err().and_then(|fault| fault.retry_after).unwrap();
        assert!(wait >= ALONE / 2 && wait <= ALONE * 3 / 2, "{wait:?}");
        advance(wait).await;
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_twenty_failed_calls_open_it_and_not_of_nineteen() {
        let (breaker, away) = (breaker(), fault(FaultKind::Timeout));
        calls(&breaker, 10, None);
        calls(&breaker, 9, Some(&away));
        drop(breaker.begin(true).unwrap());
        breaker.begin(true).unwrap().judge(Some(&away));
        let refused = breaker.begin(true).err().unwrap();
        assert_eq!(refused.kind, FaultKind::Unreachable);
        assert!(refused.detail.starts_with("acme has not answered lately"), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn less_than_half_old_failures_and_refusals_do_not_open_it() {
        let breaker = breaker();
        calls(&breaker, 11, None);
        calls(&breaker, 9, Some(&fault(FaultKind::Cut)));
        advance(Duration::from_secs(WINDOW)).await;
        calls(&breaker, CALLS - 1, Some(&fault(FaultKind::Malformed)));
        advance(Duration::from_secs(WINDOW)).await;
        for kind in [FaultKind::RefusedKey, FaultKind::RateLimited, FaultKind::NotFound, FaultKind::BadRequest] {
            calls(&breaker, CALLS, Some(&fault(kind)));
        }
        assert!(breaker.begin(true).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_goes_out_and_its_answer_closes_it() {
        let breaker = opened();
        rest(&breaker).await;
        let probe = breaker.begin(true).unwrap();
        assert!(breaker.begin(true).is_err(), "one at a time");
        probe.judge(None);
        calls(&breaker, CALLS - 1, Some(&fault(FaultKind::Unreachable)));
        assert!(breaker.begin(true).is_ok(), "what was before is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_opens_it_again_and_old_calls_say_nothing() {
        let breaker = breaker();
        let (old, late) = (breaker.begin(true).unwrap(), breaker.begin(true).unwrap());
        calls(&breaker, CALLS, Some(&fault(FaultKind::Provider)));
        old.judge(None);
        rest(&breaker).await;
        let probe = breaker.begin(true).unwrap();
        late.judge(Some(&fault(FaultKind::Timeout)));
        probe.judge(Some(&fault(FaultKind::Provider)));
        rest(&breaker).await;
        breaker.begin(true).unwrap().judge(Some(&fault(FaultKind::RateLimited)));
        assert!(breaker.begin(true).is_ok() && breaker.begin(true).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_stopped_or_takes_long_gives_its_place_to_the_next() {
        let breaker = opened();
        rest(&breaker).await;
        drop(breaker.begin(true).unwrap());
        let slow = breaker.begin(true).unwrap();
        advance(PROBE).await;
        let next = breaker.begin(true).unwrap();
        slow.judge(Some(&fault(FaultKind::Timeout)));
        assert!(breaker.begin(true).is_err(), "the next one is still out");
        next.judge(None);
        assert!(breaker.begin(true).is_ok() && breaker.begin(true).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_when_it_answers_again_and_not_for_ever() {
        let breaker = opened();
        let start = Instant::now();
        breaker.wait().await;
        assert!(start.elapsed() >= ALONE / 2 && start.elapsed() < PATIENCE);
        let _probe = breaker.begin(false).unwrap();
        let start = Instant::now();
        tokio::join!(breaker.wait(), async {
            advance(Duration::from_secs(1)).await;
            assert!(breaker.begin(false).is_err());
        });
        assert!(start.elapsed() >= PROBE);
    }

    #[tokio::test(start_paused = true)]
    async fn further_tries_are_a_tenth_of_the_calls_beyond_the_first_ones() {
        let breaker = breaker();
        let mut again = 0;
        for _ in 0..1_000 {
            breaker.begin(true).unwrap().judge(Some(&fault(FaultKind::RateLimited)));
            if breaker.may_retry(false) {
                again += 1;
                breaker.begin(false).unwrap().judge(Some(&fault(FaultKind::RateLimited)));
            }
        }
        assert!((100..=100 + BUDGET / PRICE).contains(&again), "{again}");
        assert!(!opened().may_retry(false) && opened().may_retry(true));
    }
}
