//! What one client hears, whatever it is connected by: hints behind its place, a beat, and the end
//! when its session ends or the server does. It is pulled: a slow client holds nothing but a place.

use super::{frame, presence::Presence};
use crate::{Gateway, admission::Place};
use futures_util::future::BoxFuture;
use http::{HeaderMap, header};
use platform::{
    Code, Error, Result,
    hints::{Heard, Hearing},
    principal::{Caller, Person},
    streams::Position,
};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

/// How often it is asked whether the session still lives; a revoked one must be gone in 5 s.
const LOOK: Duration = Duration::from_secs(4);
/// How often a client hears that the connection lives.
const BEAT: Duration = Duration::from_secs(20);
/// Kinds of hints after which a session may be worth less than before.
const CHANGES_RIGHTS: [&str; 4] = ["session.", "user.", "role.", "key."];

pub struct Feed {
    hearing: Box<dyn Hearing>,
    pub watch: Watch,
    beat: Interval,
    ending: CancellationToken,
    presence: Option<Presence>,
    _place: Place,
}

/// What comes next on a feed.
pub enum Next {
    /// Messages; the place behind each where it has one.
    Frames(Vec<(String, Option<Position>)>),
    /// The server ends.
    Bye,
    /// The session has ended, or may do less than when it connected.
    Over,
    /// Nobody can say whether it has: come again and be asked.
    Unproven,
}

/// Looks after the session of an open connection.
pub struct Watch {
    pub gateway: Gateway,
    pub person: Person,
    /// The headers that carried it, and no other.
    credentials: HeaderMap,
    ticks: Interval,
    /// What is asked at this moment. Kept until it is answered: pieces of an answer that come faster drop
    /// one call after the other, and neither the question may start anew with each nor its answer be lost.
    asking: Option<BoxFuture<'static, Result<Caller>>>,
    /// Something has changed since it was asked: what was found out before counts no more.
    changed: bool,
}

fn every(time: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + time, time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

impl Feed {
    /// Begins to hear at once, before the client has fetched anything, so that it misses nothing.
    pub fn open(gateway: Gateway, caller: Caller, headers: &HeaderMap, from: Option<Position>) -> Result<Self> {
        let Caller::Person(person) = caller else { return Err(Error::unauthenticated("sign in first")) };
        let (config, total) = (&gateway.config, gateway.config.connections);
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let place = gateway.feeds.enter(person.user, "live feeds", config.feeds_per_person, total)?;
        let mut credentials = HeaderMap::new();
        for name in [header::COOKIE, header::AUTHORIZATION] {
            for value in headers.get_all(&name) {
                credentials.append(&name, value.clone());
            }
        }
        let hearing = gateway.platform.hints.subscribe(person.user, from);
        let ending = gateway.platform.background.ending();
        gateway.connected.add(1, &[]);
        let presence = Presence::begin(&gateway, &person);
        let watch = Watch { gateway, person, credentials, ticks: every(LOOK), asking: None, changed: false };
        Ok(Self { hearing, watch, beat: every(BEAT), ending, presence, _place: place })
    }

    pub fn hello(&self) -> String {
        frame::hello(self.hearing.position())
    }

    pub fn position(&self) -> Position {
        self.hearing.position()
    }

    /// Waits for what comes next. Cancel safe.
    pub async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            () = self.ending.cancelled() => Next::Bye,
            proven = self.watch.over() => if proven { Next::Over } else { Next::Unproven },
            heard = self.hearing.next() => match heard {
                Ok(Heard::Hints(hints)) => {
                    let changes = |kind: &str| CHANGES_RIGHTS.iter().any(|prefix| kind.starts_with(prefix));
                    self.watch.changed |= hints.iter().any(|(_, hint)| changes(&hint.kind));
                    Next::Frames(hints.iter().map(|(at, hint)| (frame::hint(*at, hint), Some(*at))).collect())
                }
                Ok(Heard::Lost(at)) => Next::Frames(vec![(frame::resync(at), Some(at))]),
                Err(error) => {
                    tracing::warn!(%error, "hints cannot be heard; a client is told to come again");
                    Next::Bye
                }
            },
            _ = self.beat.tick() => {
                if let Some(presence) = &self.presence {
                    presence.say();
                }
                let at = self.hearing.position();
                Next::Frames(vec![(frame::ping(at), Some(at))])
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.watch.gateway.connected.add(-1, &[]);
    }
}

impl Watch {
    /// Completes when the session is not what it was, or (`false`) when that cannot be found out: what
    /// cannot be proven to live does not go on. Cancel safe.
    pub async fn over(&mut self) -> bool {
        loop {
            let asking = match &mut self.asking {
                Some(asking) => asking,
                None => {
                    if !self.changed {
                        self.ticks.tick().await;
                    }
                    let (gateway, credentials) = (self.gateway.clone(), self.credentials.clone());
                    let anew = std::mem::take(&mut self.changed);
                    self.asking.insert(Box::pin(async move {
                        match anew {
                            true => gateway.caller_now(&credentials).await,
                            false => gateway.caller_lately(&credentials).await,
                        }
                    }))
                }
            };
            let caller = asking.await;
            self.asking = None;
            match caller {
                Ok(Caller::Person(person)) if person == self.person => {}
                Ok(_) => return true,
                Err(error) => {
                    tracing::warn!(%error, "the session of a live feed cannot be looked at; it is closed");
                    // a key that is refused is over; a service that does not answer says nothing
                    return error.code() == Code::Unauthenticated;
                }
            }
        }
    }
}
