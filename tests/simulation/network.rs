//! The way from a client to the door: requests that never arrive, answers that are never seen, copies,
//! and connections that break with the process behind them.

use crate::{dice::Dice, process::Process, world::World};
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use tower::ServiceExt as _;
use uuid::Uuid;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Nobody knows what became of a request.
#[derive(Debug)]
pub struct Lost;

pub struct Answer {
    pub status: u16,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// Whether the same request may go better soon.
    pub fn is_passing(&self) -> bool {
        matches!(self.status, 429 | 500..)
    }
}

/// What is asked; it can be asked again.
#[derive(Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub key: Option<String>,
    pub last_event: Option<String>,
    pub body: Value,
}

impl Asked {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), key: None, last_event: None, body: Value::Null }
    }

    pub fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }

    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    fn request(&self, token: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(header::COOKIE, format!("sid={token}"))
            .header("x-csrf", "1")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(id) = &self.last_event {
            request = request.header("last-event-id", id);
        }
        let body = if self.body.is_null() { Body::empty() } else { Body::from(self.body.to_string()) };
        request.body(body).unwrap_or_default()
    }
}

/// A client's connection, with the trouble it meets.
pub struct Line {
    pub world: Arc<World>,
    pub token: String,
    pub dice: Dice,
}

impl Line {
    /// A call with a whole answer.
    pub async fn call(&self, asked: &Asked) -> Result<Answer, Lost> {
        let troubled = self.world.is_troubled();
        sleep(Duration::from_millis(self.dice.between(0, 15))).await;
        if troubled && self.dice.percent(4) {
            // it never arrives
            sleep(Duration::from_millis(self.dice.between(500, 3_000))).await;
            return Err(Lost);
        }
        if troubled && asked.key.is_some() && self.dice.percent(4) {
            // a copy overtakes it, or comes a little later
            let (world, token, asked, pause) =
                (self.world.clone(), self.token.clone(), asked.clone(), self.dice.between(0, 400));
            tokio::spawn(async move {
                sleep(Duration::from_millis(pause)).await;
                let _ = exchange(&world, &token, &asked).await;
            });
        }
        let answer = exchange(&self.world, &self.token, asked).await?;
        sleep(Duration::from_millis(self.dice.between(0, 15))).await;
        if troubled && self.dice.percent(4) {
            sleep(Duration::from_millis(self.dice.between(100, 2_000))).await;
            return Err(Lost);
        }
        Ok(answer)
    }

    /// Opens a stream; the process that answers holds it.
    pub async fn open(&self, asked: &Asked) -> Result<(Arc<Process>, Response<Body>), Lost> {
        sleep(Duration::from_millis(self.dice.between(0, 15))).await;
        let front = front(&self.world).await?;
        let response = respond(&front, asked.request(&self.token)).await?;
        Ok((front, response))
    }
}

async fn front(world: &World) -> Result<Arc<Process>, Lost> {
    let front = world.site.front.borrow().clone();
    match front {
        Some(front) if !front.gate.is_dead() => Ok(front),
        _ => {
            // refused at once
            sleep(Duration::from_millis(20)).await;
            Err(Lost)
        }
    }
}

async fn respond(front: &Arc<Process>, request: Request<Body>) -> Result<Response<Body>, Lost> {
    let router = front.router.clone();
    tokio::select! {
        biased;
        () = front.gate.dead() => Err(Lost),
        answer = router.oneshot(request) => answer.map_err(|_| Lost),
        () = sleep(PATIENCE) => Err(Lost),
    }
}

async fn exchange(world: &World, token: &str, asked: &Asked) -> Result<Answer, Lost> {
    let front = front(world).await?;
    let response = respond(&front, asked.request(token)).await?;
    let status = response.status().as_u16();
    let bytes = tokio::select! {
        biased;
        () = front.gate.dead() => return Err(Lost),
        body = response.into_body().collect() => body.map_err(|_| Lost)?.to_bytes(),
    };
    // a stopped process sends nothing
    tokio::select! {
        biased;
        () = front.gate.dead() => return Err(Lost),
        () = front.gate.open() => {}
        () = sleep(PATIENCE) => return Err(Lost),
    }
    Ok(Answer { status, bytes })
}

/// A name for an id that a person can follow through a history.
pub fn short(id: Uuid) -> String {
    id.simple().to_string()[20..].to_owned()
}
