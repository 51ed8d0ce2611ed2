//! Ollama's own interface. Its OpenAI-compatible one exists too, but only here does a trailing assistant message go on as a prefix in
//! every version, and only here are cloud models recognisable as such.
//!
//! Source: Ollama documentation, `docs/api.md` ("Generate a chat completion", "List Local Models").

use async_trait::async_trait;
use reqwest::{Url, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{
    Ask, Choice, Continuation, Embedded, End, EndReason, Fault, FaultKind, Model, Piece, Pieces, Place, Provider,
    Purpose, Role, Timeouts, Turn, Usage, Wire, live, refusal, wire,
};

mod reading;
mod request;

pub use reading::OllamaReading;

/// Largest list of models taken, in bytes.
const LIST_LIMIT: usize = 8 << 20;
/// Largest answer with vectors taken, in bytes.
const EMBEDDING_LIMIT: usize = 64 << 20;
/// Parts of the names of families that take pictures.
const SEEING: [&str; 8] = ["clip", "mllama", "llava", "gemma3", "qwen25vl", "qwen3vl", "llama4", "mistral3"];

/// An Ollama server as configured.
#[derive(Debug, Clone)]
pub struct Server {
    /// Short name for ids and sentences, normally `ollama`.
    pub name: String,
    /// Without `/api`, for example `http://127.0.0.1:11434`.
    pub base_url: String,
    /// Sent as bearer token; only servers behind a gate need one.
    pub key: Option<SecretString>,
    pub timeouts: Timeouts,
}

impl Server {
    /// A server with the defaults; the first word may take as long as loading a model does.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self { name: "ollama".to_owned(), base_url: base_url.into(), key: None, timeouts: Timeouts::with_model_load() }
    }
}

/// The adapter for one server.
pub struct Ollama {
    server: Server,
    base: Url,
    place: Place,
    wire: Wire,
}

#[derive(Deserialize)]
struct Vectors {
    embeddings: Vec<Vec<f32>>,
    prompt_eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    /// Set for models that run at somebody else's.
    remote_host: Option<String>,
    #[serde(default)]
    details: Details,
}

#[derive(Deserialize, Default)]
struct Details {
    family: Option<String>,
    families: Option<Vec<String>>,
    parameter_size: Option<String>,
    quantization_level: Option<String>,
}

impl Ollama {
    /// Checks the address; nothing is sent yet. An unusable address is [`FaultKind::BadRequest`].
    pub fn new(server: Server, wire: Wire) -> Result<Self, Fault> {
        let base = wire::base_url(&server.base_url)?;
        let place = wire::place(&base);
        Ok(Self { server, base, place, wire })
    }

    async fn send(&self, request: reqwest::RequestBuilder, deadline: Instant) -> Result<reqwest::Response, Fault> {
        let request = match &self.server.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        };
        let response = wire::send(&self.server.name, request, deadline).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal::refusal(&self.server.name, response, self.server.key.as_ref()).await.fault)
    }

    fn model(&self, tag: Tag) -> Model {
        let outside = tag.remote_host.is_some_and(|host| !host.is_empty());
        let family = tag.details.family.unwrap_or_default();
        // The families of embedding models (bert, nomic-bert, …) have no words.
        let embeds = family.contains("bert") || tag.name.contains("embed");
        let sees = |family: &String| SEEING.iter().any(|seeing| family.contains(seeing));
        let vision = tag.details.families.iter().flatten().chain([&family]).any(sees);
        let facts: Vec<String> = [tag.details.parameter_size, tag.details.quantization_level]
            .into_iter()
            .flatten()
            .filter(|fact| !fact.is_empty() && fact.len() <= 40)
            .collect();
        Model {
            name: tag.name.strip_suffix(":latest").unwrap_or(&tag.name).to_owned(),
            description: if outside {
                "Runs outside, reached through Ollama.".to_owned()
            } else if facts.is_empty() {
                "Runs in Ollama.".to_owned()
            } else {
                format!("Runs in Ollama ({}).", facts.join(", "))
            },
            id: tag.name,
            place: if outside { Place::Outside } else { self.place },
            continuation: Continuation::Prefix,
            purpose: if embeds { Purpose::Embedding } else { Purpose::Chat },
            vision,
            window: None,
        }
    }
}

#[async_trait]
impl Provider for Ollama {
    fn name(&self) -> &str {
        &self.server.name
    }

    fn first_byte(&self) -> std::time::Duration {
        self.server.timeouts.first_byte
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        let deadline = Instant::now() + wire::LIST_PATIENCE;
        let request = self.wire.client(self.place).get(wire::below(&self.base, &["api", "tags"]));
        let response = self.send(request, deadline).await?;
        let body = wire::read(&self.server.name, response, LIST_LIMIT, deadline).await?;
        let tags: Tags = serde_json::from_slice(&body).map_err(|_| {
            let detail = format!(
                "{} sent something else instead of its list of models. Is its address right?",
                self.server.name
            );
            Fault::new(FaultKind::Malformed, detail)
        })?;
        Ok(tags.models.into_iter().filter(|tag| !tag.name.is_empty()).map(|tag| self.model(tag)).collect())
    }

    async fn embed(&self, model: &str, texts: Vec<String>, dimensions: Option<u64>) -> Result<Embedded, Fault> {
        let deadline = Instant::now() + self.server.timeouts.first_byte;
        let mut body = json!({"model": model, "input": texts});
        if let Some(dimensions) = dimensions {
            body["dimensions"] = json!(dimensions);
        }
        let request = self.wire.client(self.place).post(wire::below(&self.base, &["api", "embed"])).json(&body);
        let response = self.send(request, deadline).await?;
        let body = wire::read(&self.server.name, response, EMBEDDING_LIMIT, deadline).await?;
        let vectors: Vectors = serde_json::from_slice(&body).map_err(|_| {
            let detail = format!("{} sent something else instead of embeddings.", self.server.name);
            Fault::new(FaultKind::Malformed, detail)
        })?;
        let usage = vectors.prompt_eval_count.map(|input| Usage { input, output: 0 });
        Ok(Embedded { vectors: vectors.embeddings, usage })
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        let body = request::body(&ask);
        let sent = Instant::now();
        let request = self.wire.client(self.place).post(wire::below(&self.base, &["api", "chat"]));
        let request = request.header(header::ACCEPT, "application/x-ndjson").json(&body);
        let response = self.send(request, sent + self.server.timeouts.first_byte).await?;
        Ok(live::pieces(&self.server.name, response, OllamaReading::new(&self.server.name), self.server.timeouts, sent))
    }
}
