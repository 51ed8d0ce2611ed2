//! Projects: chats that belong together.

use crate::{
    domain::Project,
    service::{Chats, NewProject, ProjectChange},
};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Result,
    api::{Json, Path, Query},
    principal::Person,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Those in the trash instead.
    trash: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ProjectList {
    projects: Vec<Project>,
}

/// Your projects, by name
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", params(Which), responses((status = 200, body = ProjectList)))]
pub(super) async fn list(
    State(chats): State<Chats>,
    person: Person,
    Query(which): Query<Which>,
) -> Result<Json<ProjectList>> {
    Ok(Json(ProjectList { projects: chats.projects(&person, which.trash).await? }))
}

/// A project
#[utoipa::path(get, path = "/api/v1/projects/{id}", tag = "projects", params(("id" = Uuid, Path)), responses((status = 200, body = Project)))]
pub(super) async fn open(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Project>> {
    chats.project(&person, id).await.map(Json)
}

/// Begin a project
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", request_body = NewProject, responses((status = 201, body = Project)))]
pub(super) async fn create(
    State(chats): State<Chats>,
    person: Person,
    Json(asked): Json<NewProject>,
) -> Result<(StatusCode, Json<Project>)> {
    Ok((StatusCode::CREATED, Json(chats.begin_project(&person, asked).await?)))
}

/// Change a project
#[utoipa::path(patch, path = "/api/v1/projects/{id}", tag = "projects", params(("id" = Uuid, Path)), request_body = ProjectChange, responses((status = 200, body = Project)))]
pub(super) async fn change(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(asked): Json<ProjectChange>,
) -> Result<Json<Project>> {
    chats.change_project(&person, id, asked).await.map(Json)
}

/// Move a project and its chats to the trash
#[utoipa::path(delete, path = "/api/v1/projects/{id}", tag = "projects", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(super) async fn delete(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    chats.delete_project(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a project out of the trash, with the chats that went there with it
#[utoipa::path(post, path = "/api/v1/projects/{id}/restore", tag = "projects", params(("id" = Uuid, Path)), responses((status = 200, body = Project)))]
pub(super) async fn restore(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Project>> {
    chats.restore_project(&person, id).await.map(Json)
}
