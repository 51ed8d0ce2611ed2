//! The `hints` port: what changed, told to whoever is connected. A hint names a thing and its
//! version and holds nothing of it; who hears one fetches the thing anew. Hints are not stored: who
//! was away for too long, or comes back after a restart, is told so and fetches everything.

mod memory;

pub use memory::{MemoryHints, Options};

use crate::{
    Platform, Result,
    bus::{self, Delivery, Limits},
    events::Topic,
    streams::Position,
};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use std::sync::Arc;
use uuid::Uuid;

/// Whom a hint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The person who owns this space.
    Person(Uuid),
    /// Whoever is connected.
    Everybody,
}

impl Audience {
    /// Whose an event is: a space has its owner's id, and what belongs to the instance has the nil one.
    #[must_use]
    pub const fn of_space(space: Uuid) -> Self {
        if space.is_nil() { Self::Everybody } else { Self::Person(space) }
    }
}

/// That something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// An event's kind: `chat.renamed`, `message.sent`…
    pub kind: Arc<str>,
    /// What it happened to.
    pub id: Uuid,
    /// Its version after it; 0 for what has none.
    pub version: i64,
}

/// What a listener is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next hints in order, at least one, each with its place.
    Hints(Vec<(Position, Hint)>),
    /// Some are no longer known, or never were here: fetch everything. It goes on behind here.
    Lost(Position),
}

/// Hints for people who are connected. Bounded: nobody's absence costs memory.
#[async_trait]
pub trait Hints: Send + Sync {
    /// Tells `audience`; who is not connected may miss it.
    ///
    /// # Errors
    /// `unavailable` when it cannot be told.
    async fn publish(&self, audience: Audience, hint: Hint) -> Result<()>;

    /// Hears what is for `person`: behind `from`, or from now on.
    fn subscribe(&self, person: Uuid, from: Option<Position>) -> Box<dyn Hearing>;
}

/// One listener's place. Dropping it ends the listening.
#[async_trait]
pub trait Hearing: Send {
    /// What comes next; waits for it. Cancel safe: a dropped call loses nothing.
    ///
    /// # Errors
    /// `unavailable` when the adapter is out of reach.
    async fn next(&mut self) -> Result<Heard>;

    /// Behind what has been heard: who comes back from here misses nothing.
    fn position(&self) -> Position;
}

/// Tells people of every event of `topic`, called once by the service whose topic it is.
pub fn relay(platform: &Platform, topic: Topic) {
    let hints = platform.hints.clone();
    bus::consume(platform, topic.hints, topic, Limits::default(), move |delivery| {
        let hints = hints.clone();
        async move { hints.publish(Audience::of_space(delivery.space), hint(&delivery)).await }.boxed()
    });
}

fn hint(delivery: &Delivery) -> Hint {
    Hint { kind: delivery.kind.as_str().into(), id: delivery.aggregate, version: delivery.version }
}
