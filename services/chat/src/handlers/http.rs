//! JSON in, JSON out.

use crate::{
    domain::{Chat, Message},
    service::{Asked, Chats, Cursor, Sent},
};
use axum::extract::State;
use chrono::DateTime;
use http::{HeaderMap, StatusCode};
use platform::{
    Error, Result,
    api::{Api, Json, Path, Policy, Query},
    principal::{Permission, Person},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

const READ: Policy = Policy::Needs(Permission::ChatsRead);
const WRITE: Policy = Policy::Needs(Permission::ChatsWrite);

pub fn api() -> Api<Chats> {
    Api::default()
        .route(READ, routes!(list))
        .route(READ, routes!(open))
        .route(WRITE, routes!(rename, delete))
        .route(WRITE, routes!(restore))
        .route(WRITE, routes!(send))
        .route(WRITE, routes!(stop))
        .route(WRITE, routes!(go_on))
}

#[derive(Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// 1 to 100.
    limit: i64,
    /// `next` of the page before.
    before: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 28, before: None }
    }
}

#[derive(Serialize, ToSchema)]
struct ChatList {
    chats: Vec<Chat>,
    /// Ask for the next page with it; absent on the last.
    next: Option<String>,
}

/// Your chats, newest activity first
#[utoipa::path(get, path = "/api/v1/chats", tag = "chats", params(Page), responses((status = 200, body = ChatList)))]
async fn list(State(chats): State<Chats>, person: Person, Query(page): Query<Page>) -> Result<Json<ChatList>> {
    if !(1..=100).contains(&page.limit) {
        return Err(Error::invalid("limit", "must lie between 1 and 100"));
    }
    let before = page.before.as_deref().map(read_cursor).transpose()?;
    let (chats, next) = chats.list(&person, before, page.limit).await?;
    Ok(Json(ChatList {
        chats,
        next: next.map(|next| format!("{}.{}", next.updated_at.timestamp_millis(), next.id.simple())),
    }))
}

fn read_cursor(text: &str) -> Result<Cursor> {
    let read = || {
        let (millis, id) = text.split_once('.')?;
        Some(Cursor { updated_at: DateTime::from_timestamp_millis(millis.parse().ok()?)?, id: id.parse().ok()? })
    };
    read().ok_or_else(|| Error::invalid("before", "is not the `next` of a page"))
}

#[derive(Serialize, ToSchema)]
struct OpenChat {
    chat: Chat,
    /// From the first message to the active leaf.
    messages: Vec<Message>,
}

/// A chat with its messages
#[utoipa::path(get, path = "/api/v1/chats/{id}", tag = "chats", params(("id" = Uuid, Path)), responses((status = 200, body = OpenChat)))]
async fn open(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<OpenChat>> {
    let (chat, messages) = chats.open(&person, id).await?;
    Ok(Json(OpenChat { chat, messages }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Renaming {
    title: String,
    /// The version you saw.
    version: i64,
}

/// Give a chat another title
#[utoipa::path(patch, path = "/api/v1/chats/{id}", tag = "chats", params(("id" = Uuid, Path)), request_body = Renaming, responses((status = 200, body = Chat)))]
async fn rename(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(asked): Json<Renaming>,
) -> Result<Json<Chat>> {
    chats.rename(&person, id, &asked.title, asked.version).await.map(Json)
}

/// Move a chat to the trash
#[utoipa::path(delete, path = "/api/v1/chats/{id}", tag = "chats", params(("id" = Uuid, Path)), responses((status = 204)))]
async fn delete(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    chats.delete(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a chat out of the trash
#[utoipa::path(post, path = "/api/v1/chats/{id}/restore", tag = "chats", params(("id" = Uuid, Path)), responses((status = 200, body = Chat)))]
async fn restore(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Chat>> {
    chats.restore(&person, id).await.map(Json)
}

/// Send a message; its reply comes on the reply's stream
///
/// The chat's id is made by the client as well: without a `parent_id` a chat that does not exist
/// is created. With `Accept: text/event-stream` the answer streams on this response.
#[utoipa::path(
    post, path = "/api/v1/chats/{id}/messages", tag = "chats", request_body = Asked,
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "At most 255 visible ASCII characters; the same key gives the same answer")),
    responses((status = 202, body = Sent))
)]
async fn send(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Result<(StatusCode, Json<Sent>)> {
    let key = headers
        .get("idempotency-key")
        .ok_or_else(|| Error::malformed("send an Idempotency-Key header: the message's id will do"))?
        .to_str()
        .ok()
        .filter(|key| (1..=255).contains(&key.len()))
        .ok_or_else(|| Error::malformed("the Idempotency-Key must have 1 to 255 visible ASCII characters"))?;
    Ok((StatusCode::ACCEPTED, Json(chats.send(&person, id, key, asked).await?)))
}

/// Stop a reply that is being written
#[utoipa::path(post, path = "/api/v1/replies/{id}/stop", tag = "replies", params(("id" = Uuid, Path)), responses((status = 200, body = Message)))]
async fn stop(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Message>> {
    chats.stop(&person, id).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GoingOn {
    /// Another model, `provider/model`; the same when absent.
    #[serde(default)]
    model: Option<String>,
}

/// Go on with a reply that ended early, or try it again
#[utoipa::path(post, path = "/api/v1/replies/{id}/continue", tag = "replies", params(("id" = Uuid, Path)), request_body = GoingOn, responses((status = 202, body = Message)))]
async fn go_on(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(asked): Json<GoingOn>,
) -> Result<(StatusCode, Json<Message>)> {
    Ok((StatusCode::ACCEPTED, Json(chats.go_on(&person, id, asked.model.as_deref()).await?)))
}
