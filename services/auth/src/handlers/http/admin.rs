//! What administrators do: accounts for others, invitations, roles, the instance.

use crate::{
    domain::{Invitation, Look, LookChange, NewRole, RoleChange, RoleView},
    service::{Auth, Invited, Inviting, Linked, MadeAccount, MakingAccount},
};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Error, Result,
    api::{Json, Path},
    principal::{Person, Role},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Make an account for somebody; they set the password with a link
#[utoipa::path(post, path = "/api/v1/admin/people", tag = "people", request_body = MakingAccount, responses((status = 201, body = MadeAccount)))]
pub(super) async fn make_account(
    State(auth): State<Auth>,
    person: Person,
    Json(asked): Json<MakingAccount>,
) -> Result<(StatusCode, Json<MadeAccount>)> {
    Ok((StatusCode::CREATED, Json(auth.make_account(&person, asked).await?)))
}

/// A link with which somebody sets a new password
#[utoipa::path(post, path = "/api/v1/admin/people/{id}/reset-password", tag = "people", params(("id" = Uuid, Path)), responses((status = 200, body = Linked)))]
pub(super) async fn link_new_password(
    State(auth): State<Auth>,
    person: Person,
    Path(id): Path<Uuid>,
) -> Result<Json<Linked>> {
    auth.link_new_password(&person, id).await.map(Json)
}

/// Sign somebody out everywhere
#[utoipa::path(post, operation_id = "sign_person_out", path = "/api/v1/admin/people/{id}/sign-out", tag = "people", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(super) async fn sign_out(State(auth): State<Auth>, person: Person, Path(id): Path<Uuid>) -> Result<StatusCode> {
    auth.sign_other_out(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub(super) struct Invitations {
    invitations: Vec<Invitation>,
}

/// The invitations of the last months, newest first
#[utoipa::path(get, path = "/api/v1/admin/invitations", tag = "people", responses((status = 200, body = Invitations)))]
pub(super) async fn invitations(State(auth): State<Auth>) -> Result<Json<Invitations>> {
    Ok(Json(Invitations { invitations: auth.invitations().await? }))
}

/// Invite somebody
#[utoipa::path(post, path = "/api/v1/admin/invitations", tag = "people", request_body = Inviting, responses((status = 201, body = Invited)))]
pub(super) async fn invite(
    State(auth): State<Auth>,
    person: Person,
    Json(asked): Json<Inviting>,
) -> Result<(StatusCode, Json<Invited>)> {
    Ok((StatusCode::CREATED, Json(auth.invite(&person, asked).await?)))
}

/// Revoke an invitation that nobody has accepted
#[utoipa::path(delete, path = "/api/v1/admin/invitations/{id}", tag = "people", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(super) async fn revoke_invitation(
    State(auth): State<Auth>,
    person: Person,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    auth.revoke_invitation(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub(super) struct Roles {
    roles: Vec<RoleView>,
}

/// The roles there are
#[utoipa::path(get, path = "/api/v1/admin/roles", tag = "people", responses((status = 200, body = Roles)))]
pub(super) async fn roles(State(auth): State<Auth>) -> Result<Json<Roles>> {
    Ok(Json(Roles { roles: auth.roles().await? }))
}

/// Make a further role
#[utoipa::path(post, path = "/api/v1/admin/roles", tag = "people", request_body = NewRole, responses((status = 201, body = RoleView)))]
pub(super) async fn make_role(
    State(auth): State<Auth>,
    person: Person,
    Json(asked): Json<NewRole>,
) -> Result<(StatusCode, Json<RoleView>)> {
    Ok((StatusCode::CREATED, Json(auth.make_role(&person, asked).await?)))
}

/// Change what a role allows: in force within five seconds
#[utoipa::path(patch, path = "/api/v1/admin/roles/{name}", tag = "people", params(("name" = String, Path)), request_body = RoleChange, responses((status = 200, body = RoleView)))]
pub(super) async fn change_role(
    State(auth): State<Auth>,
    person: Person,
    Path(name): Path<String>,
    Json(asked): Json<RoleChange>,
) -> Result<Json<RoleView>> {
    auth.change_role(&person, named(&name)?, asked).await.map(Json)
}

/// Remove a role that nobody has
#[utoipa::path(delete, path = "/api/v1/admin/roles/{name}", tag = "people", params(("name" = String, Path)), responses((status = 204)))]
pub(super) async fn remove_role(
    State(auth): State<Auth>,
    person: Person,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    auth.remove_role(&person, named(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be a role's name names none.
fn named(name: &str) -> Result<Role> {
    Role::parse(name).map_err(|_| Error::not_found("role"))
}

/// The instance's name and look, and who may make an account
#[utoipa::path(get, operation_id = "instance_settings", path = "/api/v1/admin/instance", tag = "instance", responses((status = 200, body = Look)))]
pub(super) async fn look(State(auth): State<Auth>) -> Result<Json<Look>> {
    auth.look().await.map(Json)
}

/// Change them
#[utoipa::path(patch, operation_id = "change_instance_settings", path = "/api/v1/admin/instance", tag = "instance", request_body = LookChange, responses((status = 200, body = Look)))]
pub(super) async fn change_look(
    State(auth): State<Auth>,
    person: Person,
    Json(asked): Json<LookChange>,
) -> Result<Json<Look>> {
    auth.change_look(&person, asked).await.map(Json)
}
