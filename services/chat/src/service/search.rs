//! Finding chats and messages again, in all branches.

use super::Chats;
use crate::{
    domain::{Chat, Indexed, Piece, Sought},
    repository::{
        chats,
        search::{self, Document, Hit},
    },
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Result,
    db::{Scope, Tx},
    principal::Person,
};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};
use utoipa::ToSchema;
use uuid::Uuid;

/// Something that was found.
#[derive(Serialize, ToSchema)]
pub struct Found {
    pub chat: Chat,
    /// The message; none when it is the chat's title.
    pub message_id: Option<Uuid>,
    /// Whose message it is: `user` or `assistant`.
    pub role: Option<String>,
    /// The text around it.
    pub snippet: Vec<Piece>,
    /// When it was written.
    pub at: DateTime<Utc>,
}

/// The most of a query that is looked at, in characters.
const QUERY: usize = 500;

/// The most messages of one chat: further ones are found by opening it.
const OF_ONE_CHAT: usize = 3;

impl Chats {
    /// The best of what matches, titles and messages.
    pub async fn search(&self, person: &Person, typed: &str, limit: usize) -> Result<Vec<Found>> {
        let space = person.space();
        let typed: String = typed.chars().take(QUERY).collect();
        let sought = Sought::read(&typed);
        if sought.is_empty() {
            return Ok(Vec::new());
        }
        let (titles, texts) = (sought.expression(space, "title"), sought.expression(space, "text"));
        // Several messages of one chat may stand before those of another.
        let most = i64::try_from(limit * OF_ONE_CHAT).unwrap_or(i64::MAX);
        let mut hits = self
            .platform
            .db
            .read(space, move |tx| {
                let (titles, texts) = (titles.clone(), texts.clone());
                async move {
                    let mut hits = search::find(tx, space, &titles, most).await?;
                    hits.append(&mut search::find(tx, space, &texts, most).await?);
                    Ok(hits)
                }
                .boxed()
            })
            .await?;
        hits.sort_by_key(|hit| std::cmp::Reverse((hit.score, hit.place)));
        let mut seen: HashMap<Uuid, usize> = HashMap::new();
        hits.retain(|hit| {
            let count = seen.entry(hit.chat.id).or_default();
            *count += 1;
            *count <= OF_ONE_CHAT
        });
        hits.truncate(limit);
        let found = hits.into_iter().map(|hit: Hit| Found {
            snippet: sought.snippet(&hit.text),
            at: hit.at(),
            chat: hit.chat,
            message_id: hit.message,
            role: hit.role,
        });
        Ok(found.collect())
    }

    /// Makes chats findable that were written before there was a search, some at a time.
    pub async fn index_backlog(self) {
        loop {
            match self.index_some().await {
                Ok(0) => return,
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => {
                    tracing::warn!(%error, "older chats could not be made findable; trying again");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }

    async fn index_some(&self) -> Result<usize> {
        let waiting =
            self.platform.db.read(Scope::System, |tx| async move { search::waiting(tx, 20).await }.boxed()).await?;
        let found = waiting.len();
        for chat in waiting {
            let (space, id) = (chat.space_id, chat.chat_id);
            self.platform.db.write(space, move |tx| async move { index_chat(tx, space, id).await }.boxed()).await?;
        }
        Ok(found)
    }
}

/// Within a transaction: makes the title and every finished message of a chat findable.
pub(super) async fn index_chat(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<()> {
    search::remove(tx, space, id).await?;
    let Some(chat) = chats::find_anywhere(tx, space, id).await? else { return Ok(()) };
    index_title(tx, space, &chat).await?;
    for message in search::texts(tx, space, id).await? {
        let words = Indexed::new(space, &message.text);
        search::put(tx, space, id, Document::Message(message.id), message.created_at, &words).await?;
    }
    Ok(())
}

/// Within a transaction: the chat is found by its title.
pub(super) async fn index_title(tx: &mut Tx<'_>, space: Uuid, chat: &Chat) -> Result<()> {
    let words = Indexed::new(space, &chat.title);
    search::put(tx, space, chat.id, Document::Title, chat.created_at, &words).await
}
