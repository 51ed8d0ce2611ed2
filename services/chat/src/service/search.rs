//! Finding chats and messages again, in all branches.

use super::Chats;
use crate::{
    domain::{Chat, Indexed, Piece, Sought},
    repository::search::{self, Document, Hit, Text, Waiting},
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::{Scope, Tx},
    principal::Person,
};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc, time::Duration};
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

/// How many older chats are made findable at once, and how much text of theirs: an instant of the
/// database's one writer.
const CHATS_AT_ONCE: i64 = 100;
const BYTES_AT_ONCE: usize = 128 << 10;

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
                Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(error) => {
                    tracing::warn!(%error, "older chats could not be made findable; trying again");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }

    /// One transaction for many chats, bounded by what there is to be read in them: others want to
    /// write as well. The words are made outside of it.
    async fn index_some(&self) -> Result<usize> {
        let db = &self.platform.db;
        let waiting = db.read(Scope::System, |tx| async move { gather(tx).await }.boxed()).await?;
        let found = waiting.len();
        if found == 0 {
            return Ok(0);
        }
        let made = tokio::task::spawn_blocking(move || {
            let words = |space: Uuid| move |text: Text| (text.id, text.created_at, Indexed::new(space, &text.text));
            waiting
                .into_iter()
                .map(|(chat, texts)| (chat, texts.into_iter().map(words(chat.space_id)).collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        });
        let made = Arc::new(made.await.map_err(Error::internal)?);
        db.write(Scope::System, move |tx| {
            let made = made.clone();
            async move {
                for (chat, documents) in &*made {
                    // erased meanwhile
                    if !search::waits(tx, *chat).await? {
                        continue;
                    }
                    for (message, at, words) in documents {
                        let document = message.map_or(Document::Title, Document::Message);
                        search::add(tx, *chat, document, *at, words).await?;
                    }
                    search::waits_no_more(tx, *chat).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(found)
    }
}

/// Chats that are not findable yet, with what is to be found of them, as much as fits into a transaction.
async fn gather(tx: &mut Tx<'_>) -> Result<Vec<(Waiting, Vec<Text>)>> {
    let (mut gathered, mut bytes) = (Vec::new(), 0);
    for chat in search::waiting(tx, CHATS_AT_ONCE).await? {
        if bytes >= BYTES_AT_ONCE {
            break;
        }
        let texts = search::texts(tx, chat.space_id, chat.chat_id).await?;
        // a document costs something even when it is short
        bytes += texts.iter().map(|text| text.text.len() + 200).sum::<usize>();
        gathered.push((chat, texts));
    }
    Ok(gathered)
}

/// Within a transaction: makes the title and every finished message of a chat findable, those that
/// are not yet.
pub(super) async fn index_chat(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<()> {
    let chat = Waiting { space_id: space, chat_id: id };
    for text in search::texts(tx, space, id).await? {
        let words = Indexed::new(space, &text.text);
        let document = text.id.map_or(Document::Title, Document::Message);
        search::add(tx, chat, document, text.created_at, &words).await?;
    }
    search::waits_no_more(tx, chat).await
}

/// Within a transaction: the chat is found by its title.
pub(super) async fn index_title(tx: &mut Tx<'_>, space: Uuid, chat: &Chat) -> Result<()> {
    let words = Indexed::new(space, &chat.title);
    search::put(tx, space, chat.id, Document::Title, chat.created_at, &words).await
}
