//! JSON in, JSON out.

use crate::{
    domain::{Entry, Instructions, Profile, State as AccountState, Writing},
    service::{Administering, Listing, Preferring, Users},
};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Error, Result,
    api::{Api, Json, Path, Policy, Query},
    principal::{Permission, Person},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

const READ: Policy = Policy::Needs(Permission::AccountRead);
const WRITE: Policy = Policy::Needs(Permission::AccountWrite);
const PEOPLE: Policy = Policy::Needs(Permission::PeopleManage);

pub fn api() -> Api<Users> {
    Api::default()
        .route(READ, routes!(me))
        .route(WRITE, routes!(prefer))
        .route(READ, routes!(instructions))
        .route(WRITE, routes!(instruct))
        .route(PEOPLE, routes!(list))
        .route(PEOPLE, routes!(administer, remove))
        .route(PEOPLE, routes!(keep))
}

/// Your account
#[utoipa::path(get, path = "/api/v1/me", tag = "account", responses((status = 200, body = Profile)))]
async fn me(State(users): State<Users>, person: Person) -> Result<Json<Profile>> {
    Ok(Json(users.me(&person).await?.into()))
}

/// Change your name, language or look
#[utoipa::path(patch, operation_id = "change_me", path = "/api/v1/me", tag = "account", request_body = Preferring, responses((status = 200, body = Profile)))]
async fn prefer(State(users): State<Users>, person: Person, Json(asked): Json<Preferring>) -> Result<Json<Profile>> {
    Ok(Json(users.prefer(&person, asked).await?.into()))
}

/// Your custom instructions
#[utoipa::path(get, path = "/api/v1/me/instructions", tag = "account", responses((status = 200, body = Instructions)))]
async fn instructions(State(users): State<Users>, person: Person) -> Result<Json<Instructions>> {
    users.instructions(person.user).await.map(Json)
}

/// Write your custom instructions
///
/// They go into new chats; chats that exist keep those they began with.
#[utoipa::path(put, operation_id = "write_instructions", path = "/api/v1/me/instructions", tag = "account", request_body = Writing, responses((status = 200, body = Instructions)))]
async fn instruct(
    State(users): State<Users>,
    person: Person,
    Json(asked): Json<Writing>,
) -> Result<Json<Instructions>> {
    users.instruct(&person, asked).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// A part of the name or the e-mail address.
    q: String,
    /// Only accounts in this state.
    state: Option<AccountState>,
    /// 1 to 100.
    limit: i64,
    /// `next` of the page before.
    before: Option<Uuid>,
}

impl Default for Page {
    fn default() -> Self {
        Self { q: String::new(), state: None, limit: 50, before: None }
    }
}

#[derive(Serialize, ToSchema)]
struct People {
    people: Vec<Entry>,
    /// Ask for the next page with it; absent on the last.
    next: Option<String>,
}

/// The accounts of this instance, newest first
#[utoipa::path(get, operation_id = "list_people", path = "/api/v1/admin/people", tag = "people", params(Page), responses((status = 200, body = People)))]
async fn list(State(users): State<Users>, Query(page): Query<Page>) -> Result<Json<People>> {
    if !(1..=100).contains(&page.limit) {
        return Err(Error::invalid("limit", "must lie between 1 and 100"));
    }
    if page.q.chars().count() > 200 {
        return Err(Error::invalid("q", "has more than 200 characters"));
    }
    let listing = Listing { text: page.q.trim().to_owned(), state: page.state, before: page.before, limit: page.limit };
    let (accounts, more) = users.list(listing).await?;
    let next = accounts.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(People { people: accounts.into_iter().map(Entry::from).collect(), next }))
}

/// Change somebody's name or role, disable or enable their account
#[utoipa::path(patch, operation_id = "change_person", path = "/api/v1/admin/people/{id}", tag = "people", params(("id" = Uuid, Path)), request_body = Administering, responses((status = 200, body = Entry)))]
async fn administer(
    State(users): State<Users>,
    person: Person,
    Path(id): Path<Uuid>,
    Json(asked): Json<Administering>,
) -> Result<Json<Entry>> {
    Ok(Json(users.administer(&person, id, asked).await?.into()))
}

/// Delete somebody's account after the grace time
#[utoipa::path(delete, operation_id = "delete_person", path = "/api/v1/admin/people/{id}", tag = "people", params(("id" = Uuid, Path)), responses((status = 202, body = Entry)))]
async fn remove(State(users): State<Users>, person: Person, Path(id): Path<Uuid>) -> Result<(StatusCode, Json<Entry>)> {
    Ok((StatusCode::ACCEPTED, Json(users.remove(&person, id).await?.into())))
}

/// Keep an account that was to be deleted
#[utoipa::path(post, operation_id = "keep_person", path = "/api/v1/admin/people/{id}/keep", tag = "people", params(("id" = Uuid, Path)), responses((status = 200, body = Entry)))]
async fn keep(State(users): State<Users>, person: Person, Path(id): Path<Uuid>) -> Result<Json<Entry>> {
    Ok(Json(users.keep_other(&person, id).await?.into()))
}
