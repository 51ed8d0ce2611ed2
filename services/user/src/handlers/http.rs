//! JSON in, JSON out.

use crate::{domain::Account, service::Users};
use axum::extract::State;
use platform::{
    Error, Result,
    api::{Api, Json, Policy},
    principal::{Permission, Person},
};
use utoipa_axum::routes;

pub fn api() -> Api<Users> {
    Api::default().route(Policy::Needs(Permission::AccountRead), routes!(me))
}

/// Your account
#[utoipa::path(get, path = "/api/v1/me", tag = "account", responses((status = 200, body = Account)))]
async fn me(State(users): State<Users>, person: Person) -> Result<Json<Account>> {
    users.by_id(person.user).await?.map(Json).ok_or_else(|| Error::not_found("account"))
}
