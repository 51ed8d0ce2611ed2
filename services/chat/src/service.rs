//! What can be done with conversations. Makes ids and times; the repository stores what it is
//! given.

mod branches;
mod changes;
mod drafts;
mod erasure;
mod exports;
mod files;
mod imports;
mod projects;
mod regenerate;
mod replies;
mod search;
mod send;
mod sent;
mod sweep;
mod titles;
mod trash;

pub use branches::Tree;
pub use changes::Change;
pub use exports::QUEUE as EXPORTS;
pub use imports::QUEUE as IMPORTS;
pub use projects::{NewProject, ProjectChange};
pub use regenerate::Regenerating;
pub use replies::{Context, End};
pub use search::Found;
pub use send::{Asked, Sent};
pub use trash::erase_again;

use crate::{
    config::Config,
    domain::{Chat, Draft, DraftKey, Message, Shelf},
    repository::{self, chats, tree},
};
use futures_util::FutureExt as _;
use platform::{
    Code, Error, Platform, Result,
    db::{Tx, Work},
    objects::{self, Path},
    peers::Peer,
    principal::Person,
};
use proto::{
    ai::v1::{ResolveModelRequest, ai_client::AiClient},
    analytics::v1::analytics_client::AnalyticsClient,
    notification::v1::notifications_client::NotificationsClient,
    user::v1::{ByIdRequest, user_client::UserClient},
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

pub use chats::Cursor;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Chats {
    pub(crate) platform: Platform,
    config: Arc<Config>,
    ai: AiClient<Peer>,
    user: UserClient<Peer>,
    notification: NotificationsClient<Peer>,
    analytics: AnalyticsClient<Peer>,
}

impl Chats {
    pub fn new(platform: &Platform, config: Config) -> Self {
        Self {
            ai: AiClient::new(platform.peer("ai")),
            user: UserClient::new(platform.peer("user")),
            notification: NotificationsClient::new(platform.peer("notification")),
            analytics: AnalyticsClient::new(platform.peer("analytics")),
            platform: platform.clone(),
            config: Arc::new(config),
        }
    }

    pub async fn check(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// A write into a person's space: refused once the space is erased, whatever was on its way.
    async fn write<T: Send + 'static>(&self, space: Uuid, work: impl Work<T>) -> Result<T> {
        let work = Arc::new(work);
        self.platform
            .db
            .write(space, move |tx| {
                let work = work.clone();
                async move {
                    if repository::erasure::is_gone(tx, space).await? {
                        return Err(Error::not_found("account"));
                    }
                    work(tx).await
                }
                .boxed()
            })
            .await
    }

    /// What was kept for something that could not be stored goes again.
    async fn or_remove<T>(&self, path: &Path, stored: Result<T>) -> Result<T> {
        if stored.is_err() {
            objects::remove(&*self.platform.objects, path).await?;
        }
        stored
    }

    /// A page of a shelf, or of a project, and where the next one begins.
    pub async fn list(
        &self,
        person: &Person,
        shelf: Shelf,
        project: Option<Uuid>,
        before: Option<Cursor>,
        limit: i64,
    ) -> Result<(Vec<Chat>, Option<Cursor>)> {
        let space = person.space();
        let mut page = self
            .platform
            .db
            .read(space, move |tx| {
                async move {
                    match project {
                        Some(project) => chats::of_project(tx, space, project, before, limit + 1).await,
                        None => chats::list(tx, space, shelf, before, limit + 1).await,
                    }
                }
                .boxed()
            })
            .await?;
        let more = i64::try_from(page.len()).unwrap_or(i64::MAX) > limit;
        if more {
            page.pop();
        }
        let next = page.last().filter(|_| more).map(|last| {
            let at = if shelf == Shelf::Trash { last.deleted_at.unwrap_or(last.updated_at) } else { last.updated_at };
            Cursor { at: at.timestamp_millis(), id: last.id }
        });
        Ok((page, next))
    }

    /// A chat and the path that leads to its active leaf.
    pub async fn open(&self, person: &Person, id: Uuid) -> Result<OpenChat> {
        let space = person.space();
        self.platform.db.read(space, move |tx| async move { shown(tx, space, id).await }.boxed()).await
    }

    /// The model that `id` names, or the default for an empty one: `forbidden` when the person's role may not use it.
    async fn resolve_model(&self, person: &Person, id: &str) -> Result<String> {
        let request = ResolveModelRequest { id: id.into(), role: person.role.name().into() };
        Ok(self.ai.clone().resolve_model(request).await?.into_inner().id)
    }

    /// Whether there is a model of exactly this name that the person of a space may use.
    async fn has_model(&self, space: Uuid, id: &str) -> Result<bool> {
        let request = ByIdRequest { id: space.as_bytes().into() };
        let Some(account) = self.user.clone().by_id(request).await?.into_inner().account else { return Ok(false) };
        let request = ResolveModelRequest { id: id.into(), role: account.role };
        match self.ai.clone().resolve_model(request).await.map_err(Error::from) {
            Ok(model) => Ok(model.into_inner().id == id),
            Err(error) if matches!(error.code(), Code::Unavailable | Code::Timeout | Code::Internal) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Tells whoever produces these replies that a wish is stored.
    async fn nudge(&self, replies: Vec<Uuid>) -> Result<()> {
        for reply in replies {
            self.platform.streams.nudge(reply).await?;
        }
        Ok(())
    }
}

async fn found(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Chat> {
    chats::find(tx, space, id).await?.ok_or_else(|| Error::not_found("chat"))
}

/// A chat as it is opened.
#[derive(Serialize, ToSchema)]
pub struct OpenChat {
    pub chat: Chat,
    /// From the first message to the active leaf.
    pub messages: Vec<Message>,
    /// What was begun to be written in it.
    pub draft: Option<Draft>,
}

async fn shown(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<OpenChat> {
    let chat = found(tx, space, id).await?;
    let leaf = chats::leaf(tx, space, id).await?.unwrap_or_default();
    let messages = tree::shown(tx, space, id, leaf).await?;
    let draft = repository::drafts::find(tx, space, &DraftKey::Of(id).stored()).await?;
    Ok(OpenChat { chat, messages, draft })
}
