//! One's own API keys.

use crate::{
    domain::{Key, Minted},
    service::{Auth, Minting},
};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Result,
    api::{Json, Path},
    principal::Person,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

/// Your API keys, newest first
#[utoipa::path(get, operation_id = "list_keys", path = "/api/v1/keys", tag = "keys", responses((status = 200, body = Keys)))]
pub(super) async fn list(State(auth): State<Auth>, person: Person) -> Result<Json<Keys>> {
    Ok(Json(Keys { keys: auth.keys(&person).await? }))
}

/// Make an API key
///
/// The secret is in this answer and nowhere else.
#[utoipa::path(post, operation_id = "make_key", path = "/api/v1/keys", tag = "keys", request_body = Minting, responses((status = 201, body = Minted)))]
pub(super) async fn mint(
    State(auth): State<Auth>,
    person: Person,
    Json(asked): Json<Minting>,
) -> Result<(StatusCode, Json<Minted>)> {
    Ok((StatusCode::CREATED, Json(auth.mint(&person, asked).await?)))
}

/// Revoke an API key: it is refused within five seconds
#[utoipa::path(delete, operation_id = "revoke_key", path = "/api/v1/keys/{id}", tag = "keys", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(super) async fn revoke(State(auth): State<Auth>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    auth.revoke_key(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
