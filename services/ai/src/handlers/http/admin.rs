//! What administrators ask: providers and models.

use crate::service::{Ai, ModelChange, ModelView, NewProvider, ProviderChange, ProviderView, Trial, Tried};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Result,
    api::{Api, Json, Path, Policy},
    principal::{Permission, Person},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

const PROVIDERS: Policy = Policy::Needs(Permission::ProvidersManage);

pub fn add(api: Api<Ai>) -> Api<Ai> {
    api.route(PROVIDERS, routes!(providers, add_provider))
        .route(PROVIDERS, routes!(change_provider, remove_provider))
        .route(PROVIDERS, routes!(try_provider))
        .route(PROVIDERS, routes!(test_provider))
        .route(PROVIDERS, routes!(all_models, change_model))
        .route(PROVIDERS, routes!(order_models))
}

#[derive(Serialize, ToSchema)]
struct Providers {
    providers: Vec<ProviderView>,
}

/// All providers, those of the configuration included
#[utoipa::path(get, path = "/api/v1/admin/providers", tag = "administration",
    responses((status = 200, body = Providers)))]
async fn providers(State(ai): State<Ai>, _: Person) -> Result<Json<Providers>> {
    Ok(Json(Providers { providers: ai.providers() }))
}

/// Add a provider
///
/// Its models appear at once, without a restart.
#[utoipa::path(post, path = "/api/v1/admin/providers", tag = "administration", request_body = NewProvider,
    responses((status = 201, body = ProviderView), (status = 409, description = "The name is taken")))]
async fn add_provider(
    State(ai): State<Ai>,
    person: Person,
    Json(new): Json<NewProvider>,
) -> Result<(StatusCode, Json<ProviderView>)> {
    Ok((StatusCode::CREATED, Json(ai.add_provider(&person, new).await?)))
}

/// Change a provider
///
/// An address with another scheme, host or port forgets the stored key unless a new one comes along.
#[utoipa::path(patch, path = "/api/v1/admin/providers/{id}", tag = "administration", params(("id" = Uuid, Path)),
    request_body = ProviderChange,
    responses((status = 200, body = ProviderView), (status = 404), (status = 409, description = "Stale, or configured")))]
async fn change_provider(
    State(ai): State<Ai>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(change): Json<ProviderChange>,
) -> Result<Json<ProviderView>> {
    Ok(Json(ai.change_provider(&person, id, change).await?))
}

/// Remove a provider and its key
#[utoipa::path(delete, path = "/api/v1/admin/providers/{id}", tag = "administration", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404), (status = 409, description = "It comes from the configuration")))]
async fn remove_provider(State(ai): State<Ai>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    ai.remove_provider(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try a provider without storing it
#[utoipa::path(post, path = "/api/v1/admin/providers/test", tag = "administration", request_body = Trial,
    responses((status = 200, body = Tried)))]
async fn try_provider(State(ai): State<Ai>, _: Person, Json(trial): Json<Trial>) -> Result<Json<Tried>> {
    Ok(Json(ai.try_provider(trial).await?))
}

/// Ask a provider whether it answers
#[utoipa::path(post, path = "/api/v1/admin/providers/{id}/test", tag = "administration", params(("id" = Uuid, Path)),
    responses((status = 200, body = Tried), (status = 404)))]
async fn test_provider(State(ai): State<Ai>, _: Person, Path(id): Path<Uuid>) -> Result<Json<Tried>> {
    Ok(Json(ai.test_provider(id).await?))
}

#[derive(Serialize, ToSchema)]
struct ModelViews {
    models: Vec<ModelView>,
}

/// All models with what was decided about them
#[utoipa::path(get, path = "/api/v1/admin/models", tag = "administration", responses((status = 200, body = ModelViews)))]
async fn all_models(State(ai): State<Ai>, _: Person) -> Result<Json<ModelViews>> {
    Ok(Json(ModelViews { models: ai.all_models().await }))
}

/// Decide about a model
#[utoipa::path(put, path = "/api/v1/admin/models", tag = "administration", request_body = ModelChange,
    responses((status = 200, body = ModelView), (status = 404), (status = 409, description = "Stale")))]
async fn change_model(
    State(ai): State<Ai>,
    person: Person,
    Json(change): Json<ModelChange>,
) -> Result<Json<ModelView>> {
    Ok(Json(ai.change_model(&person, change).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    /// Models to list first, in this order.
    ids: Vec<String>,
}

/// Put models into an order
#[utoipa::path(post, path = "/api/v1/admin/models/order", tag = "administration", request_body = Order,
    responses((status = 204), (status = 404)))]
async fn order_models(State(ai): State<Ai>, person: Person, Json(order): Json<Order>) -> Result<StatusCode> {
    ai.order_models(&person, order.ids).await?;
    Ok(StatusCode::NO_CONTENT)
}
