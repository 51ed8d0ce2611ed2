//! Sending: the person's message, the queued reply, the event and the answer to a repeated request
//! are stored in one transaction, or none of them is.

use super::{
    Chats,
    files::{PER_MESSAGE, attach},
    replies,
    search::index_title,
    sent::Keyed,
};
use crate::{
    domain::{Chat, Indexed, Message, State, check_text, first_title, instructions},
    events,
    repository::{
        chats, messages, projects,
        search::{self, Document},
        tree,
    },
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Tx,
    failpoint,
    principal::{Permission, Person},
};
use proto::user::v1::ByIdRequest;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a person sends.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Made by the client (UUIDv7), unique for ever.
    pub id: Uuid,
    /// The message this one answers: the active leaf; none in a new chat.
    pub parent_id: Option<Uuid>,
    pub text: String,
    /// The model to answer, `provider/model`; the chat's, or the default, when absent.
    #[serde(default)]
    pub model: Option<String>,
    /// Another version of what was said after `parent_id`: the path that was shown is kept beside it,
    /// and an answer that is being written there is stopped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub branch: bool,
    /// The project that a new chat begins in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<Uuid>,
    /// Files that were kept before, at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Uuid>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What a send is answered with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sent {
    pub chat: Chat,
    pub message: Message,
    /// Queued; its text comes on its stream.
    pub reply: Message,
}

/// A send with everything decided that the transaction may not decide.
struct Draft {
    space: Uuid,
    actor: Uuid,
    chat: Uuid,
    keyed: Keyed,
    asked: Asked,
    /// Refusals of a model wait for the look at the key: a repeated send is answered even when the
    /// model has gone meanwhile.
    model: Result<Option<String>>,
    reply: Uuid,
    now: DateTime<Utc>,
    /// Of a new chat: what the person wants models to know.
    instructions: Option<String>,
    /// Made here: a long text takes a while, and the transaction is everybody's.
    words: Indexed,
}

impl Chats {
    /// Stores a message and queues its reply. Durable when it returns; the same `key` with the same
    /// request gives the same answer.
    pub async fn send(&self, person: &Person, chat: Uuid, key: &str, asked: Asked) -> Result<Sent> {
        person.require(Permission::ModelsUse)?;
        if !asked.text.trim().is_empty() || asked.attachments.is_empty() {
            check_text(&asked.text, self.config.message_limit)?;
        }
        if asked.attachments.len() > PER_MESSAGE {
            return Err(Error::invalid("attachments", format!("are more than {PER_MESSAGE}; send them in parts")));
        }
        let model = match (&asked.model, asked.parent_id) {
            (Some(id), _) => self.resolve_model(person, id).await.map(Some),
            (None, None) if !asked.branch => self.resolve_model(person, "").await.map(Some),
            (None, _) => Ok(None),
        };
        let instructions = match asked.parent_id {
            None if !asked.branch => {
                let request = ByIdRequest { id: person.user.as_bytes().into() };
                instructions(&self.user.clone().instructions(request).await?.into_inner())
            }
            _ => None,
        };
        let draft = Arc::new(Draft {
            space: person.space(),
            actor: person.user,
            chat,
            keyed: Keyed::new(key, &(chat, &asked))?,
            words: Indexed::new(person.space(), &asked.text),
            instructions,
            asked,
            model,
            reply: self.platform.ids.id(),
            now: self.platform.clock.now(),
        });
        let space = draft.space;
        let (answer, stopped) = self
            .write(space, move |tx| {
                let draft = draft.clone();
                async move { store(tx, &draft).await }.boxed()
            })
            .await?;
        failpoint::hit("C2");
        self.nudge(stopped).await?;
        serde_json::from_str(&answer).map_err(Error::internal)
    }
}

/// The answer, and the replies that were asked to stop.
async fn store(tx: &mut Tx<'_>, draft: &Draft) -> Result<(String, Vec<Uuid>)> {
    if let Some(answer) = draft.keyed.before(tx, draft.space).await? {
        return Ok((answer, Vec::new()));
    }
    if messages::exists(tx, draft.space, draft.asked.id).await? {
        return Err(Error::conflict("a message with this id exists already; make a new id for a new message"));
    }
    let model = match &draft.model {
        Ok(model) => model.clone(),
        Err(error) => return Err(Error::new(error.code(), error.message())),
    };
    let Place { mut chat, is_new, stopped } = place(tx, draft, model).await?;
    let mut message = Message {
        id: draft.asked.id,
        chat_id: chat.id,
        parent_id: draft.asked.parent_id,
        role: "user".into(),
        text: draft.asked.text.clone(),
        state: State::Complete,
        reason: None,
        model: None,
        attempt: 0,
        marks: Vec::new(),
        created_at: draft.now,
        finished_at: Some(draft.now),
        siblings: Vec::new(),
        attachments: Vec::new(),
    };
    let mut reply = Message {
        id: draft.reply,
        parent_id: Some(message.id),
        role: "assistant".into(),
        text: String::new(),
        state: State::Queued,
        model: Some(chat.model.clone()),
        attempt: 1,
        finished_at: None,
        ..message.clone()
    };
    messages::insert(tx, draft.space, &message, None).await?;
    messages::insert(tx, draft.space, &reply, None).await?;
    attach(tx, draft.space, &mut message, &draft.asked.attachments).await?;
    if is_new {
        if chat.title.is_empty()
            && let Some(file) = message.attachments.first()
        {
            chat.title = first_title(&file.name);
        }
        chats::insert(tx, draft.space, &chat, reply.id, draft.instructions.as_deref()).await?;
        chats::look_at(tx, draft.space, chat.id, reply.id).await?;
        index_title(tx, draft.space, &chat).await?;
    } else {
        chats::advance(tx, draft.space, &chat, reply.id).await?;
    }
    let document = Document::Message(message.id);
    search::put(tx, draft.space, chat.id, document, draft.now, &draft.words).await?;
    message.siblings = tree::children(tx, draft.space, chat.id, message.parent_id).await?;
    reply.siblings = vec![reply.id];
    let event = events::reply_asked(draft.space, draft.actor, "message.sent", chat.version, &reply, None);
    events::TOPIC.append(tx, event, draft.now).await?;

    let place = (draft.space, chat.id);
    let answer = draft.keyed.answer(tx, place, &Sent { chat, message, reply }, draft.now).await?;
    failpoint::hit("C1");
    Ok((answer, stopped))
}

/// Where a send goes: the chat as it will be.
struct Place {
    chat: Chat,
    is_new: bool,
    stopped: Vec<Uuid>,
}

async fn place(tx: &mut Tx<'_>, draft: &Draft, model: Option<String>) -> Result<Place> {
    let Some(leaf) = chats::leaf(tx, draft.space, draft.chat).await? else {
        let Some(model) = model.filter(|_| draft.asked.parent_id.is_none()) else {
            return Err(Error::not_found("chat"));
        };
        if let Some(project) = draft.asked.project_id {
            projects::find(tx, draft.space, project).await?.ok_or_else(|| Error::not_found("project"))?;
        }
        let chat = Chat {
            id: draft.chat,
            title: first_title(&draft.asked.text),
            model,
            version: 1,
            created_at: draft.now,
            updated_at: draft.now,
            running: true,
            pinned: false,
            archived: false,
            project_id: draft.asked.project_id,
            unread: false,
            deleted_at: None,
        };
        return Ok(Place { chat, is_new: true, stopped: Vec::new() });
    };
    let mut chat = super::found(tx, draft.space, draft.chat).await?;
    let stopped = if draft.asked.branch {
        branch_off(tx, draft, &chat).await?
    } else {
        follow_on(tx, draft, leaf).await?;
        Vec::new()
    };
    chat.model = model.unwrap_or(chat.model);
    chat.updated_at = draft.now;
    chat.running = true;
    Ok(Place { chat, is_new: false, stopped })
}

/// The parent must be the active leaf and nothing may be streaming there: nobody answers what they
/// have not seen.
async fn follow_on(tx: &mut Tx<'_>, draft: &Draft, leaf: Uuid) -> Result<()> {
    if draft.asked.parent_id != Some(leaf) {
        let path = tree::shown(tx, draft.space, draft.chat, leaf).await?;
        let seen = path.iter().position(|message| Some(message.id) == draft.asked.parent_id).map_or(0, |at| at + 1);
        return Err(
            Error::conflict("there are newer turns in this chat; look at them first").with("newer", &path[seen..])
        );
    }
    // One on another branch that was asked to stop is as good as ended.
    let running = messages::running(tx, draft.space, draft.chat).await?;
    if running.iter().any(|reply| reply.message.id == leaf || !reply.stop_asked) {
        let newer: &[Message] = &[];
        return Err(
            Error::conflict("an answer is still being written here; wait for it or stop it").with("newer", newer)
        );
    }
    Ok(())
}

/// Another version of a turn. Whatever is being written in the chat stops: a person reads one answer
/// at a time.
async fn branch_off(tx: &mut Tx<'_>, draft: &Draft, chat: &Chat) -> Result<Vec<Uuid>> {
    if let Some(parent) = draft.asked.parent_id {
        let parent =
            messages::find(tx, draft.space, chat.id, parent).await?.ok_or_else(|| Error::not_found("message"))?;
        if !parent.state.is_terminal() {
            return Err(Error::conflict("the answer before this turn is still being written; wait for it or stop it"));
        }
    }
    replies::stop_all(tx, draft.space, chat.id, draft.now).await
}
