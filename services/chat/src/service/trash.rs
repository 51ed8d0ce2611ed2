//! The trash: into it, out of it, and for good.

use super::{Chats, replies};
use crate::{
    domain::Chat,
    events,
    repository::{chats, messages, trash},
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Code, Error, Result,
    db::{Db, Tx},
    principal::Person,
};
use uuid::Uuid;

impl Chats {
    /// Moves a chat to the trash and stops its answer. What the answer had is still stored.
    pub async fn delete(&self, person: &Person, id: Uuid) -> Result<()> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let stopped = self
            .write(space, move |tx| {
                async move {
                    let mut chat = super::found(tx, space, id).await?;
                    trash::put(tx, space, id, now).await?;
                    chat.version += 1;
                    let event = events::chat_changed(space, Some(actor), "chat.deleted", &chat, None);
                    events::TOPIC.append(tx, event, now).await?;
                    replies::stop_all(tx, space, id, now).await
                }
                .boxed()
            })
            .await?;
        self.nudge(stopped).await
    }

    /// Moves every chat to the trash; answers how many.
    pub async fn delete_all(&self, person: &Person) -> Result<u64> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let (deleted, stopped) = self
            .write(space, move |tx| {
                async move {
                    let mut stopped = Vec::new();
                    for mut reply in messages::running_anywhere(tx, space).await? {
                        replies::stop(tx, space, &mut reply, true, now).await?;
                        stopped.push(reply.message.id);
                    }
                    let deleted = trash::put_all(tx, space, now).await?;
                    if deleted > 0 {
                        events::TOPIC.append(tx, events::all_changed(space, actor, "chats.deleted"), now).await?;
                    }
                    Ok((deleted, stopped))
                }
                .boxed()
            })
            .await?;
        self.nudge(stopped).await?;
        Ok(deleted)
    }

    /// Takes a chat out of the trash.
    pub async fn restore(&self, person: &Person, id: Uuid) -> Result<Chat> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        self.write(space, move |tx| {
            async move {
                let changed = trash::take(tx, space, id).await?;
                let chat = super::found(tx, space, id).await?;
                if changed {
                    let event = events::chat_changed(space, Some(actor), "chat.restored", &chat, None);
                    events::TOPIC.append(tx, event, now).await?;
                }
                Ok(chat)
            }
            .boxed()
        })
        .await
    }

    /// Erases a chat, from wherever it is. An answer that is being written ends without being stored.
    pub async fn erase(&self, person: &Person, id: Uuid) -> Result<()> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let stopped =
            self.write(space, move |tx| async move { erase(tx, space, id, Some(actor), now).await }.boxed()).await?;
        self.nudge(stopped).await
    }
}

/// Erases a chat that a restored database still has; whether it had it.
///
/// # Errors
/// As any transaction.
pub async fn erase_again(db: &Db, space: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    db.write(space, move |tx| {
        async move {
            match erase(tx, space, id, None, now).await {
                Err(error) if error.code() == Code::NotFound => Ok(false),
                erased => erased.map(|_| true),
            }
        }
        .boxed()
    })
    .await
}

/// Within a transaction: everything of a chat. Answers which replies were being written.
pub(super) async fn erase(
    tx: &mut Tx<'_>,
    space: Uuid,
    id: Uuid,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    let mut chat = chats::find_anywhere(tx, space, id).await?.ok_or_else(|| Error::not_found("chat"))?;
    let running = messages::running(tx, space, id).await?;
    trash::erase(tx, space, id).await?;
    chat.version += 1;
    events::TOPIC.append(tx, events::chat_changed(space, actor, "chat.erased", &chat, None), now).await?;
    Ok(running.into_iter().map(|reply| reply.message.id).collect())
}
