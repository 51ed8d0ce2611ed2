//! Accounts, over their routes and RPCs, on an isolated platform.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod accounts;
mod callers;
mod people;
mod profiles;

use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode};
use platform::{
    Platform,
    clock::FixedClock,
    ids::SeededIds,
    isolated,
    peers::Peer,
    principal::{Caller, HEADER, Person, Role},
};
use proto::user::v1::{Account, CreateFirstRequest, user_client::UserClient};
use serde_json::Value;
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

/// User alone on a platform of its own.
pub struct House {
    pub platform: Platform,
    router: axum::Router,
}

impl House {
    pub async fn start(folder: &Path) -> Self {
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let platform = isolated::platform(folder, FixedClock::at(now), Arc::new(SeededIds::new(1))).await.unwrap();
        let service = user::start(&platform, user::Config::default()).await.unwrap();
        (service.ready)().await.unwrap();
        platform.peers.announce("user", service.router.clone()).unwrap();
        Self { platform, router: service.router }
    }

    /// The RPCs, called as `service`.
    pub fn rpc(&self, service: &str) -> UserClient<Peer> {
        UserClient::new(self.platform.acting_as(service).peer("user"))
    }

    /// `GET /api/v1/me` as `caller`.
    pub async fn me(&self, caller: Option<&Caller>) -> (StatusCode, Value) {
        self.call(caller, Method::GET, "/api/v1/me", Value::Null).await
    }

    pub async fn call(&self, caller: Option<&Caller>, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(caller) = caller {
            request = request.header(HEADER, self.platform.signer.sign(caller).unwrap());
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub async fn create_first(&self, id: Uuid, name: &str, email: &str) -> Result<Account, platform::Error> {
        let request = CreateFirstRequest { id: id.as_bytes().into(), name: name.into(), email: email.into() };
        Ok(self.rpc("auth").create_first(request).await?.into_inner())
    }
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn admin(user: Uuid) -> Caller {
    Caller::Person(Person::signed_in(user, Uuid::from_u128(98), Role::ADMIN))
}

pub fn person(user: Uuid) -> Caller {
    Caller::Person(Person::signed_in(user, Uuid::from_u128(99), Role::USER))
}
