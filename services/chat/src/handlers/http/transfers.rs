//! Data on its way out and in.

use super::files::{download, pieces};
use crate::{
    domain::{Export, Import},
    service::Chats,
};
use axum::{body::Body, extract::State, response::Response};
use http::StatusCode;
use platform::{
    Error, Result,
    api::{Json, Path, Query},
    principal::Person,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Format {
    /// `markdown`: the path that is shown. `json`: all branches, and it can be imported again.
    format: String,
}

/// A chat as a file
#[utoipa::path(get, path = "/api/v1/chats/{id}/export", tag = "transfers", params(("id" = Uuid, Path), Format), responses((status = 200, content((String = "text/markdown"), (String = "application/json")))))]
pub(super) async fn export_chat(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
    Query(asked): Query<Format>,
) -> Result<Response> {
    match asked.format.as_str() {
        "" | "markdown" => {
            let (chat, text) = chats.markdown(&person, id).await?;
            Ok(download("text/markdown; charset=utf-8", &format!("{}.md", chat.title), false, None, Body::from(text)))
        }
        "json" => {
            let chat = chats.transcript(&person, id).await?;
            let json = serde_json::to_vec_pretty(&chat).map_err(Error::internal)?;
            let title = chat["title"].as_str().unwrap_or_default();
            Ok(download("application/json", &format!("{title}.json"), false, None, Body::from(json)))
        }
        _ => Err(Error::invalid("format", "must be markdown or json")),
    }
}

/// Ask for an archive of all your data
#[utoipa::path(post, path = "/api/v1/exports", tag = "transfers", responses((status = 202, body = Export)))]
pub(super) async fn begin_export(State(chats): State<Chats>, person: Person) -> Result<(StatusCode, Json<Export>)> {
    Ok((StatusCode::ACCEPTED, Json(chats.begin_export(&person).await?)))
}

/// How an export stands
#[utoipa::path(get, path = "/api/v1/exports/{id}", tag = "transfers", params(("id" = Uuid, Path)), responses((status = 200, body = Export)))]
pub(super) async fn export(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Export>> {
    chats.find_export(person.space(), id).await.map(Json)
}

/// The archive, for a day
#[utoipa::path(get, path = "/api/v1/exports/{id}/file", tag = "transfers", params(("id" = Uuid, Path)), responses((status = 200, content_type = "application/zip", body = Vec<u8>)))]
pub(super) async fn export_file(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Response> {
    let (export, content) = chats.export_file(&person, id).await?;
    let name = format!("taifas-{}.zip", export.created_at.format("%Y-%m-%d"));
    Ok(download("application/zip", &name, false, export.size, Body::from_stream(content)))
}

/// Bring in the chats of another system
///
/// The export of ChatGPT, Claude, Open WebUI or LibreChat, or our own: a JSON file, or the archive as it
/// was given out. What cannot be kept is said. The same export again brings nothing twice.
#[utoipa::path(post, path = "/api/v1/imports", tag = "transfers", params(("name" = Option<String>, Query, description = "What the file is called")), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 202, body = Import)))]
pub(super) async fn import(
    State(chats): State<Chats>,
    person: Person,
    body: Body,
) -> Result<(StatusCode, Json<Import>)> {
    Ok((StatusCode::ACCEPTED, Json(chats.import(&person, pieces(body.into_data_stream())).await?)))
}

#[derive(Serialize, ToSchema)]
pub(super) struct ImportList {
    imports: Vec<Import>,
}

/// Your imports, the latest first
#[utoipa::path(get, path = "/api/v1/imports", tag = "transfers", responses((status = 200, body = ImportList)))]
pub(super) async fn imports(State(chats): State<Chats>, person: Person) -> Result<Json<ImportList>> {
    Ok(Json(ImportList { imports: chats.imports(&person).await? }))
}

/// How an import stands
#[utoipa::path(get, path = "/api/v1/imports/{id}", tag = "transfers", params(("id" = Uuid, Path)), responses((status = 200, body = Import)))]
pub(super) async fn import_state(
    State(chats): State<Chats>,
    person: Person,
    Path(id): Path<Uuid>,
) -> Result<Json<Import>> {
    chats.find_import(person.space(), id).await.map(Json)
}
