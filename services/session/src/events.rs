//! What session tells the others: ids, never tokens or devices; and what it does when it hears of an
//! account.

use crate::service::Sessions;
use chrono::DateTime;
use futures_util::FutureExt as _;
use platform::{
    Error, Platform,
    bus::{self, Limits},
    events::{Event, Topic},
};
use proto::{Message as _, session::v1::SessionChanged, user::v1::UserChanged};
use uuid::Uuid;

/// What user says.
const USERS: Topic = platform::topic!("user");

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

/// Ends sessions with the accounts they are of.
pub fn hear(platform: &Platform, sessions: &Sessions) {
    let sessions = sessions.clone();
    bus::consume(platform, "session", USERS, Limits::default(), move |delivery| {
        let sessions = sessions.clone();
        async move {
            // `user.created` says no time, and is nothing to do for
            let changed = UserChanged::decode(delivery.payload.as_slice()).map_err(Error::internal)?;
            let at = DateTime::from_timestamp_millis(changed.at).unwrap_or_default();
            sessions.follow_account(delivery.space, &delivery.kind, at).await
        }
        .boxed()
    });
}
