//! The branches of a chat: looking at them, and which of them is shown.

use super::{Chats, OpenChat, shown};
use crate::{
    domain::Node,
    events,
    repository::{chats, messages, tree},
};
use futures_util::FutureExt as _;
use platform::{Error, Result, db::Tx, principal::Person};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Every message of a chat, and where the shown path ends.
#[derive(Serialize, ToSchema)]
pub struct Tree {
    /// Each behind the one it follows, else the oldest first.
    pub nodes: Vec<Node>,
    pub active_leaf: Uuid,
}

impl Chats {
    pub async fn tree(&self, person: &Person, id: Uuid) -> Result<Tree> {
        let space = person.space();
        self.platform
            .db
            .read(space, move |tx| {
                async move {
                    let chat = super::found(tx, space, id).await?;
                    let active_leaf = chats::leaf(tx, space, chat.id).await?.unwrap_or_default();
                    Ok(Tree { nodes: tree::nodes(tx, space, chat.id).await?, active_leaf })
                }
                .boxed()
            })
            .await
    }

    /// Shows the branch that `message` lies on: down to the leaf under it that was looked at last.
    pub async fn switch(&self, person: &Person, id: Uuid, message: Uuid) -> Result<OpenChat> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        self.write(space, move |tx| {
            async move {
                let chat = super::found(tx, space, id).await?;
                let leaf = tree::leaf_under(tx, space, id, message).await?;
                let leaf = leaf.ok_or_else(|| Error::not_found("message"))?;
                if chats::leaf(tx, space, id).await? != Some(leaf) {
                    chats::look_at(tx, space, id, leaf).await?;
                    let event = events::chat_changed(space, Some(actor), "chat.switched", &chat, None);
                    events::TOPIC.append(tx, event, now).await?;
                }
                shown(tx, space, id).await
            }
            .boxed()
        })
        .await
    }

    /// Everything up to `message` was looked at.
    pub async fn read(&self, person: &Person, id: Uuid, message: Uuid) -> Result<()> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        // Most looks change nothing, and a look is no reason to wait for the disk.
        if !self.platform.db.read(space, move |tx| async move { waits(tx, space, id, message).await }.boxed()).await? {
            return Ok(());
        }
        self.write(space, move |tx| {
            async move {
                if waits(tx, space, id, message).await? {
                    let chat = super::found(tx, space, id).await?;
                    chats::mark_read(tx, space, id).await?;
                    let event = events::chat_changed(space, Some(actor), "chat.read", &chat, None);
                    events::TOPIC.append(tx, event, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// Whether looking at `message` is looking at what makes the chat unread.
async fn waits(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, message: Uuid) -> Result<bool> {
    let seen = messages::find(tx, space, chat, message).await?.ok_or_else(|| Error::not_found("message"))?;
    let unread = chats::unread(tx, space, chat).await?;
    Ok(unread.is_some_and(|unread| (unread.created_at, unread.id) <= (seen.created_at, seen.id)))
}
