//! JSON in, JSON out.

use crate::{domain::Model, service::Ai};
use axum::extract::State;
use platform::{
    Result,
    api::{Api, Json, Policy},
    principal::{Permission, Person},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

pub fn api() -> Api<Ai> {
    Api::default().route(Policy::Needs(Permission::ModelsUse), routes!(models))
}

#[derive(Serialize, ToSchema)]
struct Models {
    models: Vec<Model>,
}

/// The models to choose from
#[utoipa::path(get, path = "/api/v1/models", tag = "models", responses((status = 200, body = Models)))]
async fn models(State(ai): State<Ai>, _: Person) -> Result<Json<Models>> {
    Ok(Json(Models { models: ai.models().await }))
}
