//! Chat in a folder of its own, two people, and ai as far as chat asks it: which models there are.

use axum::{
    Router,
    body::{Body, to_bytes},
};
use futures_util::FutureExt as _;
use http::{Method, Request, StatusCode, header};
use platform::{
    Error, Platform,
    clock::FixedClock,
    db::Scope,
    events::{Event, Topic},
    ids::SystemIds,
    isolated,
    peers::Peer,
    principal::{Caller, HEADER, Person, Role},
    service::rpc_router,
};
use proto::{
    ai::v1 as ai,
    analytics::v1 as analytics,
    chat::v1::{
        AttachmentContent, AttachmentRequest, ContextAnswer, ContextRequest, FinishRequest, Outcome,
        chat_client::ChatClient,
    },
    notification::v1 as notification,
    user::v1::{CreateFirstRequest, user_client::UserClient},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

pub struct House {
    pub platform: Platform,
    pub ana: Person,
    pub dan: Person,
    pub clock: Arc<FixedClock>,
    router: Router,
    users: Router,
    /// As ai calls it.
    rpc: ChatClient<Peer>,
    folder: TempDir,
}

/// Knows `test/one` and `test/two`, and titles for what ends with a question mark.
struct Models;

#[tonic::async_trait]
impl ai::ai_server::Ai for Models {
    async fn resolve_model(
        &self,
        request: tonic::Request<ai::ResolveModelRequest>,
    ) -> Result<tonic::Response<ai::Model>, tonic::Status> {
        match request.into_inner().id.as_str() {
            "" | "test/one" => Ok(tonic::Response::new(ai::Model { id: "test/one".into(), vision: false })),
            "test/two" => Ok(tonic::Response::new(ai::Model { id: "test/two".into(), vision: true })),
            _ => Err(Error::not_found("model").into()),
        }
    }

    async fn title(
        &self,
        request: tonic::Request<ai::TitleRequest>,
    ) -> Result<tonic::Response<ai::Titled>, tonic::Status> {
        let question = request.into_inner().question;
        let title = question.strip_suffix('?').map(|about| format!("About {about}")).unwrap_or_default();
        Ok(tonic::Response::new(ai::Titled { title }))
    }
}

/// Says of everybody that they had one notice and used one model.
struct Others;

#[tonic::async_trait]
impl notification::notifications_server::Notifications for Others {
    async fn ability(
        &self,
        _: tonic::Request<notification::AbilityRequest>,
    ) -> Result<tonic::Response<notification::AbilityAnswer>, tonic::Status> {
        Ok(tonic::Response::new(notification::AbilityAnswer { configured: false }))
    }

    async fn send(
        &self,
        _: tonic::Request<notification::SendRequest>,
    ) -> Result<tonic::Response<notification::Sent>, tonic::Status> {
        Ok(tonic::Response::new(notification::Sent { queued: false }))
    }

    async fn export(
        &self,
        _: tonic::Request<notification::ExportRequest>,
    ) -> Result<tonic::Response<notification::Exported>, tonic::Status> {
        let notices = json!([{"kind": "cap_reached"}]).to_string();
        Ok(tonic::Response::new(notification::Exported { notices, preferences: json!({"version": 3}).to_string() }))
    }
}

#[tonic::async_trait]
impl analytics::analytics_server::Analytics for Others {
    async fn export(
        &self,
        _: tonic::Request<analytics::ExportRequest>,
    ) -> Result<tonic::Response<analytics::Exported>, tonic::Status> {
        Ok(tonic::Response::new(analytics::Exported { usage: json!({"days": [{"model": "test/one"}]}).to_string() }))
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    pub fn id(&self, part: &str) -> Uuid {
        self.body[part]["id"].as_str().unwrap_or_else(|| panic!("no {part} in {}", self.body)).parse().unwrap()
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl House {
    pub async fn new() -> Self {
        let person = || Person::signed_in(Uuid::now_v7(), Uuid::now_v7(), Role::USER);
        Self::of(tempfile::tempdir().unwrap(), person(), person()).await
    }

    /// A copy of the database, as a backup has it.
    pub async fn backup(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = self.platform.db.path().file_name().unwrap();
        self.platform.db.copy_to(&folder.path().join(file)).await.unwrap();
        folder
    }

    /// The people of `of`, with what a backup holds of them.
    pub async fn restored(backup: TempDir, of: &Self) -> Self {
        Self::of(backup, of.ana.clone(), of.dan.clone()).await
    }

    async fn of(folder: TempDir, ana: Person, dan: Person) -> Self {
        let clock = FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let platform = isolated::platform(folder.path(), clock.clone(), Arc::new(SystemIds)).await.unwrap();
        let users = user::start(&platform, user::Config::default()).await.unwrap();
        platform.peers.announce("user", users.router.clone()).unwrap();
        let models = tonic::service::Routes::new(ai::ai_server::AiServer::new(Models));
        platform.peers.announce("ai", rpc_router(models, platform.signer.clone())).unwrap();
        let notices = notification::notifications_server::NotificationsServer::new(Others);
        let notices = rpc_router(tonic::service::Routes::new(notices), platform.signer.clone());
        platform.peers.announce("notification", notices).unwrap();
        let usage = tonic::service::Routes::new(analytics::analytics_server::AnalyticsServer::new(Others));
        platform.peers.announce("analytics", rpc_router(usage, platform.signer.clone())).unwrap();
        let service = chat::start(&platform, chat::Config::default()).await.unwrap();
        (service.ready)().await.unwrap();
        platform.peers.announce("chat", service.router.clone()).unwrap();
        // as ai takes it
        let rpc = ChatClient::new(platform.acting_as("ai").peer("chat")).max_decoding_message_size(64 << 20);
        Self { platform, ana, dan, clock, router: service.router, users: users.router, rpc, folder }
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What runs by itself begins again, as after a restart.
    pub async fn restart(&self) {
        chat::start(&self.platform, chat::Config::default()).await.unwrap();
    }

    /// Waits, at most ten seconds, until `holds` does.
    pub async fn until(&self, mut holds: impl AsyncFnMut() -> bool) {
        for _ in 0..400 {
            if holds().await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("it did not come to that in ten seconds");
    }

    /// Whether a table of chat holds `text`.
    pub async fn holds(&self, text: &'static str) -> bool {
        let found = self.platform.db.read(Scope::System, move |tx| {
            async move {
                tx.query(
                    "select (select count(*) from chat_messages where instr(text, $1))
                         + (select count(*) from chat_sends where instr(answer, $1))
                         + (select count(*) from chat_chats where instr(title, $1))
                         + (select count(*) from chat_events where instr(coalesce(change, ''), $1))",
                )
                .bind(text)
                .value::<i64>()
                .await
            }
            .boxed()
        });
        found.await.unwrap().unwrap_or(0) > 0
    }

    /// As a database from before there was a search is after its migration.
    pub async fn forget_search(&self) {
        let forgotten = self.platform.db.write(Scope::System, |tx| {
            async move {
                tx.query("delete from chat_search where rowid in (select place from chat_search_rows)").run().await?;
                tx.query("delete from chat_search_rows").run().await?;
                tx.query("insert into chat_search_backlog (space_id, chat_id) select space_id, id from chat_chats")
                    .run()
                    .await
            }
            .boxed()
        });
        forgotten.await.unwrap();
    }

    /// The account of `person` ends.
    pub async fn end_account(&self, person: &Person) {
        const TOPIC: Topic = platform::topic!("user");
        let (user, now) = (person.user, self.platform.clock.now());
        let event = Event {
            space: user,
            aggregate: user,
            version: 1,
            kind: "user.deleted",
            actor: None,
            payload: Vec::new(),
            change: None,
        };
        let ended = self.platform.db.write(user, move |tx| {
            let event = event.clone();
            async move { TOPIC.append(tx, event, now).await }.boxed()
        });
        ended.await.unwrap();
    }

    /// How many rows of chat's tables belong to `person`.
    pub async fn rows_of(&self, person: &Person) -> i64 {
        let space = person.space();
        let rows = self.platform.db.read(space, move |tx| {
            async move {
                tx.query(
                    "select (select count(*) from chat_chats where space_id = $1)
                         + (select count(*) from chat_messages where space_id = $1)
                         + (select count(*) from chat_search_rows where space_id = $1)
                         + (select count(*) from chat_sends where space_id = $1)
                         + (select count(*) from chat_events where space_id = $1)
                         + (select count(*) from chat_drafts where space_id = $1)
                         + (select count(*) from chat_projects where space_id = $1)
                         + (select count(*) from chat_attachments where space_id = $1)
                         + (select count(*) from chat_files where space_id = $1)
                         + (select count(*) from chat_imports where space_id = $1)
                         + (select count(*) from chat_exports where space_id = $1)
                         + (select count(*) from tasks_tasks where space_id = $1)",
                )
                .bind(space)
                .value::<i64>()
                .await
            }
            .boxed()
        });
        rows.await.unwrap().unwrap_or(0)
    }

    pub async fn upload(&self, person: &Person, name: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = self.request(person, Method::POST, &format!("/api/v1/files?name={name}"));
        let mut request = request.body(Body::from(body)).unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        self.raw(request).await
    }

    /// What is answered, byte for byte.
    pub async fn response(&self, person: &Person, path: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
        let request = self.request(person, Method::GET, path).body(Body::empty()).unwrap();
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (head.status, head.headers, to_bytes(body, 1 << 26).await.unwrap().into())
    }

    pub async fn attachment(&self, person: &Person, file: Uuid) -> Result<AttachmentContent, Error> {
        let request = AttachmentRequest { space: person.space().as_bytes().into(), file: file.as_bytes().into() };
        Ok(self.rpc.clone().attachment(request).await?.into_inner())
    }

    /// Somebody with a real account.
    pub async fn account(&self) -> Person {
        let id = Uuid::now_v7();
        let request =
            CreateFirstRequest { id: id.as_bytes().into(), name: "Maria".into(), email: "maria@example.org".into() };
        UserClient::new(self.platform.acting_as("auth").peer("user")).create_first(request).await.unwrap();
        Person { user: id, ..self.ana.clone() }
    }

    /// What a person wants models to know.
    pub async fn instruct(&self, person: &Person, body: Value) {
        let request = self.request(person, Method::PUT, "/api/v1/me/instructions");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let (head, body) = self.users.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        assert_eq!(head.status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    }

    /// A file is brought in; answers how that ended.
    pub async fn import(&self, person: &Person, file: Vec<u8>) -> Value {
        let request = self.request(person, Method::POST, "/api/v1/imports?name=export");
        let begun = self.raw(request.body(Body::from(file)).unwrap()).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.body);
        let path = format!("/api/v1/imports/{}", begun.body["id"].as_str().unwrap());
        self.until(async || {
            let state = self.get(person, &path).await.body["state"].clone();
            state == "ready" || state == "failed"
        })
        .await;
        self.get(person, &path).await.body
    }

    pub async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    pub fn request(&self, person: &Person, method: Method, path: &str) -> http::request::Builder {
        let principal = self.platform.signer.sign(&Caller::Person(person.clone())).unwrap();
        let builder = Request::builder().method(method).uri(path).header(HEADER, principal);
        builder.header(header::CONTENT_TYPE, "application/json")
    }

    pub async fn call(&self, person: &Person, method: Method, path: &str, body: Value) -> Answer {
        self.raw(self.request(person, method, path).body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn get(&self, person: &Person, path: &str) -> Answer {
        self.call(person, Method::GET, path, Value::Null).await
    }

    pub async fn send_with(&self, person: &Person, chat: Uuid, key: &str, body: Value) -> Answer {
        let request = self.request(person, Method::POST, &format!("/api/v1/chats/{chat}/messages"));
        self.raw(request.header("idempotency-key", key).body(Body::from(body.to_string())).unwrap()).await
    }

    /// The first message of a new chat.
    pub async fn begin(&self, person: &Person, text: &str) -> Answer {
        let message = Uuid::now_v7();
        let body = json!({"id": message, "parent_id": null, "text": text});
        let answer = self.send_with(person, Uuid::now_v7(), &message.to_string(), body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        answer
    }

    pub async fn context(&self, person: &Person, reply: Uuid, attempt: u32) -> Result<ContextAnswer, Error> {
        let request = ContextRequest {
            space: person.space().as_bytes().into(),
            reply: reply.as_bytes().into(),
            attempt,
            ..ContextRequest::default()
        };
        Ok(self.rpc.clone().context(request).await?.into_inner())
    }

    /// A message gets a text of so many bytes.
    pub async fn lengthen(&self, message: Uuid, bytes: i64) {
        let written = self.platform.db.write(Scope::System, move |tx| {
            async move {
                let sql = "update chat_messages set text = replace(hex(zeroblob($1)), '00', 'x') where id = $2";
                tx.query(sql).bind(bytes).bind(message).run().await
            }
            .boxed()
        });
        assert_eq!(written.await.unwrap(), 1);
    }

    pub async fn finish(&self, person: &Person, reply: Uuid, attempt: u32, text: &str) -> Result<Outcome, Error> {
        let request = FinishRequest {
            space: person.space().as_bytes().into(),
            reply: reply.as_bytes().into(),
            attempt,
            state: "complete".into(),
            text: text.into(),
            next: 7,
            ..FinishRequest::default()
        };
        Ok(self.rpc.clone().finish(request).await?.into_inner())
    }

    /// Everything the events table holds, as text: to look for what must not be there.
    pub async fn events(&self) -> (i64, String) {
        self.platform
            .db
            .read(Scope::System, |tx| {
                async move {
                    let count = tx.query("select count(*) from chat_events").value().await?;
                    let all = tx
                        .query("select coalesce(group_concat(kind || ':' || hex(payload) || ' '), '') from chat_events")
                        .value()
                        .await?;
                    Ok((count.unwrap_or(0), all.unwrap_or_default()))
                }
                .boxed()
            })
            .await
            .unwrap()
    }
}
