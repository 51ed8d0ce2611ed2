//! What user tells the others: ids, never names or addresses.

use crate::domain::Account;
use chrono::{DateTime, Utc};
use platform::events::{Event, Topic};
use proto::{
    Message as _,
    user::v1::{UserChanged, UserCreated},
};
use uuid::Uuid;

/// `user-events`, keyed by user.
pub const TOPIC: Topic = platform::topic!("user");

/// `user.created`
pub fn created(account: &Account, actor: Option<Uuid>) -> Event {
    let payload = UserCreated { user: account.id.as_bytes().into() };
    event(account, "user.created", actor, payload.encode_to_vec())
}

/// `user.updated`, `user.disabled`, `user.leaving`, `user.deleted`
pub fn changed(account: &Account, kind: &'static str, actor: Option<Uuid>, at: DateTime<Utc>) -> Event {
    let payload = UserChanged { user: account.id.as_bytes().into(), at: at.timestamp_millis() };
    event(account, kind, actor, payload.encode_to_vec())
}

fn event(account: &Account, kind: &'static str, actor: Option<Uuid>, payload: Vec<u8>) -> Event {
    Event { space: account.id, aggregate: account.id, version: account.version, kind, actor, payload, change: None }
}
