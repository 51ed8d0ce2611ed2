//! Notification with the real user and session beside it, and the events of the others.

use axum::{
    Router,
    body::{Body, to_bytes},
};
use futures_util::FutureExt as _;
use http::{Method, Request, StatusCode, header};
use notification::Config;
use platform::{
    Platform,
    clock::SystemClock,
    db::{Migration, Scope},
    events::{Event, Topic},
    ids::SystemIds,
    isolated,
    peers::Peer,
    principal::{Caller, HEADER, Person, Role},
};
use proto::{
    Message,
    notification::v1::notifications_client::NotificationsClient,
    session::v1::{ArriveRequest, LeaveRequest, OpenRequest, sessions_client::SessionsClient},
    user::v1::{CreateFirstRequest, CreateRequest, user_client::UserClient},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

macro_rules! events {
    ($service:literal) => {
        &[Migration {
            version: 1,
            name: "events",
            sql: concat!(
                "create table ",
                $service,
                "_events (
                    position integer primary key autoincrement,
                    space_id blob not null, aggregate_id blob not null, version bigint not null, kind text not null,
                    actor blob, payload blob not null, change text, at bigint not null
                );"
            ),
        }]
    };
}

pub const CHAT: Topic = platform::topic!("chat");
pub const AI: Topic = platform::topic!("ai");
pub const AUTH: Topic = platform::topic!("auth");
pub const USER: Topic = platform::topic!("user");

/// Long enough for what must happen, and to see that something does not.
pub const SOON: Duration = Duration::from_secs(10);
pub const MOMENT: Duration = Duration::from_millis(500);

pub struct House {
    pub platform: Platform,
    pub ana: Person,
    pub dan: Person,
    router: Router,
    folder: TempDir,
}

struct Waiting {
    payload: Vec<u8>,
}
platform::from_row!(Waiting { payload });

pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl House {
    pub async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ana, dan) = (Uuid::now_v7(), Uuid::now_v7());
        let house = Self::open(folder, config, ana, dan).await;
        let users = UserClient::new(house.platform.acting_as("auth").peer("user"));
        let first =
            CreateFirstRequest { id: ana.as_bytes().into(), name: "Ana".into(), email: "ana@example.org".into() };
        users.clone().create_first(first).await.unwrap();
        let second = CreateRequest {
            id: dan.as_bytes().into(),
            name: "Dan".into(),
            email: "dan@example.org".into(),
            role: "user".into(),
            ..CreateRequest::default()
        };
        users.clone().create(second).await.unwrap();
        house
    }

    async fn open(folder: TempDir, config: Config, ana: Uuid, dan: Uuid) -> Self {
        let platform = isolated::platform(folder.path(), Arc::new(SystemClock), Arc::new(SystemIds)).await.unwrap();
        for (service, events) in [("chat", events!("chat")), ("ai", events!("ai")), ("auth", events!("auth"))] {
            platform.db.migrate(service, events).await.unwrap();
        }
        let user = user::start(&platform, user::Config::default()).await.unwrap();
        platform.peers.announce("user", user.router).unwrap();
        let session = session::start(&platform, session::Config::default()).await.unwrap();
        platform.peers.announce("session", session.router).unwrap();
        let service = notification::start(&platform, config, "https://chat.example.org").await.unwrap();
        (service.ready)().await.unwrap();
        platform.peers.announce("notification", service.router.clone()).unwrap();
        let ana = Person::signed_in(ana, Uuid::now_v7(), Role::ADMIN);
        let dan = Person::signed_in(dan, Uuid::now_v7(), Role::USER);
        Self { platform, ana, dan, router: service.router, folder }
    }

    /// The process ends and another one begins on the same folder.
    pub async fn again(self, config: Config) -> Self {
        let Self { platform, ana, dan, router, folder } = self;
        platform.background.drain(Duration::from_secs(10)).await;
        drop((platform, router));
        // the database's threads end with its last handle
        tokio::time::sleep(Duration::from_millis(200)).await;
        Self::open(folder, config, ana.user, dan.user).await
    }

    pub async fn call(&self, person: &Person, method: Method, path: &str, body: Value) -> Answer {
        let principal = self.platform.signer.sign(&Caller::Person(person.clone())).unwrap();
        let request = Request::builder().method(method).uri(path).header(HEADER, principal);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, person: &Person, path: &str) -> Answer {
        self.call(person, Method::GET, path, Value::Null).await
    }

    pub async fn notices(&self, person: &Person) -> Vec<Value> {
        let answer = self.get(person, "/api/v1/notices?limit=100").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body["notices"].as_array().unwrap().clone()
    }

    /// Waits until a person has so many notices, and no more.
    pub async fn has_notices(&self, person: &Person, count: usize) -> Vec<Value> {
        until(async || (self.notices(person).await.len() >= count).then_some(())).await;
        tokio::time::sleep(MOMENT).await;
        let notices = self.notices(person).await;
        assert_eq!(notices.len(), count, "{notices:?}");
        notices
    }

    /// Another service says something.
    pub async fn say(&self, topic: Topic, kind: &'static str, space: Uuid, aggregate: Uuid, payload: impl Message) {
        let event =
            Event { space, aggregate, version: 1, kind, actor: None, payload: payload.encode_to_vec(), change: None };
        let now = self.platform.clock.now();
        let said = self.platform.db.write(Scope::System, move |tx| {
            let event = event.clone();
            async move { topic.append(tx, event, now).await }.boxed()
        });
        said.await.unwrap();
    }

    pub async fn reply_finished(&self, person: &Person, state: &str) -> (Uuid, Uuid) {
        let (chat, reply) = (Uuid::now_v7(), Uuid::now_v7());
        let payload = proto::chat::v1::ReplyFinished {
            chat: chat.as_bytes().into(),
            reply: reply.as_bytes().into(),
            attempt: 1,
            state: state.into(),
        };
        self.say(CHAT, "reply.finished", person.space(), chat, payload).await;
        (chat, reply)
    }

    pub fn sessions(&self, service: &str) -> SessionsClient<Peer> {
        SessionsClient::new(self.platform.acting_as(service).peer("session"))
    }

    pub async fn sign_in(&self, person: &Person, device: &str) {
        let request = OpenRequest {
            user: person.user.as_bytes().into(),
            role: person.role.name().into(),
            device: device.into(),
            ..OpenRequest::default()
        };
        self.sessions("auth").open(request).await.unwrap();
    }

    /// A browser of this person shows Taifas, or does no more.
    pub async fn present(&self, person: &Person, present: bool) {
        let (user, connection) = (person.user.as_bytes().to_vec(), person.user.as_bytes().to_vec());
        if present {
            let session = person.session.as_bytes().to_vec();
            self.sessions("gateway").arrive(ArriveRequest { user, session, connection }).await.unwrap();
        } else {
            self.sessions("gateway").leave(LeaveRequest { user, connection }).await.unwrap();
        }
    }

    pub fn mail(&self, service: &str) -> NotificationsClient<Peer> {
        NotificationsClient::new(self.platform.acting_as(service).peer("notification"))
    }

    pub async fn prefer(&self, person: &Person, change: impl FnOnce(&mut Value)) {
        let mut seen = self.get(person, "/api/v1/notices/preferences").await.body;
        change(&mut seen["kinds"]);
        let answer = self.call(person, Method::PUT, "/api/v1/notices/preferences", seen).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    pub async fn standing(&self) -> Value {
        self.get(&self.ana, "/api/v1/admin/mail").await.body
    }

    /// What the queue of letters holds.
    pub async fn waiting_letters(&self) -> Vec<Vec<u8>> {
        let waiting: Vec<Waiting> = self
            .platform
            .db
            .read(Scope::System, |tx| {
                async move { tx.query("select payload from tasks_tasks where queue = 'notification-mail'").all().await }
                    .boxed()
            })
            .await
            .unwrap();
        waiting.into_iter().map(|letter| letter.payload).collect()
    }

    /// Whatever waits is to say what the letter says that was asked for first, if two wait.
    pub async fn copy_first_letter(&self) -> bool {
        let copied = self.platform.db.write(Scope::System, |tx| {
            async move {
                tx.query(
                    "update tasks_tasks set payload = (
                         select f.payload from tasks_tasks f where f.queue = 'notification-mail' order by f.added_at, f.key limit 1
                     ) where queue = 'notification-mail' and (
                         select count(*) from tasks_tasks w where w.queue = 'notification-mail' and w.taken = 0
                     ) = 2",
                )
                .run()
                .await
            }
            .boxed()
        });
        copied.await.unwrap() == 2
    }

    /// Every byte that the tables of this service hold, and the tasks.
    pub async fn stored(&self, of: Uuid) -> i64 {
        let count = self.platform.db.read(Scope::System, move |tx| {
            async move {
                tx.query(
                    "select (select count(*) from notification_notices where space_id = $1)
                          + (select count(*) from notification_preferences where space_id = $1)
                          + (select count(*) from notification_devices where space_id = $1)
                          + (select count(*) from notification_events where space_id = $1)
                          + (select count(*) from tasks_tasks where space_id = $1)",
                )
                .bind(of)
                .value::<i64>()
                .await
            }
            .boxed()
        });
        count.await.unwrap().unwrap()
    }
}

/// Looks again and again until there is something.
pub async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = tokio::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < SOON, "it does not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn wrong_ids() -> Value {
    json!([Uuid::now_v7()])
}
