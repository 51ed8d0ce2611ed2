//! What notification hears, and what it tells the others.

use crate::domain::Kind;
use platform::{
    Error, Result,
    bus::Delivery,
    events::{Event, Topic},
};
use proto::{
    Message as _, ai::v1 as ai, auth::v1 as auth, chat::v1 as chat, notification::v1 as pb, session::v1 as session,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// `notification-events`.
pub const TOPIC: Topic = platform::topic!("notification");

/// Everybody it listens to.
pub const HEARD: [Topic; 5] = [
    platform::topic!("chat"),
    platform::topic!("session"),
    platform::topic!("ai"),
    platform::topic!("auth"),
    platform::topic!("user"),
];

/// Something to do something about.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A notice for whoever's space it is, or for `person`.
    Notice {
        kind: Kind,
        person: Option<Uuid>,
        data: Value,
    },
    /// A sign-in, by which it is found out whether the device is new.
    Opened {
        session: Uuid,
    },
    PersonGone,
    Other,
}

/// # Errors
/// `internal` for a payload that is none.
pub fn read(delivery: &Delivery) -> Result<Heard> {
    let payload = delivery.payload.as_slice();
    Ok(match delivery.kind.as_str() {
        "reply.finished" => {
            let finished = chat::ReplyFinished::decode(payload).map_err(Error::internal)?;
            // Whoever stopped it knows.
            if finished.state == "stopped" {
                return Ok(Heard::Other);
            }
            let data =
                json!({ "chat_id": id(&finished.chat)?, "reply_id": id(&finished.reply)?, "state": finished.state });
            Heard::Notice { kind: Kind::ReplyFinished, person: None, data }
        }
        "export.ready" => {
            let data = json!({ "export_id": delivery.aggregate });
            Heard::Notice { kind: Kind::ExportReady, person: None, data }
        }
        "session.opened" => {
            let opened = session::SessionChanged::decode(payload).map_err(Error::internal)?;
            Heard::Opened { session: id(&opened.session)? }
        }
        "cap.reached" => {
            let reached = ai::CapReached::decode(payload).map_err(Error::internal)?;
            let resets_at = chrono::DateTime::from_timestamp_millis(reached.resets_at);
            let data = json!({ "scope": reached.scope, "resets_at": resets_at });
            Heard::Notice { kind: Kind::CapReached, person: Some(id(&reached.person)?), data }
        }
        "invitation.accepted" => {
            let accepted = auth::AuthChanged::decode(payload).map_err(Error::internal)?;
            if accepted.inviter.is_empty() {
                return Ok(Heard::Other);
            }
            let data = json!({ "person_id": id(&accepted.id)? });
            Heard::Notice { kind: Kind::InvitationAccepted, person: Some(id(&accepted.inviter)?), data }
        }
        "user.deleted" => Heard::PersonGone,
        _ => Heard::Other,
    })
}

fn id(bytes: &[u8]) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(Error::internal)
}

pub fn notice_created(space: Uuid, notice: Uuid) -> Event {
    changed(space, notice, notice, "notice.created", None)
}

/// `notice` is nil when all of them were read at once.
pub fn notice_read(space: Uuid, notice: Uuid) -> Event {
    changed(space, space, notice, "notice.read", Some(space))
}

fn changed(space: Uuid, aggregate: Uuid, notice: Uuid, kind: &'static str, actor: Option<Uuid>) -> Event {
    let payload = pb::NoticeChanged { notice: notice.as_bytes().into() }.encode_to_vec();
    Event { space, aggregate, version: 0, kind, actor, payload, change: None }
}
