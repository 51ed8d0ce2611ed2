//! Events: facts and ids, never message text. Each service has one append-only table, written in
//! the transaction of the state change; it is outbox, audit trail and feed in one.

use crate::{Result, db::Tx};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A service's events: the topic's name, and the statements on its own table.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    pub name: &'static str,
    /// The group that tells people of its events (see [`crate::hints::relay`]).
    pub hints: &'static str,
    pub insert: &'static str,
    pub select: &'static str,
    /// The last position.
    pub newest: &'static str,
    /// Deletes some of the oldest: up to a position, before a time, so many at most.
    pub sweep: &'static str,
}

/// `topic!("chat")` is the topic `chat-events` over the table `chat_events`.
#[macro_export]
macro_rules! topic {
    ($service:literal) => {
        $crate::events::Topic {
            name: concat!($service, "-events"),
            hints: concat!($service, "-hints"),
            insert: concat!(
                "insert into ",
                $service,
                "_events (space_id, aggregate_id, version, kind, actor, payload, change, at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
            ),
            select: concat!(
                "select position, space_id, aggregate_id, version, kind, payload, at from ",
                $service,
                "_events where position > $1 order by position limit $2"
            ),
            newest: concat!("select coalesce(max(position), 0) from ", $service, "_events"),
            sweep: concat!(
                "delete from ",
                $service,
                "_events where position in (select position from ",
                $service,
                "_events where position <= $1 order by position limit $3) and position < coalesce((select position from ",
                $service,
                "_events where at >= $2 order by position limit 1), $1 + 1)"
            ),
        }
    };
}

/// A fact that other services may hear of.
#[derive(Clone, Debug)]
pub struct Event {
    pub space: Uuid,
    /// What it happened to; events of one aggregate stay in order.
    pub aggregate: Uuid,
    pub version: i64,
    /// `message.sent`, `user.created`…
    pub kind: &'static str,
    /// The person who did it; none for the system.
    pub actor: Option<Uuid>,
    /// Protobuf: ids and facts.
    pub payload: Vec<u8>,
    /// What was before (a title, a setting). Never leaves the service.
    pub change: Option<String>,
}

impl Topic {
    /// Writes `event` in the running transaction and wakes consumers once it is durable.
    ///
    /// # Errors
    /// As any statement.
    pub async fn append(self, tx: &mut Tx<'_>, event: Event, at: DateTime<Utc>) -> Result<()> {
        tx.query(self.insert)
            .bind(event.space)
            .bind(event.aggregate)
            .bind(event.version)
            .bind(event.kind)
            .bind(event.actor)
            .bind(event.payload)
            .bind(event.change)
            .bind(at)
            .run()
            .await?;
        tx.announce(self.name);
        Ok(())
    }
}
