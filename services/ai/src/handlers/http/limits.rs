//! What a day allows.

use crate::service::{Ai, InstanceLimits, LimitsChange, OwnLimits, PersonChange, PersonLimitsView};
use axum::extract::State;
use platform::{
    Result,
    api::{Api, Json, Path, Policy},
    principal::{Permission, Person},
};
use utoipa_axum::routes;
use uuid::Uuid;

const MANAGE: Policy = Policy::Needs(Permission::UsageManage);

pub fn add(api: Api<Ai>) -> Api<Ai> {
    api.route(Policy::Needs(Permission::UsageRead), routes!(own_limits))
        .route(MANAGE, routes!(limits, change_limits))
        .route(MANAGE, routes!(person_limits, set_person_limits))
}

/// What one used today, and may use
#[utoipa::path(get, path = "/api/v1/limits", tag = "usage", responses((status = 200, body = OwnLimits)))]
async fn own_limits(State(ai): State<Ai>, person: Person) -> Result<Json<OwnLimits>> {
    Ok(Json(ai.own_limits(&person).await?))
}

/// What a day allows, for each person and for all together
#[utoipa::path(get, path = "/api/v1/admin/limits", tag = "administration", responses((status = 200, body = InstanceLimits)))]
async fn limits(State(ai): State<Ai>, _: Person) -> Result<Json<InstanceLimits>> {
    Ok(Json(ai.limits().await?))
}

/// Change what a day allows
#[utoipa::path(patch, path = "/api/v1/admin/limits", tag = "administration", request_body = LimitsChange,
    responses((status = 200, body = InstanceLimits), (status = 409, description = "Stale")))]
async fn change_limits(
    State(ai): State<Ai>,
    _: Person,
    Json(change): Json<LimitsChange>,
) -> Result<Json<InstanceLimits>> {
    Ok(Json(ai.change_limits(change).await?))
}

/// One person's limits
#[utoipa::path(get, path = "/api/v1/admin/limits/people/{id}", tag = "administration", params(("id" = Uuid, Path)),
    responses((status = 200, body = PersonLimitsView)))]
async fn person_limits(State(ai): State<Ai>, _: Person, Path(id): Path<Uuid>) -> Result<Json<PersonLimitsView>> {
    Ok(Json(ai.person_limits(id).await?))
}

/// Set one person's limits
#[utoipa::path(put, path = "/api/v1/admin/limits/people/{id}", tag = "administration", params(("id" = Uuid, Path)),
    request_body = PersonChange, responses((status = 200, body = PersonLimitsView), (status = 409, description = "Stale")))]
async fn set_person_limits(
    State(ai): State<Ai>,
    _: Person,
    Path(id): Path<Uuid>,
    Json(change): Json<PersonChange>,
) -> Result<Json<PersonLimitsView>> {
    Ok(Json(ai.set_person_limits(id, change).await?))
}
