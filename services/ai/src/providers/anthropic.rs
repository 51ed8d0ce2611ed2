//! Anthropic's Messages interface.
//!
//! Source: Claude API reference, "Messages", "Streaming messages", "Errors", "Models".

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use async_trait::async_trait;
use reqwest::{RequestBuilder, Url, header};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::{
    Ask, Call, Choice, Continuation, End, EndReason, Fault, FaultKind, Image, Model, Piece, Pieces, Place, Provider,
    Purpose, Role, Timeouts, Turn, Wire, live, refusal, wire,
};

mod models;
mod reading;
mod request;

pub use reading::MessagesReading;

/// Largest list of models taken, in bytes.
const LIST_LIMIT: usize = 4 << 20;
/// The version of the interface this adapter speaks.
const VERSION: &str = "2023-06-01";

/// A server as configured.
#[derive(Debug, Clone)]
pub struct Server {
    /// Short name for ids and sentences, normally `anthropic`.
    pub name: String,
    /// With or without `/v1`, for example `https://api.anthropic.com`.
    pub base_url: String,
    pub key: Option<SecretString>,
    pub timeouts: Timeouts,
}

impl Server {
    /// A server with the defaults for everything but its name, address and key.
    pub fn new(name: impl Into<String>, base_url: impl Into<String>, key: Option<SecretString>) -> Self {
        Self { name: name.into(), base_url: base_url.into(), key, timeouts: Timeouts::default() }
    }
}

/// The adapter for one server.
pub struct Anthropic {
    server: Server,
    base: Url,
    place: Place,
    wire: Wire,
    /// The longest answers the server allows, by model, as far as it has said so: the protocol wants a limit with every question.
    longest: RwLock<HashMap<String, u64>>,
}

impl Anthropic {
    /// Checks the address; nothing is sent yet. An unusable address is [`FaultKind::BadRequest`].
    pub fn new(server: Server, wire: Wire) -> Result<Self, Fault> {
        let mut base = wire::base_url(&server.base_url)?;
        if !base.path().trim_end_matches('/').ends_with("/v1") {
            base = wire::below(&base, &["v1"]);
        }
        let place = wire::place(&base);
        Ok(Self { server, base, place, wire, longest: RwLock::default() })
    }

    fn authorised(&self, request: RequestBuilder) -> Result<RequestBuilder, Fault> {
        let request = request.header("anthropic-version", VERSION);
        let Some(key) = &self.server.key else {
            return Ok(request);
        };
        let mut value = header::HeaderValue::try_from(key.expose_secret()).map_err(|_| {
            let detail = format!("The key for {} has characters no key can have.", self.server.name);
            Fault::new(FaultKind::RefusedKey, detail)
        })?;
        value.set_sensitive(true);
        Ok(request.header("x-api-key", value))
    }

    fn longest(&self, model: &str) -> u64 {
        let known = self.longest.read().unwrap_or_else(PoisonError::into_inner).get(model).copied();
        known.unwrap_or_else(|| models::longest(model))
    }

    fn learn(&self, model: &str, longest: u64) {
        self.longest.write().unwrap_or_else(PoisonError::into_inner).insert(model.to_owned(), longest);
    }
}

#[async_trait]
impl Provider for Anthropic {
    fn name(&self) -> &str {
        &self.server.name
    }

    fn first_byte(&self) -> std::time::Duration {
        self.server.timeouts.first_byte
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        let deadline = Instant::now() + self.server.timeouts.first_byte.min(wire::LIST_PATIENCE);
        let mut url = wire::below(&self.base, &["models"]);
        url.query_pairs_mut().append_pair("limit", "1000");
        let request = self.authorised(self.wire.client(self.place).get(url))?;
        let response = wire::send(&self.server.name, request, deadline).await?;
        if !response.status().is_success() {
            return Err(refusal::refusal(&self.server.name, response, self.server.key.as_ref()).await.fault);
        }
        let body = wire::read(&self.server.name, response, LIST_LIMIT, deadline).await?;
        let listed = models::listed(&self.server.name, self.place, &body)?;
        for (model, longest) in &listed {
            if let Some(longest) = longest {
                self.learn(&model.id, *longest);
            }
        }
        Ok(listed.into_iter().map(|(model, _)| model).collect())
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        let name = &self.server.name;
        if !ask.prefix.is_empty() && models::continuation(&ask.model) != Continuation::Prefix {
            let detail = format!("This model of {name} cannot go on from a prefix.");
            return Err(Fault::new(FaultKind::BadRequest, detail));
        }
        let sent = Instant::now();
        let deadline = sent + self.server.timeouts.first_byte;
        let mut retried = false;
        loop {
            let longest = self.longest(&ask.model);
            let (body, gap) = request::body(&ask, longest);
            let request = self.wire.client(self.place).post(wire::below(&self.base, &["messages"]));
            let request = self.authorised(request)?.header(header::ACCEPT, "text/event-stream").json(&body);
            let response = wire::send(name, request, deadline).await?;
            if response.status().is_success() {
                let reading = MessagesReading::behind(name, &gap);
                return Ok(live::pieces(name, response, reading, self.server.timeouts, sent));
            }
            let refusal = refusal::refusal(name, response, self.server.key.as_ref()).await;
            // A model whose limit was not known says it when it refuses.
            match models::allowed(&refusal.about).filter(|allowed| *allowed < longest && !retried) {
                Some(allowed) if refusal.status == 400 => {
                    retried = true;
                    self.learn(&ask.model, allowed);
                }
                _ => return Err(refusal.fault),
            }
        }
    }
}
