//! Which models there are. Providers are asked again and again, in the background: an Ollama that
//! was started later appears, and a list that cannot be had keeps its last state.

use crate::{
    config::Config,
    domain::{Model, continuation_name, place_name},
    providers::{self, Fault, Provider, Purpose, Wire, anthropic, guide::Guide, ollama, openai, scripted::Scripted},
};
use futures_util::future::join_all;
use platform::{Error, Result};
use secrecy::ExposeSecret as _;
use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const REFRESH: Duration = Duration::from_secs(20);
/// How long the first question for the list waits for providers that have not answered yet.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const OPENAI: &str = "https://api.openai.com/v1";
const ANTHROPIC: &str = "https://api.anthropic.com";

/// A provider and the models it had when it last answered.
struct Shelf {
    provider: Arc<dyn Provider>,
    models: RwLock<Option<Vec<providers::Model>>>,
    answers: AtomicBool,
}

/// All providers. Cheap to clone.
#[derive(Clone)]
pub struct Catalogue {
    shelves: Arc<Vec<Shelf>>,
    default: Arc<str>,
}

impl Catalogue {
    /// Guide always; the others as configured. `more` comes last.
    ///
    /// # Errors
    /// A sentence for a provider's address that cannot be used.
    pub fn new(config: &Config, more: Vec<Arc<dyn Provider>>) -> Result<Self> {
        let unusable = |key: &'static str| move |fault: Fault| Error::malformed(format!("ai.{key}: {}", fault.detail));
        let wire = Wire::new(config.timeouts().connect).map_err(|fault| Error::internal(fault.detail))?;
        let mut all: Vec<Arc<dyn Provider>> = Vec::new();
        if !config.ollama_base_url.is_empty() {
            let mut server = ollama::Server::new(&config.ollama_base_url);
            server.timeouts = config.timeouts();
            server.timeouts.first_byte = Duration::from_secs(config.model_load_seconds);
            all.push(Arc::new(ollama::Ollama::new(server, wire.clone()).map_err(unusable("ollama_base_url"))?));
        }
        let base = config.anthropic_base_url.as_deref().filter(|url| !url.is_empty());
        let key = config.anthropic_api_key.clone().filter(|key| !key.expose_secret().is_empty());
        if base.is_some() || key.is_some() {
            let mut server = anthropic::Server::new("anthropic", base.unwrap_or(ANTHROPIC), key);
            server.timeouts = config.timeouts();
            let made = anthropic::Anthropic::new(server, wire.clone());
            all.push(Arc::new(made.map_err(unusable("anthropic_base_url"))?));
        }
        // Set to nothing turns off what was found by itself.
        let base = config.openai_base_url.as_deref().filter(|url| !url.is_empty());
        let key = config.openai_api_key.clone().filter(|key| !key.expose_secret().is_empty());
        if base.is_some() || key.is_some() {
            let mut server = openai::Server::new("openai", base.unwrap_or(OPENAI), key);
            server.timeouts = config.timeouts();
            server.continuation = config.openai_continuation.into();
            all.push(Arc::new(openai::OpenAi::new(server, wire).map_err(unusable("openai_base_url"))?));
        }
        all.push(Arc::new(Guide::default()));
        if config.demo {
            all.push(Arc::new(Scripted::new(config.timeouts().idle)));
        }
        all.extend(more);
        let shelves = all
            .into_iter()
            .map(|provider| Shelf { provider, models: RwLock::new(None), answers: AtomicBool::new(true) })
            .collect();
        Ok(Self { shelves: Arc::new(shelves), default: config.default_model.as_str().into() })
    }

    /// Asks all providers again and again.
    pub async fn keep_fresh(self) {
        loop {
            join_all(self.shelves.iter().map(Shelf::refresh)).await;
            tokio::time::sleep(REFRESH).await;
        }
    }

    /// Every model there is now, the default one marked.
    pub async fn models(&self) -> Vec<Model> {
        let first = self.shelves.iter().filter(|shelf| shelf.known().is_none()).map(Shelf::refresh);
        // A provider that does not answer must not keep the others' models from being shown.
        let _ = tokio::time::timeout(FIRST_LOOK, join_all(first)).await;
        let default = self.default_id();
        self.shelves
            .iter()
            .flat_map(|shelf| {
                let models = shelf.known().unwrap_or_default().into_iter();
                models.filter(|model| model.purpose == Purpose::Chat).map(move |model| (shelf.provider.name(), model))
            })
            .map(|(provider, model)| {
                let id = format!("{provider}/{}", model.id);
                Model {
                    default: default.as_deref() == Some(&id),
                    id,
                    name: model.name,
                    description: model.description,
                    place: place_name(model.place),
                    continuation: continuation_name(model.continuation),
                }
            })
            .collect()
    }

    /// The provider and model that `provider/model` names; the default for an empty id.
    ///
    /// # Errors
    /// `not_found` when there is none of that name, `unavailable` when its provider cannot be asked.
    pub async fn find(&self, id: &str) -> Result<Found> {
        let id = if id.is_empty() { self.default_id().unwrap_or_default() } else { id.to_owned() };
        let missing = || Error::not_found("model").with("model", &id);
        let (provider, name) = id.split_once('/').ok_or_else(missing)?;
        let shelf = self.shelves.iter().find(|shelf| shelf.provider.name() == provider).ok_or_else(missing)?;
        let named = || shelf.known().and_then(|models| models.into_iter().find(|model| model.id == name));
        if named().is_none() {
            // It may have been added a moment ago.
            if let Some(fault) = shelf.refresh().await {
                return Err(Error::unavailable(fault.detail));
            }
        }
        let model = named().ok_or_else(missing)?;
        Ok(Found { id: id.clone(), model, provider: shelf.provider.clone() })
    }

    /// The configured model, else the first of a real provider, else Guide.
    fn default_id(&self) -> Option<String> {
        if !self.default.is_empty() {
            return Some(self.default.to_string());
        }
        self.shelves.iter().find_map(|shelf| {
            let first = shelf.known()?.into_iter().find(|model| model.purpose == Purpose::Chat)?;
            Some(format!("{}/{}", shelf.provider.name(), first.id))
        })
    }
}

/// A model and who answers for it.
pub struct Found {
    /// `provider/model`
    pub id: String,
    pub model: providers::Model,
    pub provider: Arc<dyn Provider>,
}

impl Shelf {
    fn known(&self) -> Option<Vec<providers::Model>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks once; a failure keeps what was known and is answered.
    async fn refresh(&self) -> Option<Fault> {
        match self.provider.models().await {
            Ok(models) => {
                if !self.answers.swap(true, Ordering::Relaxed) {
                    tracing::info!(provider = self.provider.name(), models = models.len(), "the provider answers");
                }
                *self.models.write().unwrap_or_else(PoisonError::into_inner) = Some(models);
                None
            }
            Err(fault) => {
                // Said once, not every time it is asked.
                if self.answers.swap(false, Ordering::Relaxed) {
                    tracing::info!(provider = self.provider.name(), %fault, "the provider does not answer; it is asked again and again");
                }
                Some(fault)
            }
        }
    }
}
