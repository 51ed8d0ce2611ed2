//! Lists of chats, one chat, and what is done with a whole one.

use super::check_limit;
use crate::{
    domain::{Chat, Shelf},
    service::{Change, Chats, Cursor, OpenChat},
};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Error, Result,
    api::{Json, Path, Query},
    principal::Person,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// 1 to 100.
    limit: i64,
    /// `next` of the page before.
    before: Option<String>,
    /// `recent`: neither pinned nor archived nor in a project. `pinned`, `archived`, or `trash`.
    #[param(inline)]
    filter: Shelf,
    /// The chats of this project instead, without the archived ones.
    project: Option<Uuid>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 28, before: None, filter: Shelf::Recent, project: None }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct ChatList {
    chats: Vec<Chat>,
    /// Ask for the next page with it; absent on the last.
    next: Option<String>,
}

/// Your chats, newest activity first
#[utoipa::path(get, path = "/api/v1/chats", tag = "chats", params(Page), responses((status = 200, body = ChatList)))]
pub(super) async fn list(
    State(chats): State<Chats>,
    person: Person,
    Query(page): Query<Page>,
) -> Result<Json<ChatList>> {
    let (limit, before) = (check_limit(page.limit)?, page.before.as_deref().map(read_cursor).transpose()?);
    if page.project.is_some() && page.filter != Shelf::Recent {
        return Err(Error::invalid("filter", "cannot be combined with a project"));
    }
    let (chats, next) = chats.list(&person, page.filter, page.project, before, limit).await?;
    Ok(Json(ChatList { chats, next: next.map(|next| format!("{}.{}", next.at, next.id.simple())) }))
}

fn read_cursor(text: &str) -> Result<Cursor> {
    let read = || {
        let (millis, id) = text.split_once('.')?;
        Some(Cursor { at: millis.parse().ok()?, id: id.parse().ok()? })
    };
    read().ok_or_else(|| Error::invalid("before", "is not the `next` of a page"))
}

/// A chat with its messages
#[utoipa::path(get, path = "/api/v1/chats/{id}", tag = "chats", params(("id" = Uuid, Path)), responses((status = 200, body = OpenChat)))]
pub(super) async fn open(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<OpenChat>> {
    chats.open(&person, id).await.map(Json)
}

/// Change a chat: its title, where it is kept, its model
///
/// What is left out stays. The version is the one you saw; a stale one is refused with the newest
/// state in `current`.
#[utoipa::path(patch, path = "/api/v1/chats/{id}", tag = "chats", params(("id" = Uuid, Path)), request_body = Change, responses((status = 200, body = Chat)))]
pub(super) async fn change(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(asked): Json<Change>,
) -> Result<Json<Chat>> {
    chats.change(&person, id, asked).await.map(Json)
}

/// Move a chat to the trash
#[utoipa::path(delete, path = "/api/v1/chats/{id}", tag = "chats", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(super) async fn delete(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    chats.delete(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a chat out of the trash
#[utoipa::path(post, path = "/api/v1/chats/{id}/restore", tag = "chats", params(("id" = Uuid, Path)), responses((status = 200, body = Chat)))]
pub(super) async fn restore(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Chat>> {
    chats.restore(&person, id).await.map(Json)
}

/// Erase a chat for good
#[utoipa::path(delete, path = "/api/v1/chats/{id}/forever", tag = "chats", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(super) async fn erase(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    chats.erase(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub(super) struct HowMany {
    /// How many chats that concerned.
    chats: u64,
}

/// Archive all chats
#[utoipa::path(post, path = "/api/v1/chats/archive-all", tag = "chats", responses((status = 200, body = HowMany)))]
pub(super) async fn archive_all(State(chats): State<Chats>, person: Person) -> Result<Json<HowMany>> {
    Ok(Json(HowMany { chats: chats.archive_all(&person).await? }))
}

/// Move all chats to the trash, the archived ones too
#[utoipa::path(post, path = "/api/v1/chats/delete-all", tag = "chats", responses((status = 200, body = HowMany)))]
pub(super) async fn delete_all(State(chats): State<Chats>, person: Person) -> Result<Json<HowMany>> {
    Ok(Json(HowMany { chats: chats.delete_all(&person).await? }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenUpTo {
    /// The last message that was looked at.
    message_id: Uuid,
}

/// Say that a chat was looked at
#[utoipa::path(post, path = "/api/v1/chats/{id}/read", tag = "chats", params(("id" = Uuid, Path)), request_body = SeenUpTo, responses((status = 204)))]
pub(super) async fn read(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(looked): Json<SeenUpTo>,
) -> Result<StatusCode> {
    chats.read(&person, id, looked.message_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod fuzz {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A cursor is what was given out, or it is refused as what it is.
        #[test]
        fn cursors(text in prop_oneof![any::<String>(), "-?[0-9]{0,22}[.][0-9a-f-]{0,36}"], at: i64, id: u128) {
            if let Err(error) = read_cursor(&text) {
                prop_assert_eq!(error.code(), platform::Code::Invalid);
            }
            let id = Uuid::from_u128(id);
            let read = read_cursor(&format!("{at}.{}", id.simple())).unwrap();
            prop_assert_eq!((read.at, read.id), (at, id));
        }
    }
}
