//! What chat tells the others: ids and facts, never text.

use crate::domain::{Chat, DraftKey, Message, Project, State};
use platform::events::{Event, Topic};
use proto::{
    Message as _,
    chat::v1::{ChatChanged, ExportChanged, ProjectChanged, ReplyAsked, ReplyFinished},
};
use uuid::Uuid;

/// `chat-events`, keyed by chat.
pub const TOPIC: Topic = platform::topic!("chat");

/// `user-events`: whose account ended.
pub const USERS: Topic = platform::topic!("user");

/// `message.sent`, `reply.regenerated` for another reply beside the ones that are there, or
/// `reply.continued` for another attempt.
/// `ended` is how the attempt before this one did.
pub fn reply_asked(
    space: Uuid,
    actor: Uuid,
    kind: &'static str,
    version: i64,
    reply: &Message,
    ended: Option<State>,
) -> Event {
    let payload = ReplyAsked {
        chat: reply.chat_id.as_bytes().into(),
        message: reply.parent_id.map(|id| id.as_bytes().into()).unwrap_or_default(),
        reply: reply.id.as_bytes().into(),
        attempt: reply.attempt,
        model: reply.model.clone().unwrap_or_default(),
        ended: ended.map(State::name).unwrap_or_default().into(),
    };
    event(space, reply.chat_id, version, kind, Some(actor), payload.encode_to_vec())
}

pub fn reply_finished(space: Uuid, reply: &Message) -> Event {
    let payload = ReplyFinished {
        chat: reply.chat_id.as_bytes().into(),
        reply: reply.id.as_bytes().into(),
        attempt: reply.attempt,
        state: reply.state.name().into(),
    };
    event(space, reply.chat_id, 0, "reply.finished", None, payload.encode_to_vec())
}

/// `before` is what the change replaced; it never leaves the service.
pub fn chat_changed(space: Uuid, actor: Option<Uuid>, kind: &'static str, chat: &Chat, before: Option<&Chat>) -> Event {
    let payload = ChatChanged { chat: chat.id.as_bytes().into() };
    let mut event = event(space, chat.id, chat.version, kind, actor, payload.encode_to_vec());
    event.change = before.and_then(|before| serde_json::to_string(before).ok());
    event
}

/// `chats.archived`, `chats.deleted`: all of a space at once.
pub fn all_changed(space: Uuid, actor: Uuid, kind: &'static str) -> Event {
    event(space, space, 0, kind, Some(actor), Vec::new())
}

/// `project.created`, `project.changed`, `project.deleted`, `project.restored`. `before` as above.
pub fn project_changed(
    space: Uuid,
    actor: Uuid,
    kind: &'static str,
    project: &Project,
    before: Option<&Project>,
) -> Event {
    let payload = ProjectChanged { project: project.id.as_bytes().into() };
    let mut event = event(space, project.id, project.version, kind, Some(actor), payload.encode_to_vec());
    event.change = before.and_then(|before| serde_json::to_string(before).ok());
    event
}

/// `import.changed`: it goes on, or is through.
pub fn import_changed(space: Uuid, import: Uuid) -> Event {
    event(space, import, 0, "import.changed", None, Vec::new())
}

/// `export.changed`, `export.ready`, `export.failed`
pub fn export_changed(space: Uuid, kind: &'static str, export: Uuid) -> Event {
    let payload = ExportChanged { export: export.as_bytes().into() };
    event(space, export, 0, kind, None, payload.encode_to_vec())
}

/// `draft.changed`: of a chat, of a project, or (with the space's own id) of a chat not begun yet.
pub fn draft_changed(space: Uuid, actor: Uuid, key: DraftKey, version: i64) -> Event {
    let of = match key {
        DraftKey::New => space,
        DraftKey::Of(id) => id,
    };
    event(space, of, version, "draft.changed", Some(actor), Vec::new())
}

fn event(
    space: Uuid,
    aggregate: Uuid,
    version: i64,
    kind: &'static str,
    actor: Option<Uuid>,
    payload: Vec<u8>,
) -> Event {
    Event { space, aggregate, version, kind, actor, payload, change: None }
}
