//! Another answer to the same turn, beside the ones that are there.

use super::{Chats, Sent, replies, sent::Keyed};
use crate::{
    domain::{Message, State, check_instruction},
    events,
    repository::{chats, files, messages, tree},
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Tx,
    failpoint,
    principal::{Permission, Person},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// How the other answer shall be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Regenerating {
    /// The model to answer, `provider/model`; the chat's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How it shall differ: "shorter", "in French"; at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
}

struct Draft {
    space: Uuid,
    actor: Uuid,
    /// The reply that another one shall stand beside.
    beside: Uuid,
    keyed: Keyed,
    asked: Regenerating,
    model: Result<Option<String>>,
    reply: Uuid,
    now: DateTime<Utc>,
}

impl Chats {
    /// Queues another reply to the turn that `beside` answers. Durable when it returns; the same
    /// `key` with the same request gives the same answer.
    pub async fn regenerate(&self, person: &Person, beside: Uuid, key: &str, asked: Regenerating) -> Result<Sent> {
        person.require(Permission::ModelsUse)?;
        check_instruction(asked.instruction.as_deref())?;
        let model = match &asked.model {
            Some(id) => self.resolve_model(person, id).await.map(Some),
            None => Ok(None),
        };
        let draft = Arc::new(Draft {
            space: person.space(),
            actor: person.user,
            beside,
            keyed: Keyed::new(key, &("regenerate", beside, &asked))?,
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

async fn store(tx: &mut Tx<'_>, draft: &Draft) -> Result<(String, Vec<Uuid>)> {
    if let Some(answer) = draft.keyed.before(tx, draft.space).await? {
        return Ok((answer, Vec::new()));
    }
    let beside = replies::found(tx, draft.space, draft.beside).await?.message;
    let mut chat = super::found(tx, draft.space, beside.chat_id).await?;
    let parent = beside.parent_id.ok_or_else(|| Error::conflict("this answer belongs to no message"))?;
    let mut message =
        messages::find(tx, draft.space, chat.id, parent).await?.ok_or_else(|| Error::not_found("message"))?;
    let model = match &draft.model {
        Ok(model) => model.clone(),
        Err(error) => return Err(Error::new(error.code(), error.message())),
    };
    chat.model = model.unwrap_or(chat.model);
    let stopped = replies::stop_all(tx, draft.space, chat.id, draft.now).await?;
    let mut reply = Message {
        id: draft.reply,
        chat_id: chat.id,
        parent_id: Some(parent),
        role: "assistant".into(),
        text: String::new(),
        state: State::Queued,
        reason: None,
        model: Some(chat.model.clone()),
        attempt: 1,
        marks: Vec::new(),
        created_at: draft.now,
        finished_at: None,
        siblings: Vec::new(),
        attachments: Vec::new(),
    };
    messages::insert(tx, draft.space, &reply, draft.asked.instruction.as_deref()).await?;
    (chat.updated_at, chat.running) = (draft.now, true);
    chats::advance(tx, draft.space, &chat, reply.id).await?;
    files::fill(tx, draft.space, chat.id, std::slice::from_mut(&mut message)).await?;
    message.siblings = tree::children(tx, draft.space, chat.id, message.parent_id).await?;
    reply.siblings = tree::children(tx, draft.space, chat.id, reply.parent_id).await?;
    let event = events::reply_asked(draft.space, draft.actor, "reply.regenerated", chat.version, &reply, None);
    events::TOPIC.append(tx, event, draft.now).await?;

    let place = (draft.space, chat.id);
    let answer = draft.keyed.answer(tx, place, &Sent { chat, message, reply }, draft.now).await?;
    failpoint::hit("C1");
    Ok((answer, stopped))
}
