//! What session tells the others: ids, never tokens or devices.

use platform::events::{Event, Topic};
use proto::{Message as _, session::v1::SessionChanged};
use uuid::Uuid;

/// `session-events`, keyed by user.
pub const TOPIC: Topic = platform::topic!("session");

/// `session.opened`, `session.closed`
pub fn changed(user: Uuid, kind: &'static str, session: Uuid) -> Event {
    let payload = SessionChanged { session: session.as_bytes().into() };
    Event {
        space: user,
        aggregate: user,
        version: 0,
        kind,
        actor: Some(user),
        payload: payload.encode_to_vec(),
        change: None,
    }
}
