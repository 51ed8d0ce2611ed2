//! The event bus port: a durable log; each group sees every event; events of one aggregate come
//! in order. Delivery is at least once, so consumers are idempotent.

mod consume;
mod tables;

pub use consume::{Limits, consume};
pub(crate) use tables::MIGRATIONS;
pub use tables::TableBus;

use crate::{Result, events::Topic};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// An event on its way to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where it stands in the topic; grows along the topic.
    pub position: i64,
    pub space: Uuid,
    /// Events of one aggregate are delivered in order.
    pub aggregate: Uuid,
    /// The aggregate's version after it; 0 for what raises none.
    pub version: i64,
    pub kind: String,
    pub payload: Vec<u8>,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// Where events are read. They are published by writing them (see [`crate::events`]).
#[async_trait]
pub trait Bus: Send + Sync {
    /// Reads `topic` for `group`, from after what the group has committed.
    ///
    /// # Errors
    /// When the log cannot be reached.
    async fn subscribe(&self, group: &'static str, topic: Topic) -> Result<Box<dyn Subscription>>;

    /// How far each group of this process is behind.
    ///
    /// # Errors
    /// When the log cannot be reached.
    async fn lag(&self) -> Result<Vec<Lag>>;

    /// Deletes events from before `before` that every group of this process has had, and answers how
    /// many those were. A topic that nobody here reads keeps all of its events.
    ///
    /// # Errors
    /// When the log cannot be reached; what was deleted until then stays deleted.
    async fn sweep(&self, before: DateTime<Utc>) -> Result<u64>;
}

/// How far a group is behind the end of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    pub group: &'static str,
    pub topic: &'static str,
    /// Positions it has not committed yet; some may hold no event.
    pub behind: i64,
    /// Events that it has put aside.
    pub buried: i64,
}

/// One group's reading of one topic.
#[async_trait]
pub trait Subscription: Send {
    /// The next events, at least one; waits for them. Cancel-safe.
    ///
    /// # Errors
    /// When the log cannot be reached; the next call tries again.
    async fn next(&mut self) -> Result<Vec<Delivery>>;

    /// Everything up to and including `position` has had its effect: after a restart the group goes
    /// on behind it.
    ///
    /// # Errors
    /// When it could not be stored; the events will be delivered again.
    async fn commit(&mut self, position: i64) -> Result<()>;

    /// Puts an event aside that could not be handled.
    ///
    /// # Errors
    /// When it could not be stored.
    async fn bury(&mut self, delivery: &Delivery, why: &str) -> Result<()>;
}
