//! The OpenAI-compatible door. A model that speaks the protocol gets the request as it came, with its own name in it, and its answer is
//! passed on as it comes; for every other model both are translated. Nothing in a request chooses where it goes.

mod asked;
mod embeddings;
mod fields;
mod passed;
mod said;
mod translated;

use crate::{
    catalogue::Found,
    ledger::Use,
    providers::{Ask, Fault, FaultKind, Origin, Purpose},
    service::Ai,
};
use asked::Asked;
use axum::{body::Body, response::Response};
use bytes::Bytes;
use fields::Fields;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderValue, header};
use platform::{Code, Error, Result, principal::Person};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};
use uuid::Uuid;

pub use embeddings::embeddings;

/// A quiet stream says this often that it lives, so that no proxy closes it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers `POST /v1/chat/completions`.
///
/// # Errors
/// What is wrong with the request, who may not make it, and what the provider said before its answer began.
pub async fn chat(ai: &Ai, person: &Person, body: &[u8]) -> Result<Response> {
    let mut fields = Fields::read(body)?;
    let asked = Asked::read(&fields)?;
    let found = ai.usable(&asked.model, person, Purpose::Chat).await?;
    let id = ai.platform.ids.id();
    let wanted = Use {
        space: person.space(),
        id,
        attempt: 1,
        kind: "chat",
        key: person.key,
        input: asked.input,
        longest: asked.longest,
        base: 0,
    };
    let Some(passes) = found.provider.passes() else {
        let turns = asked::turns(&fields, found.sees())?;
        let wishes = asked::wishes(&fields, &asked, found.settings.window())?;
        let tab = ai.ledger.begin(wanted, &found).await?;
        let created = ai.platform.clock.now().timestamp();
        let origin = Origin::of(person);
        let (model, prefix) = (found.model.id.clone(), String::new());
        let ask = Ask { model, turns, prefix, origin, reply: id, attempt: 1, wishes };
        return translated::answer(&found, ask, &asked, created, tab).await;
    };
    asked::refuse_addresses(&fields, found.model.place)?;
    fields.set("model", &found.model.id)?;
    let tab = ai.ledger.begin(wanted, &found).await?;
    if asked.streams {
        passed::stream(passes, fields, asked.counts, tab).await
    } else {
        passed::whole(passes, &fields, tab).await
    }
}

/// The models that somebody may use, as OpenAI's clients list them.
pub async fn models(ai: &Ai, person: &Person) -> Value {
    let all = ai.catalogue.all().await;
    let usable = all.iter().filter(|found| found.settings.allow(person.role.name()).is_ok());
    json!({"object": "list", "data": usable.map(model).collect::<Vec<_>>()})
}

/// One of them.
///
/// # Errors
/// `not_found` and `forbidden`.
pub async fn one_model(ai: &Ai, person: &Person, id: &str) -> Result<Value> {
    let found = ai.catalogue.find(id, person.role.name()).await?;
    found.settings.allow(person.role.name())?;
    Ok(model(&found))
}

fn model(found: &Found) -> Value {
    json!({"id": found.id, "object": "model", "created": 0, "owned_by": found.provider.name()})
}

impl Ai {
    /// A model that this person may use for this.
    ///
    /// # Errors
    /// `not_found`, `forbidden`, and `invalid` when the model is for something else.
    pub async fn usable(&self, id: &str, person: &Person, purpose: Purpose) -> Result<Found> {
        let found = self.catalogue.find(id, person.role.name()).await?;
        found.settings.allow(person.role.name())?;
        if found.model.purpose != purpose {
            let what = if purpose == Purpose::Chat { "does not answer in words" } else { "makes no embeddings" };
            return Err(Error::malformed(format!("the model {id} {what}")).with("field", "model"));
        }
        Ok(found)
    }
}

/// What a provider's fault is to whoever asked.
pub fn refused(fault: &Fault) -> Error {
    let code = match fault.kind {
        FaultKind::RateLimited => Code::RateLimited,
        FaultKind::NotFound => Code::NotFound,
        FaultKind::BadRequest => return Error::malformed(fault.detail.clone()),
        FaultKind::Timeout => Code::Timeout,
        _ => Code::Unavailable,
    };
    let error = Error::new(code, fault.detail.clone());
    match fault.retry_after {
        Some(wait) => error.retry_after(wait),
        None if code == Code::RateLimited => error.retry_after(Duration::from_secs(1)),
        None => error,
    }
}

/// An event stream as a response; nothing holds its parts back.
pub fn events(parts: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(parts.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A document as a response.
fn document(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer's id in OpenAI's form.
fn completion_id(id: Uuid) -> String {
    format!("chatcmpl-{}", id.simple())
}

/// The next item; a comment in its place when it takes long.
pub async fn next_or_alive<S: Stream + Unpin>(stream: &mut S) -> Result<Option<S::Item>, Bytes> {
    tokio::time::timeout(KEEP_ALIVE, stream.next()).await.map_err(|_| Bytes::from_static(b": keep-alive\n\n"))
}
