//! What people ask.

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

pub fn add(api: Api<Ai>) -> Api<Ai> {
    api.route(Policy::Needs(Permission::ModelsUse), routes!(models))
}

#[derive(Serialize, ToSchema)]
struct Models {
    models: Vec<Model>,
}

/// The models to choose from
///
/// Only those that the person's role may use, in the order that administrators gave them.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", responses((status = 200, body = Models)))]
async fn models(State(ai): State<Ai>, person: Person) -> Result<Json<Models>> {
    Ok(Json(Models { models: ai.models(person.role.name()).await }))
}
