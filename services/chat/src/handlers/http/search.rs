//! Searching, and drafts.

use super::check_limit;
use crate::{
    domain::{Draft, DraftKey},
    service::{Chats, Found},
};
use axum::extract::State;
use platform::{
    Result,
    api::{Json, Path, Query},
    principal::Person,
};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Words, and phrases in quotation marks; all of them must be there. The last word may be only
    /// begun; accents and capitals make no difference.
    #[serde(default)]
    q: String,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Results {
    /// Best first.
    results: Vec<Found>,
    took_ms: u64,
}

/// Find chats and messages, in all branches; not in the trash
#[utoipa::path(get, path = "/api/v1/search", tag = "chats", params(Asked), responses((status = 200, body = Results)))]
pub(super) async fn search(
    State(chats): State<Chats>,
    person: Person,
    Query(asked): Query<Asked>,
) -> Result<Json<Results>> {
    let (limit, start) = (check_limit(asked.limit.unwrap_or(20))?, Instant::now());
    let results = chats.search(&person, &asked.q, usize::try_from(limit).unwrap_or(20)).await?;
    Ok(Json(Results { results, took_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(0) }))
}

/// What you have begun to write
#[utoipa::path(get, path = "/api/v1/drafts/{key}", tag = "chats", params(("key" = String, Path, description = "A chat's or a project's id, or `new`")), responses((status = 200, body = Draft)))]
pub(super) async fn draft(State(chats): State<Chats>, person: Person, Path(key): Path<String>) -> Result<Json<Draft>> {
    chats.draft(&person, DraftKey::read(&key)?).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftText {
    /// Empty to delete it.
    text: String,
    /// The version you saw; 0 when there was none.
    version: i64,
}

/// Keep what you have begun to write
#[utoipa::path(put, path = "/api/v1/drafts/{key}", tag = "chats", params(("key" = String, Path, description = "A chat's or a project's id, or `new`")), request_body = DraftText, responses((status = 200, body = Draft)))]
pub(super) async fn write_draft(
    State(chats): State<Chats>,
    person: Person,
    Path(key): Path<String>,
    Json(asked): Json<DraftText>,
) -> Result<Json<Draft>> {
    chats.write_draft(&person, DraftKey::read(&key)?, asked.text, asked.version).await.map(Json)
}
