//! A person's client: a session cookie, the header that forged requests lack, and the calls of the API.

use super::{About, CALL, Ear, Sse, question};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, Once, PoisonError},
    time::Duration,
};
use uuid::Uuid;

pub const EMAIL: &str = "owner@example.org";
pub const PASSWORD: &str = "correct horse battery staple";

/// Cheap to clone; clones share the session.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    cookie: Arc<Mutex<Option<String>>>,
    /// An API key, for a program.
    key: Option<String>,
    /// What comes back is listened to.
    pub ear: Arc<Ear>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// JSON, or null for what is none.
    pub body: Value,
    pub text: String,
    pub bytes: Bytes,
}

/// A message before it is sent. Sent again it is the same message.
#[derive(Clone, Debug)]
pub struct Draft {
    pub chat: Uuid,
    pub id: Uuid,
    pub key: String,
    pub body: Value,
}

/// The ids of a message that was taken.
#[derive(Clone, Debug)]
pub struct Sending {
    pub chat: Uuid,
    pub message: Uuid,
    pub reply: Uuid,
    pub body: Value,
}

impl Client {
    pub fn new(base: String) -> Result<Self> {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        // No connection outlives its request: a killed server must not be met again by a dead one.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).connect_timeout(CALL).build()?;
        Ok(Self { http, base, cookie: Arc::default(), key: None, ear: Arc::default() })
    }

    /// The same person on another device: no session yet.
    pub fn nobody(&self) -> Self {
        Self { cookie: Arc::default(), key: None, ear: Arc::default(), ..self.clone() }
    }

    /// A program with an API key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { cookie: Arc::default(), key: Some(key.into()), ..self.clone() }
    }

    /// The same person by way of another address, which leads to the same program.
    pub fn by_way_of(&self, address: std::net::SocketAddr) -> Self {
        Self { base: format!("http://{address}"), ..self.clone() }
    }

    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request as the web app makes it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let writes = method != Method::GET;
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            return request.bearer_auth(key);
        }
        if writes {
            request = request.header("X-CSRF", "1");
        }
        match self.cookie() {
            Some(cookie) => request.header("Cookie", cookie),
            None => request,
        }
    }

    pub async fn call(&self, request: RequestBuilder) -> Result<Answer> {
        let request = request.timeout(CALL).build()?;
        let about = About::path(request.url().path());
        let response = self.http.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default().to_owned();
            let ended = pair.ends_with('=');
            *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = (!ended).then_some(pair);
        }
        let bytes = response.bytes().await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        // whoever is welcomed
        if let Some(id) = body["user"]["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()) {
            self.ear.belongs_to(id);
        }
        self.ear.hear(&text, about);
        Ok(Answer { status, headers, body, text, bytes })
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        self.base.split_once("://").map_or("", |(_, host)| host)
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.call(self.request(Method::POST, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.call(self.request(Method::DELETE, path)).await
    }

    pub async fn set_up(&self, token: &str) -> Result<Value> {
        let body = json!({"token": token, "name": "Owner", "email": EMAIL, "password": PASSWORD});
        self.post("/api/v1/setup", &body).await?.ok(201)
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Answer> {
        self.post("/api/v1/auth/sign-in", &json!({"email": email, "password": password})).await
    }

    pub async fn send_raw(&self, draft: &Draft) -> Result<Answer> {
        let path = format!("/api/v1/chats/{}/messages", draft.chat);
        self.call(self.request(Method::POST, &path).header("Idempotency-Key", &draft.key).json(&draft.body)).await
    }

    pub async fn send(&self, draft: &Draft) -> Result<Sending> {
        Sending::read(self.send_raw(draft).await?.ok(202)?)
    }

    /// Asks for another answer beside `reply`. The same key is the same wish.
    pub async fn regenerate(&self, reply: Uuid, key: &str) -> Result<Answer> {
        let path = format!("/api/v1/replies/{reply}/regenerate");
        self.call(self.request(Method::POST, &path).header("Idempotency-Key", key).json(&json!({}))).await
    }

    /// Somebody new on the instance, by this administrator's invitation.
    pub async fn invite(&self, email: &str) -> Result<Self> {
        let asked = json!({"name": "Somebody", "email": email, "role": "user"});
        let made = self.post("/api/v1/admin/people", &asked).await?.ok(201)?;
        let token = made["link"].as_str().and_then(|link| link.split_once("/join#")).context("a link")?.1;
        let person = self.nobody();
        let accepting = json!({"token": token, "name": "Somebody", "email": email, "password": PASSWORD});
        person.post("/api/v1/auth/accept-invitation", &accepting).await?.ok(201)?;
        Ok(person)
    }

    /// The chat and its messages.
    pub async fn open(&self, chat: Uuid) -> Result<Value> {
        self.get(&format!("/api/v1/chats/{chat}")).await?.ok(200)
    }

    /// One message of a chat as it is stored.
    pub async fn stored(&self, chat: Uuid, message: Uuid) -> Result<Value> {
        let open = self.open(chat).await?;
        let mut messages = open["messages"].as_array().into_iter().flatten();
        let found = messages.find(|found| found["id"] == json!(message));
        found.cloned().with_context(|| format!("message {message} is not in its chat"))
    }

    pub async fn stop(&self, reply: Uuid) -> Result<Value> {
        self.post(&format!("/api/v1/replies/{reply}/stop"), &json!({})).await?.ok(200)
    }

    pub async fn go_on(&self, reply: Uuid) -> Result<Value> {
        self.post(&format!("/api/v1/replies/{reply}/continue"), &json!({})).await?.ok(202)
    }

    pub async fn rename(&self, chat: Uuid, title: &str, version: i64) -> Result<Answer> {
        let request = self.request(Method::PATCH, &format!("/api/v1/chats/{chat}"));
        self.call(request.json(&json!({"title": title, "version": version}))).await
    }

    /// Opens a reply's stream, behind `last` if there is one. The status is the caller's to judge.
    pub async fn stream(&self, reply: Uuid, last: Option<&str>) -> Result<(u16, Sse)> {
        let mut request = self.request(Method::GET, &format!("/api/v1/replies/{reply}/stream"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = tokio::time::timeout(CALL, request.send()).await.context("a stream that does not open")??;
        let about = About { reply: Some(reply), chat: None };
        Ok((response.status().as_u16(), Sse::new(response).heard_by(self.ear.clone(), about)))
    }

    /// Everything a stream sends within `limit`, or until it ends.
    pub async fn read(&self, reply: Uuid, last: Option<&str>, limit: Duration) -> Result<Vec<super::Event>> {
        let (status, mut stream) = self.stream(reply, last).await?;
        ensure!(status == 200, "the stream answers {status}");
        stream.collect(limit).await
    }
}

impl Answer {
    /// The body, if the status is the expected one.
    pub fn ok(self, status: u16) -> Result<Value> {
        ensure!(self.status == status, "{status} expected, got {}: {}", self.status, self.text);
        Ok(self.body)
    }

    /// Checks that this is a problem document with this status and code, and returns it.
    pub fn problem(self, status: u16, code: &str) -> Result<Value> {
        ensure!(self.status == status, "{status} {code} expected, got {}: {}", self.status, self.text);
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        ensure!(kind == "application/problem+json", "{status} is no problem document but {kind}: {}", self.text);
        let body = &self.body;
        ensure!(body["code"] == code, "code {code} expected: {}", self.text);
        ensure!(body["status"] == status, "the status in the document differs: {}", self.text);
        for member in ["type", "title", "detail", "correlation_id"] {
            ensure!(body[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {}", self.text);
        }
        Ok(self.body)
    }
}

impl Draft {
    /// The first message of a new chat.
    pub fn new(model: &str, script: &Value) -> Self {
        Self::of(Uuid::now_v7(), None, &question(script), model)
    }

    pub fn of(chat: Uuid, parent: Option<Uuid>, text: &str, model: &str) -> Self {
        let id = Uuid::now_v7();
        let model = if model.contains('/') { model.to_owned() } else { format!("scripted/{model}") };
        let body = json!({"id": id, "parent_id": parent, "text": text, "model": model});
        Self { chat, id, key: id.to_string(), body }
    }

    /// Another version of what was said there.
    pub fn edited(&self, text: &str) -> Self {
        let mut draft = Self { id: Uuid::now_v7(), ..self.clone() };
        draft.key = draft.id.to_string();
        (draft.body["id"], draft.body["text"], draft.body["branch"]) = (json!(draft.id), json!(text), json!(true));
        draft
    }

    pub fn text(&self) -> &str {
        self.body["text"].as_str().unwrap_or_default()
    }
}

impl Sending {
    pub fn read(body: Value) -> Result<Self> {
        let id = |part: &str| Ok::<_, anyhow::Error>(Uuid::parse_str(body[part]["id"].as_str().unwrap_or_default())?);
        Ok(Self { chat: id("chat")?, message: id("message")?, reply: id("reply")?, body })
    }
}
