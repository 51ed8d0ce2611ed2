//! What ai hears and what it tells the others.

use crate::{
    domain::{Lease, place_in_day},
    providers::Usage,
    repository::ledger::{Refusal, Reservation},
};
use chrono::{DateTime, Utc};
use platform::events::{Event, Topic};
use proto::{Message as _, ai::v1 as pb};
use std::time::Duration;
use uuid::Uuid;

/// What chat says.
pub const CHATS: Topic = platform::topic!("chat");
/// What user says.
pub const USERS: Topic = platform::topic!("user");
/// `ai-events`, keyed by reply.
pub const TOPIC: Topic = platform::topic!("ai");

/// How an attempt at a reply went.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub state: String,
    pub usage: Option<Usage>,
    /// Nobody but us has counted.
    pub estimated: bool,
    /// With what earlier attempts cost.
    pub cost: i64,
    /// From the start of the attempt to its first piece.
    pub first_piece: Option<Duration>,
    pub took: Duration,
}

/// `generation.finished`: one for each reply and attempt that ended.
pub fn generation_finished(lease: &Lease, account: &Account) -> Event {
    let payload = pb::GenerationFinished {
        chat: lease.chat_id.as_bytes().into(),
        reply: lease.reply_id.as_bytes().into(),
        attempt: lease.attempt,
        model: lease.model.clone(),
        state: account.state.clone(),
        usage: account.usage.map(|usage| usage_out(usage, account.estimated)),
        first_piece: account.first_piece.map(millis),
        took: millis(account.took),
        person: lease.space_id.as_bytes().into(),
        cost: u64::try_from(account.cost).unwrap_or(0),
        kind: "reply".into(),
    };
    Event {
        space: lease.space_id,
        aggregate: lease.reply_id,
        version: lease.attempt.into(),
        kind: "generation.finished",
        actor: None,
        payload: payload.encode_to_vec(),
        change: None,
    }
}

/// How a use that is no reply went.
#[derive(Clone, Debug)]
pub struct RequestAccount {
    pub state: &'static str,
    pub usage: Usage,
    pub estimated: bool,
    pub first_piece: Option<Duration>,
    pub took: Duration,
}

/// `request.finished`: one for each of them.
pub fn request_finished(open: &Reservation, account: &RequestAccount, cost: i64) -> Event {
    let payload = pb::RequestFinished {
        request: open.id.as_bytes().into(),
        person: open.space_id.as_bytes().into(),
        kind: open.kind.clone(),
        model: open.model.clone(),
        state: account.state.into(),
        usage: Some(usage_out(account.usage, account.estimated)),
        cost: u64::try_from(cost).unwrap_or(0),
        first_piece: account.first_piece.map(millis),
        took: millis(account.took),
        key: open.api_key.map(|key| key.as_bytes().into()).unwrap_or_default(),
    };
    Event {
        space: open.space_id,
        aggregate: open.id,
        version: 1,
        kind: "request.finished",
        actor: None,
        payload: payload.encode_to_vec(),
        change: None,
    }
}

/// `cap.reached`: the first refusal of a person's day.
pub fn cap_reached(space: Uuid, refusal: Refusal, now: DateTime<Utc>) -> Event {
    let payload = pb::CapReached {
        person: space.as_bytes().into(),
        scope: refusal.scope.into(),
        measure: refusal.measure.into(),
        resets_at: place_in_day(now).1.timestamp_millis(),
    };
    Event {
        space,
        aggregate: space,
        version: now.timestamp_millis(),
        kind: "cap.reached",
        actor: None,
        payload: payload.encode_to_vec(),
        change: None,
    }
}

fn usage_out(usage: Usage, estimated: bool) -> pb::Usage {
    pb::Usage { input: usage.input, output: usage.output, estimated }
}

/// `models.changed`: for everybody, so in no space.
pub fn models_changed(actor: Uuid, now: DateTime<Utc>) -> Event {
    Event {
        space: Uuid::nil(),
        aggregate: Uuid::nil(),
        version: now.timestamp_millis(),
        kind: "models.changed",
        actor: Some(actor),
        payload: pb::ModelsChanged {}.encode_to_vec(),
        change: None,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
