//! One database, streams and chat; workers that can be started and killed; a provider that says what
//! a test tells it to.

use ai::{
    Config,
    providers::{
        Ask, Continuation, End, EndReason, Fault, FaultKind, Model, Piece, Pieces, Place, Provider, Purpose, Titles,
    },
};
use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    extract::State,
    middleware::Next,
    response::Response,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Request, header};
use platform::{
    Platform,
    clock::FixedClock,
    db::{self, Db, Scope},
    events::{Event, Topic},
    ids::SystemIds,
    isolated,
    principal::{Caller, HEADER, Person, Role},
    service::Background,
    streams::{self, FileStreams},
};
use proto::{
    Message as _,
    chat::v1::{ContextRequest, FinishRequest, chat_client::ChatClient},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Long enough on a busy machine, short enough to notice a hang.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// One call of the provider, in the test's hands.
pub struct Call {
    pub ask: Ask,
    say: mpsc::UnboundedSender<Result<Piece, Fault>>,
}

impl Call {
    pub fn say(&self, text: &str) {
        let _ = self.say.send(Ok(Piece::Text(text.into())));
    }

    pub fn finish(&self, reason: EndReason) {
        let _ = self.say.send(Ok(Piece::End(End { reason, usage: None })));
    }

    pub fn end(&self) {
        let _ = self.say.send(Ok(Piece::End(End { reason: EndReason::Stop, usage: None })));
    }

    /// Waits until nobody listens any more.
    pub async fn over(&mut self) {
        self.say.closed().await;
    }

    pub fn cut(self) {
        let _ = self.say.send(Err(Fault::new(FaultKind::Cut, "The model stopped answering.")));
    }
}

/// Hands every call to the test.
pub struct Told {
    continuation: Continuation,
    calls: mpsc::UnboundedSender<Call>,
}

#[async_trait]
impl Provider for Told {
    fn name(&self) -> &str {
        "told"
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        Ok(vec![Model {
            id: "model".into(),
            name: "Told".into(),
            description: "Says what a test tells it to.".into(),
            place: Place::Server,
            continuation: self.continuation,
            purpose: Purpose::Chat,
            vision: false,
            window: None,
        }])
    }

    /// Conversations get no title: every call is one that a test asked for.
    fn titles(&self, _: &str) -> Titles {
        Titles::None
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        let (say, said) = mpsc::unbounded_channel();
        let gone = || Fault::new(FaultKind::Unreachable, "The test is over.");
        self.calls.send(Call { ask, say }).map_err(|_| gone())?;
        Ok(stream::unfold(said, |mut said| async { said.recv().await.map(|piece| (piece, said)) }).boxed())
    }
}

pub struct House {
    pub platform: Platform,
    pub clock: Arc<FixedClock>,
    /// Chat fails with the turns of every reply.
    pub turns_fail: Arc<AtomicBool>,
    person: Person,
    _folder: TempDir,
}

/// A worker in a runtime of its own, so that it can be killed as a process is.
pub struct WorkerProcess {
    runtime: Option<tokio::runtime::Runtime>,
    pub background: Background,
    pub calls: mpsc::UnboundedReceiver<Call>,
}

impl WorkerProcess {
    pub async fn call(&mut self) -> Call {
        tokio::time::timeout(DEADLINE, self.calls.recv()).await.expect("the provider is called").unwrap()
    }

    /// As `kill -9`: every task is gone at once.
    pub fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl House {
    /// `alone`: as on a laptop, where the lock on the data folder proves that no other worker lives.
    pub async fn new(alone: bool) -> Self {
        Self::with(alone, None).await
    }

    /// With streams of these limits and times.
    pub async fn keeping(options: streams::Options) -> Self {
        Self::with(true, Some(options)).await
    }

    async fn with(alone: bool, options: Option<streams::Options>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let mut platform = isolated::platform(folder.path(), clock.clone(), Arc::new(SystemIds)).await.unwrap();
        if !alone {
            platform.db = shared(folder.path());
            let bus = platform::bus::TableBus::open(platform.db.clone(), clock.clone()).await.unwrap();
            platform.bus = Arc::new(bus);
        }
        if let Some(options) = options {
            platform.streams = Arc::new(FileStreams::open(folder.path().join("few"), options).unwrap());
        }
        let users = user::start(&platform, user::Config::default()).await.unwrap();
        platform.peers.announce("user", users.router).unwrap();
        let chat = chat::start(&platform, chat::Config::default()).await.unwrap();
        let turns_fail = Arc::<AtomicBool>::default();
        let failing = axum::middleware::from_fn_with_state(turns_fail.clone(), without_turns);
        platform.peers.announce("chat", chat.router.layer(failing)).unwrap();
        let person = Person::signed_in(Uuid::now_v7(), Uuid::now_v7(), Role::USER);
        Self { platform, clock, turns_fail, person, _folder: folder }
    }

    /// The worker whose service answers for ai; further ones only work.
    pub fn worker(&self, continuation: Continuation, first: bool) -> WorkerProcess {
        self.narrow_worker(continuation, first, Config::default().parallel)
    }

    /// The same, with so many places for answers.
    pub fn narrow_worker(&self, continuation: Continuation, first: bool, parallel: usize) -> WorkerProcess {
        let (calls, received) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let background = Background::default();
        let platform = Platform { background: background.clone(), ..self.platform.clone() };
        let config = Config {
            ollama_base_url: String::new(),
            beat_seconds: 1,
            expiry_seconds: 2,
            parallel,
            ..Config::default()
        };
        let provider: Arc<dyn Provider> = Arc::new(Told { continuation, calls });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let started = runtime.spawn(async move {
            let service = ai::start_with(&platform, config, vec![provider]).await.unwrap();
            if first {
                platform.peers.announce("ai", service.router).unwrap();
            }
        });
        while !started.is_finished() {
            std::thread::sleep(Duration::from_millis(2));
        }
        WorkerProcess { runtime: Some(runtime), background, calls: received }
    }

    /// Tells chat how an attempt has ended, as its worker does before it closes the lease.
    pub async fn end(&self, reply: Uuid, attempt: u32, state: &str, text: &str) {
        let end = FinishRequest {
            space: self.person.user.as_bytes().into(),
            reply: reply.as_bytes().into(),
            attempt,
            state: state.into(),
            text: text.into(),
            next: 1,
            ..FinishRequest::default()
        };
        ChatClient::new(self.platform.acting_as("ai").peer("chat")).finish(end).await.unwrap();
    }

    /// Asks ai itself, as somebody of this role.
    pub async fn ask(&self, role: Role, method: &str, path: &str, body: Value) -> (u16, Value) {
        let response = self.open(role, method, path, body).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// The same, as text.
    pub async fn text(&self, path: &str, body: Value) -> (u16, String) {
        let response = self.open(Role::USER, "POST", path, body).await;
        let status = response.status().as_u16();
        (status, String::from_utf8(to_bytes(response.into_body(), 1 << 24).await.unwrap().to_vec()).unwrap())
    }

    /// The same, as it comes.
    pub async fn open(&self, role: Role, method: &str, path: &str, body: Value) -> http::Response<Body> {
        let caller = Caller::Person(Person { permissions: role.defaults(), role, ..self.person.clone() });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HEADER, self.platform.signer.sign(&caller).unwrap())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.platform.peer("ai").send_while_wanted(request).await.unwrap()
    }

    pub fn person(&self) -> Uuid {
        self.person.user
    }

    /// The payloads of ai's events of a kind.
    pub async fn events(&self, kind: &'static str) -> Vec<Vec<u8>> {
        struct Payload {
            payload: Vec<u8>,
        }
        platform::from_row!(Payload { payload });
        let read = self.platform.db.read(Scope::System, move |tx| {
            async move {
                let found = tx.query("select payload from ai_events where kind = $1 order by position").bind(kind);
                found.all::<Payload>().await
            }
            .boxed()
        });
        read.await.unwrap().into_iter().map(|row| row.payload).collect()
    }

    /// Reservations that nobody has settled.
    pub async fn reserved(&self) -> i64 {
        self.number("select count(*) from ai_reservations").await
    }

    /// What the person used, on all days.
    pub async fn day_tokens(&self) -> i64 {
        let own = "select coalesce(sum(tokens), 0) from ai_days where space_id <> zeroblob(16)";
        self.number(own).await
    }

    pub async fn run(&self, sql: &'static str) {
        let written =
            self.platform.db.write(self.person.user, move |tx| async move { tx.query(sql).run().await }.boxed());
        written.await.unwrap();
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        let read = self.platform.db.read(Scope::System, move |tx| async move { tx.query(sql).value().await }.boxed());
        read.await.unwrap().unwrap_or_default()
    }

    /// The n-th `request.finished`, once it is there.
    pub async fn finished(&self, number: usize) -> proto::ai::v1::RequestFinished {
        use proto::Message as _;
        for _ in 0..500 {
            if let Some(payload) = self.events("request.finished").await.get(number) {
                return proto::ai::v1::RequestFinished::decode(payload.as_slice()).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("use {number} was never settled")
    }

    /// The account of the person ends.
    pub async fn end_account(&self) {
        const TOPIC: Topic = platform::topic!("user");
        let (user, now) = (self.person.user, self.platform.clock.now());
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

    pub fn folder(&self) -> &Path {
        self._folder.path()
    }

    async fn request(&self, request: http::request::Builder, body: Value) -> Value {
        self.request_of(&self.person, request, body).await
    }

    async fn request_of(&self, person: &Person, request: http::request::Builder, body: Value) -> Value {
        let caller = Caller::Person(person.clone());
        let request = request
            .header(HEADER, self.platform.signer.sign(&caller).unwrap())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = self.platform.peer("chat").send(request).await.unwrap();
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }

    /// Stores a picture of the person; its id.
    pub async fn picture(&self, bytes: &'static [u8]) -> Value {
        let caller = Caller::Person(self.person.clone());
        let request = Request::post("/api/v1/files?name=dot.png")
            .header(HEADER, self.platform.signer.sign(&caller).unwrap())
            .header(header::CONTENT_TYPE, "image/png")
            .body(Body::from(bytes))
            .unwrap();
        let response = self.platform.peer("chat").send(request).await.unwrap();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let file: Value = serde_json::from_slice(&body).unwrap();
        assert!(file["id"].is_string(), "{file}");
        file["id"].clone()
    }

    /// Sends the first message of a new chat; the chat's and the reply's id.
    pub async fn send(&self, text: &str) -> (Uuid, Uuid) {
        self.send_with(text, json!([])).await
    }

    /// The same, with pictures.
    pub async fn send_with(&self, text: &str, attachments: Value) -> (Uuid, Uuid) {
        let (chat, message) = (Uuid::now_v7(), Uuid::now_v7());
        let request =
            Request::post(format!("/api/v1/chats/{chat}/messages")).header("idempotency-key", message.to_string());
        let sent =
            self.request(request, json!({"id": message, "parent_id": null, "text": text, "model": "told/model", "attachments": attachments})).await;
        let reply = sent["reply"]["id"].as_str().unwrap_or_else(|| panic!("{sent}")).parse().unwrap();
        (chat, reply)
    }

    /// Sends as somebody else.
    pub async fn send_of(&self, user: Uuid, text: &str) {
        let (person, message) = (Person::signed_in(user, Uuid::now_v7(), Role::USER), Uuid::now_v7());
        let path = format!("/api/v1/chats/{}/messages", Uuid::now_v7());
        let request = Request::post(path).header("idempotency-key", message.to_string());
        let body = json!({"id": message, "parent_id": null, "text": text, "model": "told/model"});
        let sent = self.request_of(&person, request, body).await;
        assert!(sent["reply"]["id"].is_string(), "{sent}");
    }

    pub async fn post(&self, path: &str) -> Value {
        self.request(Request::post(path), json!({})).await
    }

    /// The reply as chat has it.
    pub async fn reply(&self, chat: Uuid) -> Value {
        let open = self.request(Request::get(format!("/api/v1/chats/{chat}")), Value::Null).await;
        open["messages"].as_array().unwrap().last().unwrap().clone()
    }

    /// Waits until the reply is in `state`.
    pub async fn wait_for(&self, chat: Uuid, state: &str) -> Value {
        let mut last = Value::Null;
        let waiting = async {
            loop {
                last = self.reply(chat).await;
                if last["state"] == state {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let reached = tokio::time::timeout(DEADLINE, waiting).await.is_ok();
        assert!(reached, "never {state}: {last}");
        last
    }

    /// Waits until readers of the reply have been shown `text`.
    pub async fn wait_shown(&self, reply: Uuid, text: &str) {
        let mut reading = self.platform.streams.read(reply, None);
        let mut shown = String::new();
        let waiting = async {
            while shown != text {
                if let platform::streams::Item::Batch(batch) = reading.next().await.unwrap() {
                    for entry in batch.entries {
                        use proto::Message as _;
                        let chunk = proto::ai::v1::Chunk::decode(entry.bytes).unwrap();
                        if let Some(proto::ai::v1::chunk::Kind::Text(piece)) = chunk.kind {
                            shown.push_str(&piece);
                        }
                    }
                }
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect("the text is shown");
    }

    /// Waits until no lease is open, and `finished` accounts were given: no more, no less.
    pub async fn settled(&self, reply: Uuid, finished: i64) {
        let mut last = (0, 0);
        let waiting = async {
            loop {
                last = self.accounts(reply).await;
                if last == (0, finished) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let reached = tokio::time::timeout(DEADLINE, waiting).await.is_ok();
        assert!(reached, "open leases and accounts: {last:?}, expected (0, {finished})");
    }

    /// Waits until the account of a reply was given, while others are open.
    pub async fn accounted(&self, reply: Uuid) {
        let given = async {
            while self.accounts(reply).await.1 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, given).await.expect("an account is given");
    }

    /// Open leases, and `generation.finished` events of a reply.
    async fn accounts(&self, reply: Uuid) -> (i64, i64) {
        self.platform
            .db
            .read(Scope::System, move |tx| {
                async move {
                    let open = tx.query("select count(*) from ai_generations where state = 'open'").value().await?;
                    let finished = tx
                        .query(
                            "select count(*) from ai_events where aggregate_id = $1 and kind = 'generation.finished'",
                        )
                        .bind(reply)
                        .value()
                        .await?;
                    Ok((open.unwrap_or(-1), finished.unwrap_or(-1)))
                }
                .boxed()
            })
            .await
            .unwrap()
    }
}

/// Refuses every question for turns, as a message that became too long is refused.
async fn without_turns(State(fails): State<Arc<AtomicBool>>, request: Request<Body>, next: Next) -> Response {
    if !fails.load(Ordering::Relaxed) || request.uri().path() != "/chat.v1.Chat/Context" {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    // behind a flag and the length
    if !ContextRequest::decode(&body[5..]).unwrap().without_turns {
        return tonic::Status::internal("the turns are too long").into_http();
    }
    next.run(Request::from_parts(head, Body::from(body))).await
}

/// The same file, opened as one that other processes use as well.
fn shared(folder: &Path) -> Db {
    Db::open(&folder.join("taifas.db"), &db::Options { exclusive: false, ..db::Options::default() }).unwrap()
}
