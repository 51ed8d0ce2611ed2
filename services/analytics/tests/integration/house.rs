//! Analytics with the real user beside it, and what ai says.

use axum::{
    Router,
    body::{Body, to_bytes},
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, StatusCode};
use platform::{
    Platform,
    clock::FixedClock,
    db::{Migration, Scope},
    events::{Event, Topic},
    ids::SystemIds,
    isolated,
    principal::{Caller, HEADER, Person, Role},
};
use proto::{
    Message,
    ai::v1::{GenerationFinished, Usage},
    user::v1::{CreateFirstRequest, CreateRequest, user_client::UserClient},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

const EVENTS: &[Migration] = &[Migration {
    version: 1,
    name: "events",
    sql: "create table ai_events (
              position integer primary key autoincrement,
              space_id blob not null, aggregate_id blob not null, version bigint not null, kind text not null,
              actor blob, payload blob not null, change text, at bigint not null
          );",
}];

pub const AI: Topic = platform::topic!("ai");
pub const USER: Topic = platform::topic!("user");

pub struct House {
    pub platform: Platform,
    pub ana: Person,
    pub dan: Person,
    router: Router,
    folder: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

/// 2027-01-15, 08:00 UTC.
pub fn today() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

impl House {
    pub async fn new() -> Self {
        let (ana, dan) = (Uuid::now_v7(), Uuid::now_v7());
        let house = Self::open(tempfile::tempdir().unwrap(), ana, dan).await;
        let mut users = UserClient::new(house.platform.acting_as("auth").peer("user"));
        let first =
            CreateFirstRequest { id: ana.as_bytes().into(), name: "Ana".into(), email: "ana@example.org".into() };
        users.create_first(first).await.unwrap();
        let second = CreateRequest {
            id: dan.as_bytes().into(),
            name: "=Dan, \"D\"".into(),
            email: "dan@example.org".into(),
            role: "user".into(),
            ..CreateRequest::default()
        };
        users.create(second).await.unwrap();
        house
    }

    async fn open(folder: TempDir, ana: Uuid, dan: Uuid) -> Self {
        let clock = FixedClock::at(today());
        let platform = isolated::platform(folder.path(), clock, Arc::new(SystemIds)).await.unwrap();
        platform.db.migrate("ai", EVENTS).await.unwrap();
        let user = user::start(&platform, user::Config::default()).await.unwrap();
        platform.peers.announce("user", user.router).unwrap();
        let service = analytics::start(&platform, analytics::Config::default()).await.unwrap();
        (service.ready)().await.unwrap();
        let ana = Person::signed_in(ana, Uuid::now_v7(), Role::ADMIN);
        let dan = Person::signed_in(dan, Uuid::now_v7(), Role::USER);
        Self { platform, ana, dan, router: service.router, folder }
    }

    /// The process dies after its effects and before it has noted how far it was.
    pub async fn crash(self) -> Self {
        let Self { platform, ana, dan, router, folder } = self;
        platform.background.drain(Duration::from_secs(10)).await;
        let forget = platform
            .db
            .write(Scope::System, |tx| async move { tx.query("delete from bus_cursors").run().await }.boxed());
        forget.await.unwrap();
        drop((platform, router));
        tokio::time::sleep(Duration::from_millis(200)).await;
        Self::open(folder, ana.user, dan.user).await
    }

    pub async fn get(&self, person: &Person, path: &str) -> Answer {
        let principal = self.platform.signer.sign(&Caller::Person(person.clone())).unwrap();
        let request = Request::get(path).header(HEADER, principal).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    pub async fn say(&self, topic: Topic, kind: &'static str, space: Uuid, at: DateTime<Utc>, payload: impl Message) {
        let aggregate = Uuid::now_v7();
        let event =
            Event { space, aggregate, version: 1, kind, actor: None, payload: payload.encode_to_vec(), change: None };
        let said = self.platform.db.write(Scope::System, move |tx| {
            let event = event.clone();
            async move { topic.append(tx, event, at).await }.boxed()
        });
        said.await.unwrap();
    }

    /// An answer of `model` has ended.
    pub async fn used(&self, person: &Person, model: &str, at: DateTime<Utc>, input: u64, output: u64, cost: u64) {
        let payload = GenerationFinished {
            model: model.into(),
            usage: Some(Usage { input, output, ..Usage::default() }),
            cost,
            state: "complete".into(),
            ..GenerationFinished::default()
        };
        self.say(AI, "generation.finished", person.space(), at, payload).await;
    }

    /// Waits until the instance has so many requests, and a moment more.
    pub async fn counts(&self, requests: i64) {
        let start = tokio::time::Instant::now();
        loop {
            let seen =
                self.get(&self.ana, "/api/v1/admin/usage?from=2026-01-16").await.body["totals"]["requests"].clone();
            if seen == requests && start.elapsed() > Duration::from_millis(300) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{seen} requests, not {requests}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
