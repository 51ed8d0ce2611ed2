//! Which models there are. Providers are asked again and again, in the background: an Ollama that
//! was started later appears, and a list that cannot be had keeps its last state. Providers that
//! administrators add, and what they decide about models, are in force at once.

mod shelf;

pub use shelf::{Origin, Shelf};

use crate::{
    config::Config,
    domain::{Kind, Model, continuation_name, place_name},
    providers::{
        self, Fault, Guarded, Place, Provider, Purpose, Wire, anthropic, guide::Guide, ollama, openai,
        scripted::Scripted,
    },
    repository::{models, providers as stored, providers::Stored},
    sealed::Sealer,
    settings::{Decisions, Settings},
};
use futures_util::{FutureExt as _, future::join_all};
use platform::{Error, Platform, Result, db::Scope};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use uuid::Uuid;

const REFRESH: Duration = Duration::from_secs(20);
/// How long the first question for the list waits for providers that have not answered yet.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const OPENAI: &str = "https://api.openai.com/v1";
const ANTHROPIC: &str = "https://api.anthropic.com";

/// All providers. Cheap to clone.
#[derive(Clone)]
pub struct Catalogue(Arc<Inner>);

struct Inner {
    platform: Platform,
    config: Config,
    wire: Wire,
    sealer: Sealer,
    /// Those of the configuration; they do not change while the process runs.
    fixed: Vec<Arc<Shelf>>,
    live: RwLock<Live>,
}

/// What administrators change.
#[derive(Clone, Default)]
struct Live {
    stored: Vec<Arc<Shelf>>,
    decisions: Arc<Decisions>,
}

impl Catalogue {
    /// Guide always; the others as configured and stored. `more` comes last.
    ///
    /// # Errors
    /// A sentence for a configured address that cannot be used; any of the database.
    pub async fn open(platform: &Platform, config: &Config, wire: Wire, more: Vec<Arc<dyn Provider>>) -> Result<Self> {
        let mut fixed = configured(platform, config, &wire)?;
        fixed.push(Shelf::built_in(Arc::new(Guide::default())));
        if config.demo {
            fixed.push(Shelf::built_in(Arc::new(Scripted::new(config.timeouts().idle))));
        }
        fixed.extend(more.into_iter().map(Shelf::built_in));
        let catalogue = Self(Arc::new(Inner {
            sealer: Sealer::open(platform).await?,
            platform: platform.clone(),
            config: config.clone(),
            wire,
            fixed,
            live: RwLock::default(),
        }));
        catalogue.reload().await?;
        Ok(catalogue)
    }

    /// Takes over what is stored now. A provider that has not changed keeps what it has said.
    ///
    /// # Errors
    /// Any of the database.
    pub async fn reload(&self) -> Result<()> {
        let read = self
            .0
            .platform
            .db
            .read(Scope::System, |tx| async move { Ok((stored::all(tx).await?, models::all(tx).await?)) }.boxed());
        let (rows, decisions) = read.await?;
        let decisions = Arc::new(Decisions::read(decisions)?);
        let before = self.live().stored;
        let shelves = rows.into_iter().map(|row| {
            let same = before
                .iter()
                .find(|shelf| shelf.stored().is_some_and(|known| known.id == row.id && known.version == row.version));
            same.cloned().unwrap_or_else(|| self.shelve(row))
        });
        let stored = shelves.collect();
        *self.0.live.write().unwrap_or_else(PoisonError::into_inner) = Live { stored, decisions };
        Ok(())
    }

    /// A stored provider as one that can be asked, or as one that says why it cannot.
    fn shelve(&self, row: Stored) -> Arc<Shelf> {
        let made = self.key(&row).and_then(|key| {
            let seconds = row.first_byte_seconds.and_then(|seconds| u64::try_from(seconds).ok());
            self.provider(Kind::parse(&row.kind)?, &row.name, &row.base_url, key, seconds)
        });
        Shelf::of_row(row, made)
    }

    fn key(&self, row: &Stored) -> Result<Option<SecretString>> {
        let origin = origin(&row.base_url)?;
        row.sealed.as_deref().map(|sealed| self.0.sealer.unseal(row.id, &origin, sealed)).transpose()
    }

    pub fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    /// A provider as an administrator describes it; nothing is sent yet.
    ///
    /// # Errors
    /// `invalid` for an address that cannot be used.
    pub fn provider(
        &self,
        kind: Kind,
        name: &str,
        base_url: &str,
        key: Option<SecretString>,
        first_byte: Option<u64>,
    ) -> Result<Arc<dyn Provider>> {
        let (platform, config) = (&self.0.platform, &self.0.config);
        let wire = self.0.wire.clone();
        let usual = if kind == Kind::Ollama { config.model_load_seconds } else { config.first_byte_seconds };
        let timeouts = config.timeouts_with(first_byte.unwrap_or(usual));
        let unusable = |fault: Fault| Error::invalid("base_url", format!("cannot be used: {}", fault.detail));
        let made: Arc<dyn Provider> = match kind {
            Kind::Openai => {
                let server = openai::Server { timeouts, ..openai::Server::new(name, base_url, key) };
                Arc::new(Guarded::new(openai::OpenAi::new(server, wire).map_err(unusable)?, platform))
            }
            Kind::Anthropic => {
                let server = anthropic::Server { timeouts, ..anthropic::Server::new(name, base_url, key) };
                Arc::new(Guarded::new(anthropic::Anthropic::new(server, wire).map_err(unusable)?, platform))
            }
            Kind::Ollama => {
                let server = ollama::Server { name: name.into(), key, timeouts, ..ollama::Server::new(base_url) };
                Arc::new(Guarded::new(ollama::Ollama::new(server, wire).map_err(unusable)?, platform))
            }
        };
        Ok(made)
    }

    fn live(&self) -> Live {
        self.0.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every provider, in the order in which their models are listed.
    pub fn shelves(&self) -> Vec<Arc<Shelf>> {
        let stored = self.live().stored;
        let outside = |shelf: &&Arc<Shelf>| shelf.origin() != &Origin::BuiltIn;
        let configured = self.0.fixed.iter().filter(outside).cloned();
        let built_in = self.0.fixed.iter().filter(|shelf| !outside(shelf)).cloned();
        configured.chain(stored).chain(built_in).collect()
    }

    /// Asks all providers again and again.
    pub async fn keep_fresh(self) {
        loop {
            let shelves = self.shelves();
            join_all(shelves.iter().map(|shelf| shelf.refresh())).await;
            tokio::time::sleep(REFRESH).await;
            if let Err(error) = self.reload().await {
                tracing::warn!(%error, "the stored providers could not be read; trying again");
            }
        }
    }

    /// Every model there is now, in the order that administrators gave them, whoever may use it.
    pub async fn all(&self) -> Vec<Found> {
        let shelves = self.shelves();
        let first = shelves.iter().filter(|shelf| shelf.known().is_none()).map(|shelf| shelf.refresh());
        // A provider that does not answer must not keep the others' models from being shown.
        let _ = tokio::time::timeout(FIRST_LOOK, join_all(first)).await;
        self.listed(&shelves)
    }

    fn listed(&self, shelves: &[Arc<Shelf>]) -> Vec<Found> {
        let decisions = self.live().decisions;
        let mut all = Vec::new();
        for shelf in shelves {
            let Some(provider) = shelf.provider() else { continue };
            for model in shelf.known().unwrap_or_default() {
                let id = format!("{}/{}", provider.name(), model.id);
                let settings = decisions.of(&id);
                all.push(Found { id, model, provider: provider.clone(), settings });
            }
        }
        // A stable sort: what nobody ordered stays as the providers list it.
        all.sort_by_key(|found| found.settings.row.position.unwrap_or(i64::MAX));
        all
    }

    /// The models that somebody of `role` can choose, the default one marked.
    pub async fn models(&self, role: &str) -> Vec<Model> {
        let all = self.all().await;
        let default = self.default_of(&all, role);
        all.iter()
            .filter(|found| found.model.purpose == Purpose::Chat && found.settings.allow(role).is_ok())
            .map(|found| found.shown(default.as_deref() == Some(&found.id)))
            .collect()
    }

    /// The provider and model that `provider/model` names; for an empty id the default of `role`.
    /// Whether that role may use it is another question: [`Settings::allow`].
    ///
    /// # Errors
    /// `not_found` when there is none of that name, `unavailable` when its provider cannot be asked.
    pub async fn find(&self, id: &str, role: &str) -> Result<Found> {
        let id = if id.is_empty() {
            self.default_of(&self.listed(&self.shelves()), role).unwrap_or_default()
        } else {
            id.to_owned()
        };
        let missing = || Error::not_found("model").with("model", &id);
        let (name, model) = id.split_once('/').ok_or_else(missing)?;
        let shelves = self.shelves();
        let shelf = shelves.iter().find(|shelf| shelf.name() == name).ok_or_else(missing)?;
        let provider = shelf.provider().ok_or_else(missing)?;
        let named = || shelf.known().and_then(|models| models.into_iter().find(|known| known.id == model));
        if named().is_none() {
            // It may have been added a moment ago.
            if let Some(fault) = shelf.refresh().await {
                return Err(Error::unavailable(fault.detail));
            }
        }
        let model = named().ok_or_else(missing)?;
        Ok(Found { model, provider: provider.clone(), settings: self.live().decisions.of(&id), id })
    }

    /// The model an administrator chose, else the configured one, else the first; each only if the role may use it.
    pub fn default_of(&self, all: &[Found], role: &str) -> Option<String> {
        let decisions = self.live().decisions;
        let usable = |found: &&Found| found.model.purpose == Purpose::Chat && found.settings.allow(role).is_ok();
        let configured = Some(self.0.config.default_model.as_str()).filter(|id| !id.is_empty());
        for id in [decisions.default(), configured].into_iter().flatten() {
            if all.iter().filter(usable).any(|found| found.id == id) {
                return Some(id.to_owned());
            }
            // One that is configured and cannot be had now is said to be missing, not replaced silently.
            if Some(id) == configured && decisions.of(id).allow(role).is_ok() {
                return Some(id.to_owned());
            }
        }
        all.iter().find(usable).map(|found| found.id.clone())
    }
}

/// The providers that the configuration names.
fn configured(platform: &Platform, config: &Config, wire: &Wire) -> Result<Vec<Arc<Shelf>>> {
    let unusable = |key: &'static str| move |fault: Fault| Error::malformed(format!("ai.{key}: {}", fault.detail));
    let mut all = Vec::new();
    if !config.ollama_base_url.is_empty() {
        let mut server = ollama::Server::new(&config.ollama_base_url);
        server.timeouts = config.timeouts_with(config.model_load_seconds);
        let made = ollama::Ollama::new(server, wire.clone()).map_err(unusable("ollama_base_url"))?;
        all.push(Shelf::configured(
            Kind::Ollama,
            &config.ollama_base_url,
            None,
            Arc::new(Guarded::new(made, platform)),
        ));
    }
    // Set to nothing turns off what was found by itself.
    let given = |url: &Option<String>, key: &Option<SecretString>, usual: &str| {
        let url = url.clone().filter(|url| !url.is_empty());
        let key = key.clone().filter(|key| !key.expose_secret().is_empty());
        (url.is_some() || key.is_some()).then(|| (url.unwrap_or_else(|| usual.to_owned()), key))
    };
    if let Some((url, key)) = given(&config.anthropic_base_url, &config.anthropic_api_key, ANTHROPIC) {
        let server =
            anthropic::Server { timeouts: config.timeouts(), ..anthropic::Server::new("anthropic", &url, key.clone()) };
        let made = anthropic::Anthropic::new(server, wire.clone()).map_err(unusable("anthropic_base_url"))?;
        all.push(Shelf::configured(Kind::Anthropic, &url, key.as_ref(), Arc::new(Guarded::new(made, platform))));
    }
    if let Some((url, key)) = given(&config.openai_base_url, &config.openai_api_key, OPENAI) {
        let server = openai::Server {
            timeouts: config.timeouts(),
            continuation: config.openai_continuation.into(),
            ..openai::Server::new("openai", &url, key.clone())
        };
        let made = openai::OpenAi::new(server, wire.clone()).map_err(unusable("openai_base_url"))?;
        all.push(Shelf::configured(Kind::Openai, &url, key.as_ref(), Arc::new(Guarded::new(made, platform))));
    }
    Ok(all)
}

/// Scheme, host and port of a provider's address: what its key is bound to.
///
/// # Errors
/// `invalid` for an address that cannot be used.
pub fn origin(base_url: &str) -> Result<String> {
    let url = providers::wire::base_url(base_url)
        .map_err(|fault| Error::invalid("base_url", format!("cannot be used: {}", fault.detail)))?;
    Ok(url.origin().ascii_serialization())
}

/// Where the words go that are sent to this address.
pub fn place_of(base_url: &str) -> Place {
    providers::wire::base_url(base_url).map_or(Place::Outside, |url| providers::wire::place(&url))
}

/// A model, who answers for it, and what was decided about it.
#[derive(Clone)]
pub struct Found {
    /// `provider/model`
    pub id: String,
    pub model: providers::Model,
    pub provider: Arc<dyn Provider>,
    pub settings: Settings,
}

impl Found {
    /// Tokens that question and answer may have together, where somebody knows.
    pub fn window(&self) -> Option<u64> {
        self.settings.window().or(self.model.window)
    }

    pub fn sees(&self) -> bool {
        self.settings.row.vision.unwrap_or(self.model.vision)
    }

    fn shown(&self, default: bool) -> Model {
        Model {
            default,
            id: self.id.clone(),
            name: self.settings.row.display_name.clone().unwrap_or_else(|| self.model.name.clone()),
            description: self.model.description.clone(),
            place: place_name(self.model.place),
            continuation: continuation_name(self.model.continuation),
            vision: self.sees(),
            context_window: self.window(),
        }
    }
}

/// An id of its own for each provider of the configuration, the same in every process.
pub const fn configured_id(at: u128) -> Uuid {
    Uuid::from_u128(0x7461_6966_6173_4000_8000_0000_0000_0000 | at)
}
