//! One's own account: making it, its password, its sessions, its end.

use super::{Greeting, Welcome, client, cookie, farewell, greet};
use crate::service::{
    Accepting, Auth, ChangingPassword, Deleting, Forgetting, Looked, Looking, Registering, ResettingPassword,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use platform::{
    Result,
    api::Json,
    principal::{Caller, Person},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Make an account, where registration is open
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "account", request_body = Registering, responses((status = 201, body = Welcome)))]
pub(super) async fn register(
    State(auth): State<Auth>,
    caller: Caller,
    headers: HeaderMap,
    Json(asked): Json<Registering>,
) -> Result<Greeting> {
    let signed_in = auth.register(asked, &client(&headers), &caller).await?;
    greet(StatusCode::CREATED, signed_in)
}

/// What an invitation offers
#[utoipa::path(post, operation_id = "look_at_invitation", path = "/api/v1/auth/invitations/look", tag = "account", request_body = Looking, responses((status = 200, body = Looked)))]
pub(super) async fn look(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Json(asked): Json<Looking>,
) -> Result<Json<Looked>> {
    auth.look_at_invitation(asked, &client(&headers)).await.map(Json)
}

/// Accept an invitation, or set the first password of an account that was made for you
#[utoipa::path(post, operation_id = "accept_invitation", path = "/api/v1/auth/accept-invitation", tag = "account", request_body = Accepting, responses((status = 201, body = Welcome)))]
pub(super) async fn accept(
    State(auth): State<Auth>,
    caller: Caller,
    headers: HeaderMap,
    Json(asked): Json<Accepting>,
) -> Result<Greeting> {
    let signed_in = auth.accept_invitation(asked, &client(&headers), &caller).await?;
    greet(StatusCode::CREATED, signed_in)
}

/// Ask for a link to set a new password, by e-mail
///
/// The answer is the same whether anybody has the address or not.
#[utoipa::path(post, operation_id = "forgot_password", path = "/api/v1/auth/forgot-password", tag = "account", request_body = Forgetting, responses((status = 202)))]
pub(super) async fn forgot(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Json(asked): Json<Forgetting>,
) -> Result<StatusCode> {
    auth.forgot_password(asked, &client(&headers)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Set a new password with a link; all other sessions end
#[utoipa::path(post, operation_id = "reset_password", path = "/api/v1/auth/reset-password", tag = "account", request_body = ResettingPassword, responses((status = 200, body = Welcome)))]
pub(super) async fn reset(
    State(auth): State<Auth>,
    caller: Caller,
    headers: HeaderMap,
    Json(asked): Json<ResettingPassword>,
) -> Result<Greeting> {
    let signed_in = auth.reset_password(asked, &client(&headers), &caller).await?;
    greet(StatusCode::OK, signed_in)
}

/// Change your password; all other sessions end
#[utoipa::path(post, path = "/api/v1/auth/change-password", tag = "account", request_body = ChangingPassword, responses((status = 204)))]
pub(super) async fn change_password(
    State(auth): State<Auth>,
    person: Person,
    headers: HeaderMap,
    Json(asked): Json<ChangingPassword>,
) -> Result<(StatusCode, HeaderMap)> {
    let signed_in = auth.change_password(&person, asked, &client(&headers)).await?;
    Ok((StatusCode::NO_CONTENT, cookie(&signed_in)?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SigningOut {
    /// Whether this session stays.
    keep_this: bool,
}

/// Sign out everywhere, or everywhere but here
#[utoipa::path(post, path = "/api/v1/auth/sign-out-everywhere", tag = "account", request_body = SigningOut, responses((status = 204)))]
pub(super) async fn sign_out_everywhere(
    State(auth): State<Auth>,
    person: Person,
    Json(asked): Json<SigningOut>,
) -> Result<(StatusCode, HeaderMap)> {
    auth.sign_out_everywhere(person.user, asked.keep_this.then_some(person.session)).await?;
    Ok((StatusCode::NO_CONTENT, if asked.keep_this { HeaderMap::new() } else { farewell() }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Leaving {
    /// Until then the account can be kept: sign in and say so.
    deletes_at: Option<DateTime<Utc>>,
}

/// Delete your account after a grace time; you are signed out everywhere
#[utoipa::path(post, operation_id = "delete_account", path = "/api/v1/auth/delete-account", tag = "account", request_body = Deleting, responses((status = 202, body = Leaving)))]
pub(super) async fn delete(
    State(auth): State<Auth>,
    person: Person,
    Json(asked): Json<Deleting>,
) -> Result<(StatusCode, HeaderMap, Json<Leaving>)> {
    let account = auth.delete_account(&person, asked).await?;
    Ok((StatusCode::ACCEPTED, farewell(), Json(Leaving { deletes_at: account.deletes_at })))
}

/// Keep your account that was to be deleted
#[utoipa::path(post, operation_id = "keep_account", path = "/api/v1/auth/keep-account", tag = "account", responses((status = 204)))]
pub(super) async fn keep(State(auth): State<Auth>, person: Person) -> Result<StatusCode> {
    auth.keep_account(&person).await?;
    Ok(StatusCode::NO_CONTENT)
}
