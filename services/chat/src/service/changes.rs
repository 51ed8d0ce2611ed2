//! What a person changes of a chat. A change names the version it was based on.

use super::{Chats, search::index_title};
use crate::{
    domain::{Chat, check_title},
    events,
    repository::{chats, projects},
};
use futures_util::FutureExt as _;
use platform::{Error, Result, failpoint, principal::Person};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

/// A change of a chat; what is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The version you saw.
    pub version: i64,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub pinned: Option<bool>,
    #[serde(default)]
    pub archived: Option<bool>,
    /// Into a project; `null` takes it out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<Option<Uuid>>,
    /// The model that answers next, `provider/model`.
    #[serde(default)]
    pub model: Option<String>,
}

/// Tells a `null` from what is not there.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<Uuid>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl Chats {
    /// Refuses a change that was based on an older version, with the newest state.
    pub async fn change(&self, person: &Person, id: Uuid, mut change: Change) -> Result<Chat> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        change.title = change.title.as_deref().map(check_title).transpose()?;
        if let Some(model) = &change.model {
            change.model = Some(self.resolve_model(person, model).await?);
        }
        self.write(space, move |tx| {
            let change = change.clone();
            async move {
                let mut chat = super::found(tx, space, id).await?;
                if chat.version != change.version && !failpoint::mutant("stale-version") {
                    return Err(Error::stale("the chat was changed meanwhile; look at it and decide again")
                        .with("current", &chat));
                }
                if let Some(Some(project)) = change.project_id {
                    projects::find(tx, space, project).await?.ok_or_else(|| Error::not_found("project"))?;
                }
                let before = chat.clone();
                let titled = change.title.is_some();
                chat.title = change.title.unwrap_or(chat.title);
                chat.pinned = change.pinned.unwrap_or(chat.pinned);
                chat.archived = change.archived.unwrap_or(chat.archived);
                chat.project_id = change.project_id.unwrap_or(chat.project_id);
                chat.model = change.model.unwrap_or(chat.model);
                chat.version += 1;
                chats::update(tx, space, &chat, titled).await?;
                if titled {
                    index_title(tx, space, &chat).await?;
                }
                let kind = if titled { "chat.renamed" } else { "chat.changed" };
                let event = events::chat_changed(space, Some(actor), kind, &chat, Some(&before));
                events::TOPIC.append(tx, event, now).await?;
                Ok(chat)
            }
            .boxed()
        })
        .await
    }

    /// Archives every chat; answers how many.
    pub async fn archive_all(&self, person: &Person) -> Result<u64> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        self.write(space, move |tx| {
            async move {
                let archived = chats::archive_all(tx, space).await?;
                if archived > 0 {
                    events::TOPIC.append(tx, events::all_changed(space, actor, "chats.archived"), now).await?;
                }
                Ok(archived)
            }
            .boxed()
        })
        .await
    }
}
