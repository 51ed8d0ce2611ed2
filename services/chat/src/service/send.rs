//! Sending: the person's message, the queued reply, the event and the answer to a repeated request
//! are stored in one transaction, or none of them is.

use super::Chats;
use crate::{
    domain::{Chat, Message, State, check_text, first_title},
    events,
    repository::{
        chats, messages,
        sends::{self, Send},
    },
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{Error, Result, db::Tx, failpoint, principal::Person};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
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
    key: String,
    request: Vec<u8>,
    asked: Asked,
    /// Refusals of a model wait for the look at the key: a repeated send is answered even when the
    /// model has gone meanwhile.
    model: Result<Option<String>>,
    reply: Uuid,
    now: DateTime<Utc>,
}

impl Chats {
    /// Stores a message and queues its reply. Durable when it returns; the same `key` with the same
    /// request gives the same answer.
    pub async fn send(&self, person: &Person, chat: Uuid, key: &str, asked: Asked) -> Result<Sent> {
        check_text(&asked.text, self.config.message_limit)?;
        let request = Sha256::digest(serde_json::to_vec(&(chat, &asked)).map_err(Error::internal)?).to_vec();
        let model = match (&asked.model, asked.parent_id) {
            (Some(id), _) => self.resolve_model(id).await.map(Some),
            (None, None) => self.resolve_model("").await.map(Some),
            (None, Some(_)) => Ok(None),
        };
        let draft = Arc::new(Draft {
            space: person.space(),
            actor: person.user,
            chat,
            key: key.into(),
            request,
            asked,
            model,
            reply: self.platform.ids.id(),
            now: self.platform.clock.now(),
        });
        let space = draft.space;
        let answer = self
            .platform
            .db
            .write(space, move |tx| {
                let draft = draft.clone();
                async move { store(tx, &draft).await }.boxed()
            })
            .await?;
        failpoint::hit("C2");
        serde_json::from_str(&answer).map_err(Error::internal)
    }
}

async fn store(tx: &mut Tx<'_>, draft: &Draft) -> Result<String> {
    if let Some(before) = sends::find(tx, draft.space, &draft.key).await? {
        if before.request == draft.request {
            return Ok(before.answer);
        }
        return Err(Error::mismatch(
            "this Idempotency-Key was used for another message; make a new key for a new message",
        ));
    }
    if messages::exists(tx, draft.space, draft.asked.id).await? {
        return Err(Error::conflict("a message with this id exists already; make a new id for a new message"));
    }
    let model = match &draft.model {
        Ok(model) => model.clone(),
        Err(error) => return Err(Error::new(error.code(), error.message())),
    };
    let (chat, is_new) = place(tx, draft, model).await?;
    let message = Message {
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
    };
    let reply = Message {
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
    if is_new {
        chats::insert(tx, draft.space, &chat, reply.id).await?;
    } else {
        chats::advance(tx, draft.space, &chat, reply.id).await?;
    }
    messages::insert(tx, draft.space, &message).await?;
    messages::insert(tx, draft.space, &reply).await?;
    let event = events::reply_asked(draft.space, draft.actor, "message.sent", chat.version, &reply);
    events::TOPIC.append(tx, event, draft.now).await?;

    let answer = serde_json::to_string(&Sent { chat, message, reply }).map_err(Error::internal)?;
    let send = Send { request: draft.request.clone(), answer };
    if !failpoint::mutant("no-idempotency") {
        sends::insert(tx, draft.space, &draft.key, &send, draft.now).await?;
    }
    failpoint::hit("C1");
    Ok(send.answer)
}

/// The chat as it will be, and whether it is new. The parent must be the active leaf and nothing
/// may be streaming there: nobody answers what they have not seen.
async fn place(tx: &mut Tx<'_>, draft: &Draft, model: Option<String>) -> Result<(Chat, bool)> {
    let Some(leaf) = chats::leaf(tx, draft.space, draft.chat).await? else {
        let Some(model) = model.filter(|_| draft.asked.parent_id.is_none()) else {
            return Err(Error::not_found("chat"));
        };
        let chat = Chat {
            id: draft.chat,
            title: first_title(&draft.asked.text),
            model,
            version: 1,
            created_at: draft.now,
            updated_at: draft.now,
            running: true,
        };
        return Ok((chat, true));
    };
    let mut chat = super::found(tx, draft.space, draft.chat).await?;
    if draft.asked.parent_id != Some(leaf) {
        let path = messages::path(tx, draft.space, leaf).await?;
        let seen = path.iter().position(|message| Some(message.id) == draft.asked.parent_id).map_or(0, |at| at + 1);
        return Err(
            Error::conflict("there are newer turns in this chat; look at them first").with("newer", &path[seen..])
        );
    }
    if chat.running {
        let newer: &[Message] = &[];
        return Err(
            Error::conflict("an answer is still being written here; wait for it or stop it").with("newer", newer)
        );
    }
    chat.model = model.unwrap_or(chat.model);
    chat.updated_at = draft.now;
    chat.running = true;
    Ok((chat, false))
}
