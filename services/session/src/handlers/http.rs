//! JSON in, JSON out: where one is signed in, and ending it there.

use crate::{domain::Seen, service::Sessions};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Result,
    api::{Api, Json, Path, Policy},
    principal::{Permission, Person},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

const SECURITY: Policy = Policy::Needs(Permission::AccountSecurity);

pub fn api() -> Api<Sessions> {
    Api::default().route(SECURITY, routes!(list)).route(SECURITY, routes!(end))
}

#[derive(Serialize, ToSchema)]
struct SessionList {
    sessions: Vec<Seen>,
}

/// Where you are signed in, last used first
#[utoipa::path(get, operation_id = "list_sessions", path = "/api/v1/sessions", tag = "account", responses((status = 200, body = SessionList)))]
async fn list(State(sessions): State<Sessions>, person: Person) -> Result<Json<SessionList>> {
    Ok(Json(SessionList { sessions: sessions.list(&person).await? }))
}

/// Sign out on one device
#[utoipa::path(delete, operation_id = "end_session", path = "/api/v1/sessions/{id}", tag = "account", params(("id" = Uuid, Path)), responses((status = 204)))]
async fn end(State(sessions): State<Sessions>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    sessions.end(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
