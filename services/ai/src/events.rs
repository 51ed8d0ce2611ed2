//! What ai hears and what it tells the others.

use crate::{domain::Lease, providers::Usage};
use chrono::{DateTime, Utc};
use platform::events::{Event, Topic};
use proto::{Message as _, ai::v1 as pb};
use std::time::Duration;
use uuid::Uuid;

/// What chat says.
pub const CHATS: Topic = platform::topic!("chat");
/// `ai-events`, keyed by reply.
pub const TOPIC: Topic = platform::topic!("ai");

/// How an attempt went.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub state: String,
    pub usage: Option<Usage>,
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
        usage: account.usage.map(|usage| pb::Usage { input: usage.input, output: usage.output, estimated: false }),
        first_piece: account.first_piece.map(millis),
        took: millis(account.took),
        person: lease.space_id.as_bytes().into(),
        cost: 0,
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
