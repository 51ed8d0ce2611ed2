//! What programs ask in OpenAI's words, and the conversations that are not kept. Refusals of these routes are told in OpenAI's form by
//! the gateway.

use crate::{
    door,
    service::Ai,
    temporary::{self, TemporaryAsk},
};
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use platform::{
    Error, Result,
    api::{Api, Json, Path, Policy},
    principal::{Permission, Person},
};
use serde_json::Value;
use utoipa_axum::routes;

const USE: Policy = Policy::Needs(Permission::ModelsUse);
/// The largest request, in bytes: it may carry pictures.
const BODY_LIMIT: usize = 64 << 20;

pub fn add(api: Api<Ai>) -> Api<Ai> {
    api.route(USE, routes!(list_models))
        .route(USE, routes!(retrieve_model))
        .route(USE, routes!(create_chat_completion))
        .route(USE, routes!(create_embedding))
        .route(USE, routes!(ask_temporarily))
}

async fn body(request: Body) -> Result<bytes::Bytes> {
    axum::body::to_bytes(request, BODY_LIMIT)
        .await
        .map_err(|_| Error::too_large("the body is too large, or did not arrive"))
}

/// The models, as OpenAI's clients list them
#[utoipa::path(get, path = "/v1/models", tag = "openai", responses((status = 200, body = Value)))]
async fn list_models(State(ai): State<Ai>, person: Person) -> Result<Json<Value>> {
    Ok(Json(door::models(&ai, &person).await))
}

/// One model, as OpenAI's clients ask for it
///
/// Its id has a slash, which some clients send as it is and others as `%2F`.
#[utoipa::path(get, path = "/v1/models/{*id}", tag = "openai", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = 404)))]
async fn retrieve_model(State(ai): State<Ai>, person: Person, Path(id): Path<String>) -> Result<Json<Value>> {
    Ok(Json(door::one_model(&ai, &person, &id).await?))
}

/// A chat completion, whole or as a stream
///
/// Members that a provider of this protocol knows are passed on to it as they are.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "openai", request_body = Value,
    responses((status = 200, body = Value), (status = 400), (status = 429)))]
async fn create_chat_completion(State(ai): State<Ai>, person: Person, request: Request) -> Response {
    let answer = async { door::chat(&ai, &person, &body(request.into_body()).await?).await };
    answer.await.unwrap_or_else(Error::into_response)
}

/// Texts turned into vectors
#[utoipa::path(post, path = "/v1/embeddings", tag = "openai", request_body = Value,
    responses((status = 200, body = Value), (status = 400), (status = 429)))]
async fn create_embedding(State(ai): State<Ai>, person: Person, request: Request) -> Response {
    let answer = async { door::embeddings(&ai, &person, &body(request.into_body()).await?).await };
    answer.await.unwrap_or_else(Error::into_response)
}

/// An answer of which nothing is kept
///
/// An event stream: `text` with a piece of the answer, then `done` with its state and reason.
#[utoipa::path(post, path = "/api/v1/temporary", tag = "models", request_body = TemporaryAsk,
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 429)))]
async fn ask_temporarily(State(ai): State<Ai>, person: Person, Json(asked): Json<TemporaryAsk>) -> Response {
    temporary::answer(&ai, &person, asked).await.unwrap_or_else(Error::into_response)
}
