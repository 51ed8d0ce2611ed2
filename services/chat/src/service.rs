//! What can be done with conversations. Makes ids and times; the repository stores what it is
//! given.

mod replies;
mod send;

pub use replies::{Context, End};
pub use send::{Asked, Sent};

use crate::{
    config::Config,
    domain::{Chat, Message, check_title},
    events,
    repository::{chats, messages, sends},
};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use platform::{
    Error, Platform, Result,
    db::{Scope, Tx},
    peers::Peer,
    principal::Person,
};
use proto::ai::v1::{ResolveModelRequest, ai_client::AiClient};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

pub use chats::Cursor;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Chats {
    pub(crate) platform: Platform,
    config: Arc<Config>,
    ai: AiClient<Peer>,
}

impl Chats {
    pub fn new(platform: &Platform, config: Config) -> Self {
        Self { ai: AiClient::new(platform.peer("ai")), platform: platform.clone(), config: Arc::new(config) }
    }

    pub async fn check(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// A page of the list, newest activity first, and where the next one begins.
    pub async fn list(
        &self,
        person: &Person,
        before: Option<Cursor>,
        limit: i64,
    ) -> Result<(Vec<Chat>, Option<Cursor>)> {
        let space = person.space();
        let mut page = self
            .platform
            .db
            .read(space, move |tx| async move { chats::list(tx, space, before, limit + 1).await }.boxed())
            .await?;
        let more = i64::try_from(page.len()).unwrap_or(i64::MAX) > limit;
        if more {
            page.pop();
        }
        let next = page.last().filter(|_| more).map(|last| Cursor { updated_at: last.updated_at, id: last.id });
        Ok((page, next))
    }

    /// A chat and the path that leads to its active leaf.
    pub async fn open(&self, person: &Person, id: Uuid) -> Result<(Chat, Vec<Message>)> {
        let space = person.space();
        self.platform
            .db
            .read(space, move |tx| {
                async move {
                    let chat = found(tx, space, id).await?;
                    let leaf = chats::leaf(tx, space, id).await?.unwrap_or_default();
                    Ok((chat, messages::path(tx, space, leaf).await?))
                }
                .boxed()
            })
            .await
    }

    /// Refuses a change that was based on an older version, with the newest state.
    pub async fn rename(&self, person: &Person, id: Uuid, title: &str, version: i64) -> Result<Chat> {
        let (space, actor, now, title) = (person.space(), person.user, self.platform.clock.now(), check_title(title)?);
        self.platform
            .db
            .write(space, move |tx| {
                let title = title.clone();
                async move {
                    let mut chat = found(tx, space, id).await?;
                    if chat.version != version {
                        return Err(Error::stale("the chat was changed meanwhile; look at it and decide again")
                            .with("current", &chat));
                    }
                    let before = std::mem::replace(&mut chat.title, title);
                    chat.version += 1;
                    chats::rename(tx, space, &chat).await?;
                    let event = events::chat_changed(space, actor, "chat.renamed", &chat, Some(before));
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(chat)
                }
                .boxed()
            })
            .await
    }

    /// Moves a chat to the trash and stops its answer. What the answer had is still stored.
    pub async fn delete(&self, person: &Person, id: Uuid) -> Result<()> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let stopped = self
            .platform
            .db
            .write(space, move |tx| {
                async move {
                    let mut chat = found(tx, space, id).await?;
                    chats::set_deleted(tx, space, id, Some(now)).await?;
                    chat.version += 1;
                    let event = events::chat_changed(space, actor, "chat.deleted", &chat, None);
                    events::TOPIC.append(tx, event, now).await?;
                    let mut stopped = Vec::new();
                    for mut reply in messages::running(tx, space, id).await? {
                        replies::stop(tx, space, &mut reply, true, now).await?;
                        stopped.push(reply.message.id);
                    }
                    Ok(stopped)
                }
                .boxed()
            })
            .await?;
        for reply in stopped {
            self.platform.streams.nudge(reply).await?;
        }
        Ok(())
    }

    /// Takes a chat out of the trash.
    pub async fn restore(&self, person: &Person, id: Uuid) -> Result<Chat> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        self.platform
            .db
            .write(space, move |tx| {
                async move {
                    let changed = chats::set_deleted(tx, space, id, None).await?;
                    let chat = found(tx, space, id).await?;
                    if changed {
                        let event = events::chat_changed(space, actor, "chat.restored", &chat, None);
                        events::TOPIC.append(tx, event, now).await?;
                    }
                    Ok(chat)
                }
                .boxed()
            })
            .await
    }

    /// The model that `id` names, or the default for an empty one.
    async fn resolve_model(&self, id: &str) -> Result<String> {
        let request = ResolveModelRequest { id: id.into(), ..ResolveModelRequest::default() };
        Ok(self.ai.clone().resolve_model(request).await?.into_inner().id)
    }

    /// Sends are remembered for a while, not for ever.
    pub async fn forget_old_sends(self) {
        loop {
            let oldest = self.platform.clock.now() - TimeDelta::hours(self.config.remember_sends_hours.into());
            let forgotten = self
                .platform
                .db
                .write(Scope::System, move |tx| async move { sends::forget(tx, oldest).await }.boxed())
                .await;
            match forgotten {
                Ok(1000..) => {}
                Ok(_) => tokio::time::sleep(Duration::from_secs(3600)).await,
                Err(error) => {
                    tracing::warn!(%error, "old sends could not be forgotten");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }
}

async fn found(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Chat> {
    chats::find(tx, space, id).await?.ok_or_else(|| Error::not_found("chat"))
}
