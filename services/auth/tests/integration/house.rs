//! An instance of auth, user and session in a folder of its own, and a browser's way to talk to it.

use auth::{Config, SetupLink};
use axum::{
    Router,
    body::{Body, to_bytes},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, StatusCode, header};
use platform::{
    Platform,
    clock::FixedClock,
    db::Scope,
    ids::SystemIds,
    isolated,
    peers::Peer,
    principal::{Caller, HEADER, Permission, Person, Role},
};
use proto::auth::v1::{AuthorizeRequest, Rights, auth_client::AuthClient};
use proto::session::v1::{ResolveRequest, Session, sessions_client::SessionsClient};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

pub const EMAIL: &str = "Ana@Example.org";
pub const PASSWORD: &str = "correct horse battery staple";

pub struct House {
    pub platform: Platform,
    pub clock: Arc<FixedClock>,
    pub link: SetupLink,
    router: Router,
    folder: Option<TempDir>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// Null when the body is empty.
    pub body: Value,
}

impl Answer {
    pub fn token(&self) -> &str {
        self.headers.get("x-taifas-session").map_or("", |value| value.to_str().unwrap())
    }
}

impl House {
    /// Auth alone, in `folder`; nobody else is announced yet.
    pub async fn alone(folder: &Path, config: Config) -> Self {
        let clock = FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let platform = isolated::platform(folder, clock.clone(), Arc::new(SystemIds)).await.unwrap();
        let (service, link) = auth::start(&platform, config, "https://chat.example.org").await.unwrap();
        (service.ready)().await.unwrap();
        platform.peers.announce("auth", service.router.clone()).unwrap();
        Self { platform, clock, link, router: service.router, folder: None }
    }

    pub async fn announce_user(&self) {
        let user = user::start(&self.platform, user::Config::default()).await.unwrap();
        self.platform.peers.announce("user", user.router).unwrap();
    }

    pub async fn announce_session(&self) {
        let session = session::start(&self.platform, session::Config::default()).await.unwrap();
        self.platform.peers.announce("session", session.router).unwrap();
    }

    /// All three, in `folder`.
    pub async fn open(folder: &Path, config: Config) -> Self {
        let house = Self::alone(folder, config).await;
        house.announce_user().await;
        house.announce_session().await;
        house
    }

    /// All three, in a folder that goes with the value.
    pub async fn new(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = Self::open(folder.path(), config).await;
        Self { folder: Some(folder), ..house }
    }

    /// The same with the account of [`EMAIL`] and [`PASSWORD`].
    pub async fn set_up(config: Config) -> Self {
        let house = Self::new(config).await;
        let answer = house.set_up_with(&house.link.token().await.unwrap().unwrap()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        house
    }

    /// How many passwords were compared with a hash until now.
    pub fn password_checks(&self) -> u64 {
        let text = self.platform.metrics.text().unwrap();
        let line = text.lines().find(|line| line.starts_with("password_checks_total"));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().into()).unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status: parts.status, headers: parts.headers, text, body }
    }

    pub async fn get(&self, caller: Option<&Caller>) -> Answer {
        let mut request = Request::get("/api/v1/session");
        if let Some(caller) = caller {
            request = request.header(HEADER, self.platform.signer.sign(caller).unwrap());
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, caller: Option<&Caller>, body: Value) -> Answer {
        let mut request = json_request(path).header(header::USER_AGENT, "Browser/1.0");
        if let Some(caller) = caller {
            request = request.header(HEADER, self.platform.signer.sign(caller).unwrap());
        }
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    /// Any request to `service`, as `caller`.
    pub async fn ask(&self, service: &'static str, method: &str, path: &str, caller: &Caller, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        if *caller != Caller::Nobody {
            request = request.header(HEADER, self.platform.signer.sign(caller).unwrap());
        }
        let body = if body.is_null() { Body::empty() } else { body.to_string().into() };
        let response = self.platform.peers.peer(service).send(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().into()).unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status: parts.status, headers: parts.headers, text, body }
    }

    /// The first administrator, signed in.
    pub async fn admin(&self) -> Caller {
        let token = self.sign_in(EMAIL, PASSWORD).await.token().to_owned();
        self.person(&token).await
    }

    /// Somebody with this role, signed in, and their id.
    pub async fn join(&self, email: &str, role: &str) -> (Caller, Uuid) {
        let asked = json!({"name": "Somebody", "email": email, "role": role});
        let made = self.ask("auth", "POST", "/api/v1/admin/people", &self.admin().await, asked).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let token = token_of(&made.body);
        let accepting = json!({"token": token, "name": "Somebody", "email": email, "password": PASSWORD});
        let answer = self.post("/api/v1/auth/accept-invitation", None, accepting).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let id = made.body["account"]["id"].as_str().unwrap().parse().unwrap();
        (self.rights(answer.token()).await, id)
    }

    /// As [`House::person`], with what the person may do now.
    pub async fn rights(&self, token: &str) -> Caller {
        let Session { id, user, .. } = self.resolve(token).await.unwrap();
        let [user_id, session] = [&user, &id].map(|id| Uuid::from_slice(id).unwrap());
        let rights = self.authorize(user_id).await.unwrap();
        let permissions = rights.permissions.iter().map(|name| Permission::parse(name).unwrap()).collect();
        Caller::Person(Person {
            user: user_id,
            session,
            role: Role::parse(&rights.role).unwrap(),
            permissions,
            key: None,
        })
    }

    /// What somebody may do, as the gateway asks.
    pub async fn authorize(&self, user: Uuid) -> Option<Rights> {
        let request = AuthorizeRequest { user: user.as_bytes().into(), looks: false };
        self.auth("gateway").authorize(request).await.unwrap().into_inner().rights
    }

    /// The RPCs, called as `service`.
    pub fn auth(&self, service: &str) -> AuthClient<Peer> {
        AuthClient::new(self.platform.acting_as(service).peer("auth"))
    }

    pub async fn set_up_with(&self, token: &str) -> Answer {
        let body = json!({"token": token, "name": "Ana", "email": EMAIL, "password": PASSWORD});
        self.post("/api/v1/setup", None, body).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/api/v1/auth/sign-in", None, json!({"email": email, "password": password})).await
    }

    pub async fn sign_in_from(&self, address: &str, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password}).to_string();
        self.send(json_request("/api/v1/auth/sign-in").header("x-taifas-client", address).body(body.into()).unwrap())
            .await
    }

    /// Whose token it is, as the gateway asks.
    pub async fn resolve(&self, token: &str) -> Option<Session> {
        let mut sessions = SessionsClient::new(self.platform.acting_as("gateway").peer("session"));
        sessions
            .resolve(ResolveRequest { token: token.into(), ..ResolveRequest::default() })
            .await
            .unwrap()
            .into_inner()
            .session
    }

    /// The person a token stands for, as the gateway would sign them.
    pub async fn person(&self, token: &str) -> Caller {
        let Session { id, user, role } = self.resolve(token).await.unwrap();
        let [user, session] = [user, id].map(|id| Uuid::from_slice(&id).unwrap());
        Caller::Person(Person::signed_in(user, session, Role::parse(&role).unwrap()))
    }

    /// A number from the tables.
    pub async fn number(&self, sql: &'static str) -> i64 {
        let read =
            self.platform.db.read(Scope::System, move |tx| async move { tx.query(sql).value::<i64>().await }.boxed());
        read.await.unwrap().unwrap()
    }

    /// Where the files are, for a house that has its own folder.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }
}

pub fn json_request(path: &str) -> http::request::Builder {
    Request::post(path).header(header::CONTENT_TYPE, "application/json")
}

/// The token of the link in an answer.
pub fn token_of(body: &Value) -> String {
    body["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}
