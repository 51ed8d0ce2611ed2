//! Turns: sending, the branches they make, and what can be asked of a reply.

use crate::{
    domain::Message,
    service::{Asked, Chats, OpenChat, Regenerating, Sent, Tree},
};
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use platform::{
    Error, Result,
    api::{Json, Path},
    principal::Person,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// All branches of a chat
#[utoipa::path(get, path = "/api/v1/chats/{id}/tree", tag = "chats", params(("id" = Uuid, Path)), responses((status = 200, body = Tree)))]
pub(super) async fn tree(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Tree>> {
    chats.tree(&person, id).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Switching {
    /// A message of the branch to show.
    message_id: Uuid,
}

/// Show another branch, where it was looked at last
#[utoipa::path(post, path = "/api/v1/chats/{id}/switch", tag = "chats", params(("id" = Uuid, Path)), request_body = Switching, responses((status = 200, body = OpenChat)))]
pub(super) async fn switch(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(asked): Json<Switching>,
) -> Result<Json<OpenChat>> {
    chats.switch(&person, id, asked.message_id).await.map(Json)
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
pub(super) async fn send(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Result<(StatusCode, Json<Sent>)> {
    let key = key(&headers)?;
    Ok((StatusCode::ACCEPTED, Json(chats.send(&person, id, key, asked).await?)))
}

fn key(headers: &HeaderMap) -> Result<&str> {
    headers
        .get("idempotency-key")
        .ok_or_else(|| Error::malformed("send an Idempotency-Key header: the message's id will do"))?
        .to_str()
        .ok()
        .filter(|key| (1..=255).contains(&key.len()))
        .ok_or_else(|| Error::malformed("the Idempotency-Key must have 1 to 255 visible ASCII characters"))
}

/// Ask for another answer to the same message; it stands beside the ones that are there
#[utoipa::path(
    post, path = "/api/v1/replies/{id}/regenerate", tag = "replies", request_body = Regenerating,
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "At most 255 visible ASCII characters; the same key gives the same answer")),
    responses((status = 202, body = Sent))
)]
pub(super) async fn regenerate(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(asked): Json<Regenerating>,
) -> Result<(StatusCode, Json<Sent>)> {
    let key = key(&headers)?;
    Ok((StatusCode::ACCEPTED, Json(chats.regenerate(&person, id, key, asked).await?)))
}

/// Stop a reply that is being written
#[utoipa::path(post, path = "/api/v1/replies/{id}/stop", tag = "replies", params(("id" = Uuid, Path)), responses((status = 200, body = Message)))]
pub(super) async fn stop(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Message>> {
    chats.stop(&person, id).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GoingOn {
    /// Another model, `provider/model`; the same when absent.
    #[serde(default)]
    model: Option<String>,
}

/// Go on with a reply that ended early, or try it again
#[utoipa::path(post, path = "/api/v1/replies/{id}/continue", tag = "replies", params(("id" = Uuid, Path)), request_body = GoingOn, responses((status = 202, body = Message)))]
pub(super) async fn go_on(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(asked): Json<GoingOn>,
) -> Result<(StatusCode, Json<Message>)> {
    Ok((StatusCode::ACCEPTED, Json(chats.go_on(&person, id, asked.model.as_deref()).await?)))
}

#[cfg(test)]
mod fuzz {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        /// A key is 1 to 255 visible characters, taken as they are.
        #[test]
        fn idempotency_keys(bytes in prop::collection::vec(any::<u8>(), 0..300), plain in "[!-~]{0,300}") {
            let mut headers = HeaderMap::new();
            for bytes in [bytes, plain.into_bytes()] {
                let Ok(value) = HeaderValue::from_bytes(&bytes) else { continue };
                headers.insert("idempotency-key", value);
                let visible = bytes.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t');
                let fits = visible && (1..=255).contains(&bytes.len());
                match key(&headers) {
                    Ok(key) => prop_assert!(fits && key.as_bytes() == bytes),
                    Err(_) => prop_assert!(!fits, "{:?} is refused", bytes),
                }
            }
        }
    }
}
