//! JSON in, JSON out. The session's token goes to the gateway in a header of the answer, which makes
//! a cookie of it and hands on no `x-taifas-` header; it is in no body.

mod account;
mod admin;
mod keys;

use crate::{
    domain::{Client, Standing, User, party},
    service::{Auth, SettingUp, SignedIn, SigningIn},
};
use axum::extract::State;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use platform::{
    Error, Result,
    api::{Api, Json, Policy},
    principal::{Caller, Permission, Person},
};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// From auth to the gateway: the token of a new session, or nothing at all for the end of one.
const SESSION: HeaderName = HeaderName::from_static("x-taifas-session");
/// From auth to the gateway: for how many seconds the token is good at most.
const SESSION_SECONDS: HeaderName = HeaderName::from_static("x-taifas-session-seconds");
/// From the gateway to auth: the client's network address.
const CLIENT: HeaderName = HeaderName::from_static("x-taifas-client");

const SECURITY: Policy = Policy::Needs(Permission::AccountSecurity);
const KEYS: Policy = Policy::Needs(Permission::KeysManage);
const PEOPLE: Policy = Policy::Needs(Permission::PeopleManage);
const ROLES: Policy = Policy::Needs(Permission::RolesManage);
const INSTANCE: Policy = Policy::Needs(Permission::InstanceManage);

pub fn api() -> Api<Auth> {
    Api::default()
        .route(Policy::Public, routes!(standing))
        .route(Policy::Public, routes!(set_up))
        .route(Policy::Public, routes!(sign_in))
        .route(Policy::Person, routes!(sign_out))
        .route(SECURITY, routes!(account::sign_out_everywhere))
        .route(Policy::Public, routes!(account::register))
        .route(Policy::Public, routes!(account::look))
        .route(Policy::Public, routes!(account::accept))
        .route(Policy::Public, routes!(account::forgot))
        .route(Policy::Public, routes!(account::reset))
        .route(SECURITY, routes!(account::change_password))
        .route(SECURITY, routes!(account::delete))
        .route(SECURITY, routes!(account::keep))
        .route(KEYS, routes!(keys::list, keys::mint))
        .route(KEYS, routes!(keys::revoke))
        .route(PEOPLE, routes!(admin::make_account))
        .route(PEOPLE, routes!(admin::link_new_password))
        .route(PEOPLE, routes!(admin::sign_out))
        .route(PEOPLE, routes!(admin::invitations, admin::invite))
        .route(PEOPLE, routes!(admin::revoke_invitation))
        .route(PEOPLE, routes!(admin::roles))
        .route(ROLES, routes!(admin::make_role))
        .route(ROLES, routes!(admin::change_role, admin::remove_role))
        .route(INSTANCE, routes!(admin::look, admin::change_look))
}

/// Where you stand: to set up, signed out or signed in
#[utoipa::path(get, path = "/api/v1/session", tag = "account", responses((status = 200, body = Standing)))]
async fn standing(State(auth): State<Auth>, caller: Caller) -> Result<Json<Standing>> {
    auth.standing(&caller).await.map(Json)
}

#[derive(Serialize, ToSchema)]
struct Welcome {
    user: User,
}

type Greeting = (StatusCode, HeaderMap, Json<Welcome>);

/// Make the first account with the link that the server printed
#[utoipa::path(post, path = "/api/v1/setup", tag = "account", request_body = SettingUp, responses((status = 201, body = Welcome)))]
async fn set_up(State(auth): State<Auth>, headers: HeaderMap, Json(asked): Json<SettingUp>) -> Result<Greeting> {
    let signed_in = auth.set_up(asked, &client(&headers)).await?;
    greet(StatusCode::CREATED, signed_in)
}

/// Sign in with a password
#[utoipa::path(post, path = "/api/v1/auth/sign-in", tag = "account", request_body = SigningIn, responses((status = 200, body = Welcome)))]
async fn sign_in(
    State(auth): State<Auth>,
    caller: Caller,
    headers: HeaderMap,
    Json(asked): Json<SigningIn>,
) -> Result<Greeting> {
    let signed_in = auth.sign_in(asked, &client(&headers), &caller).await?;
    greet(StatusCode::OK, signed_in)
}

/// Sign out of this session
#[utoipa::path(post, path = "/api/v1/auth/sign-out", tag = "account", responses((status = 204)))]
async fn sign_out(State(auth): State<Auth>, person: Person) -> Result<(StatusCode, HeaderMap)> {
    auth.sign_out(&person).await?;
    Ok((StatusCode::NO_CONTENT, farewell()))
}

/// The cookie ends.
fn farewell() -> HeaderMap {
    HeaderMap::from_iter([(SESSION, HeaderValue::from_static(""))])
}

fn greet(status: StatusCode, signed_in: SignedIn) -> Result<Greeting> {
    let headers = cookie(&signed_in)?;
    Ok((status, headers, Json(Welcome { user: signed_in.user })))
}

/// The headers of which the gateway makes the cookie.
fn cookie(SignedIn { token, absolute, .. }: &SignedIn) -> Result<HeaderMap> {
    let mut token = HeaderValue::from_str(token.expose_secret()).map_err(Error::internal)?;
    // not printed with the other headers
    token.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (SESSION, token),
        (SESSION_SECONDS, HeaderValue::from(absolute.as_secs())),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]))
}

fn client(headers: &HeaderMap) -> Client {
    let text = |name: HeaderName| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let ip = text(CLIENT).unwrap_or_default();
    Client {
        address: party(&ip),
        ip: ip.into_owned(),
        device: text(header::USER_AGENT).unwrap_or_default().into_owned(),
    }
}
