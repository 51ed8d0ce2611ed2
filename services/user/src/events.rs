//! What user tells the others: ids, never names or addresses.

use crate::domain::Account;
use platform::events::{Event, Topic};
use proto::{Message as _, user::v1::UserCreated};

/// `user-events`, keyed by user.
pub const TOPIC: Topic = platform::topic!("user");

/// `user.created`: by nobody who was signed in.
pub fn created(account: &Account) -> Event {
    let payload = UserCreated { user: account.id.as_bytes().into() };
    Event {
        space: account.id,
        aggregate: account.id,
        version: 1,
        kind: "user.created",
        actor: None,
        payload: payload.encode_to_vec(),
        change: None,
    }
}
