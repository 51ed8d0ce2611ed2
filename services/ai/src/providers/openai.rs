//! Any server that speaks OpenAI's chat completions: OpenAI itself, Groq, xAI, Gemini's and Mistral's compatible interfaces,
//! OpenRouter, vLLM, llama.cpp, LM Studio and so on.
//!
//! Source: OpenAI API reference, "Chat Completions" and "Models". What servers do differently is handled where it shows.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{StreamExt, stream};
use reqwest::{RequestBuilder, Url, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Ask, Continuation, End, EndReason, Fault, FaultKind, Model, Passes, Piece, Pieces, Place, Provider, Purpose, Role,
    Timeouts, Turn, Wire, live,
    refusal::{self, Refusal},
    wire,
};

mod catalogue;
mod names;
mod reading;

pub use reading::ChatReading;

/// Largest list of models taken, in bytes. OpenRouter's has about one million.
const LIST_LIMIT: usize = 8 << 20;

/// A server as configured.
#[derive(Debug, Clone)]
pub struct Server {
    /// Short name for ids and sentences, for example `groq`.
    pub name: String,
    /// Up to and including the version, for example `https://api.openai.com/v1`. A query is kept for every call.
    pub base_url: String,
    /// Sent as bearer token. Servers of the house often need none.
    pub key: Option<SecretString>,
    /// What its models can do after a break. `Asked` fits all; `Prefix` is for servers known to go on from a trailing
    /// assistant message (vLLM, llama.cpp).
    pub continuation: Continuation,
    /// Where the words go, where the address does not tell it rightly.
    pub place: Option<Place>,
    pub timeouts: Timeouts,
}

impl Server {
    /// A server with the defaults for everything but its name, address and key.
    pub fn new(name: impl Into<String>, base_url: impl Into<String>, key: Option<SecretString>) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            key,
            continuation: Continuation::Asked,
            place: None,
            timeouts: Timeouts::default(),
        }
    }
}

/// The adapter for one server.
pub struct OpenAi {
    server: Server,
    base: Url,
    place: Place,
    wire: Wire,
    /// Set when the server refused `stream_options`: it is not asked to count again.
    counts_not: AtomicBool,
}

impl OpenAi {
    /// Checks the address; nothing is sent yet. An unusable address is [`FaultKind::BadRequest`].
    pub fn new(server: Server, wire: Wire) -> Result<Self, Fault> {
        let base = wire::base_url(&server.base_url)?;
        let place = server.place.unwrap_or_else(|| wire::place(&base));
        Ok(Self { server, base, place, wire, counts_not: AtomicBool::new(false) })
    }

    fn authorised(&self, request: RequestBuilder) -> Result<RequestBuilder, Fault> {
        let Some(key) = &self.server.key else {
            return Ok(request);
        };
        let mut value = header::HeaderValue::try_from(format!("Bearer {}", key.expose_secret())).map_err(|_| {
            Fault::new(
                FaultKind::RefusedKey,
                format!("The key for {} has characters no key can have.", self.server.name),
            )
        })?;
        value.set_sensitive(true);
        Ok(request.header(header::AUTHORIZATION, value))
    }

    fn body(&self, ask: &Ask) -> Result<Value, Fault> {
        let mut messages: Vec<Value> = ask.turns.iter().map(message).collect();
        let mut body = json!({"model": ask.model, "stream": true});
        if !ask.prefix.is_empty() {
            if self.server.continuation != Continuation::Prefix {
                let detail = format!("{} cannot go on from a prefix.", self.server.name);
                return Err(Fault::new(FaultKind::BadRequest, detail));
            }
            messages.push(json!({"role": Role::Assistant.as_str(), "content": ask.prefix}));
            // vLLM and SGLang close the last message unless told otherwise; llama.cpp goes on by itself and ignores these.
            body["add_generation_prompt"] = Value::Bool(false);
            body["continue_final_message"] = Value::Bool(true);
        }
        body["messages"] = Value::Array(messages);
        if let Some(most) = ask.wishes.max_tokens {
            // The old name is the one that compatible servers know; OpenAI's newer models refuse it.
            body[if self.is_openai() { "max_completion_tokens" } else { "max_tokens" }] = json!(most);
        }
        Ok(body)
    }

    fn is_openai(&self) -> bool {
        let host = self.base.host_str();
        host.is_some_and(|host| host.ends_with(".openai.com") || host.ends_with(".openai.azure.com"))
    }

    async fn refused(&self, response: reqwest::Response) -> Refusal {
        refusal::refusal(&self.server.name, response, self.server.key.as_ref()).await
    }
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.server.name
    }

    fn first_byte(&self) -> std::time::Duration {
        self.server.timeouts.first_byte
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        let deadline = Instant::now() + self.server.timeouts.first_byte.min(wire::LIST_PATIENCE);
        let request = self.wire.client(self.place).get(wire::below(&self.base, &["models"]));
        let response = wire::send(&self.server.name, self.authorised(request)?, deadline).await?;
        if !response.status().is_success() {
            return Err(self.refused(response).await.fault);
        }
        let body = wire::read(&self.server.name, response, LIST_LIMIT, deadline).await?;
        catalogue::models(&self.server, self.place, self.is_openai(), &body)
    }

    fn passes(&self) -> Option<&dyn Passes> {
        Some(self)
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        let Timeouts { first_byte, .. } = self.server.timeouts;
        let name = &self.server.name;
        let mut body = self.body(&ask)?;
        let sent = Instant::now();
        loop {
            let count = !self.counts_not.load(Ordering::Relaxed);
            if count {
                body["stream_options"] = json!({"include_usage": true});
            } else if let Some(fields) = body.as_object_mut() {
                fields.remove("stream_options");
            }
            let request = self.wire.client(self.place).post(wire::below(&self.base, &["chat", "completions"]));
            let request = self.authorised(request)?.header(header::ACCEPT, "text/event-stream").json(&body);
            let response = wire::send(name, request, sent + first_byte).await?;
            if response.status().is_success() {
                return Ok(live::pieces(name, response, ChatReading::new(name), self.server.timeouts, sent));
            }
            let refusal = self.refused(response).await;
            let unacceptable = matches!(refusal.status, 400 | 422);
            if count
                && unacceptable
                && ["stream_options", "include_usage"].iter().any(|word| refusal.about.contains(word))
            {
                self.counts_not.store(true, Ordering::Relaxed);
                continue;
            }
            if unacceptable && refusal.code == "content_filter" {
                // Azure refuses a filtered question with an error; it is the same end as a filtered answer.
                let end = Piece::End(End { reason: EndReason::Filtered, usage: None });
                return Ok(stream::iter([Ok(end)]).boxed());
            }
            return Err(refusal.fault);
        }
    }
}

#[async_trait]
impl Passes for OpenAi {
    fn called(&self) -> &str {
        &self.server.name
    }

    fn timeouts(&self) -> Timeouts {
        self.server.timeouts
    }

    fn counts(&self) -> bool {
        !self.counts_not.load(Ordering::Relaxed)
    }

    async fn pass(
        &self,
        path: &str,
        body: Vec<u8>,
        without: Option<&(dyn Fn() -> Option<Vec<u8>> + Sync)>,
        deadline: Instant,
    ) -> Result<reqwest::Response, Fault> {
        let (name, segments) = (&self.server.name, path.split('/').collect::<Vec<_>>());
        let mut body = Some(body);
        let mut again = without.filter(|_| self.counts());
        while let Some(bytes) = body.take() {
            let request = self.wire.client(self.place).post(wire::below(&self.base, &segments));
            let request = self.authorised(request)?.header(header::CONTENT_TYPE, "application/json").body(bytes);
            let response = wire::send(name, request, deadline).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let refusal = self.refused(response).await;
            let uncounted = matches!(refusal.status, 400 | 422)
                && ["stream_options", "include_usage"].iter().any(|word| refusal.about.contains(word));
            body = again.take().filter(|_| uncounted).and_then(|without| without());
            if body.is_none() {
                return Err(refusal.fault);
            }
            self.counts_not.store(true, Ordering::Relaxed);
        }
        Err(Fault::new(FaultKind::BadRequest, format!("The request to {name} could not be built.")))
    }
}

/// A turn as chat completions want it: text alone, or parts where there are pictures.
fn message(turn: &Turn) -> Value {
    if turn.images.is_empty() {
        return json!({"role": turn.role.as_str(), "content": turn.text});
    }
    let mut parts = vec![json!({"type": "text", "text": turn.text})];
    for image in &turn.images {
        let url = format!("data:{};base64,{}", image.kind, BASE64_STANDARD.encode(&image.bytes));
        parts.push(json!({"type": "image_url", "image_url": {"url": url}}));
    }
    json!({"role": turn.role.as_str(), "content": parts})
}
