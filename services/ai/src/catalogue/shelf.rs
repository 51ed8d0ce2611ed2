//! One provider, and the models it had when it last answered.

use super::{Place, configured_id, place_of};
use crate::{
    domain::Kind,
    providers::{self, Fault, FaultKind, Provider},
    repository::providers::Stored,
    sealed::hint,
};
use platform::Result;
use secrecy::SecretString;
use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};
use uuid::Uuid;

/// Where a provider comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin {
    /// Part of the product.
    BuiltIn,
    Configured(Configured),
    Stored(Box<Stored>),
}

/// What the configuration says of a provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Configured {
    pub id: Uuid,
    pub kind: Kind,
    pub base_url: String,
    pub has_key: bool,
    pub key_hint: Option<String>,
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.version) == (other.id, other.version)
    }
}
impl Eq for Stored {}

/// A provider with what is known of it.
pub struct Shelf {
    origin: Origin,
    /// Or why it cannot be asked at all.
    provider: Result<Arc<dyn Provider>, String>,
    models: RwLock<Option<Vec<providers::Model>>>,
    /// What it said when it was last asked and did not answer.
    fault: RwLock<Option<Fault>>,
    answers: AtomicBool,
}

impl Shelf {
    fn new(origin: Origin, provider: Result<Arc<dyn Provider>, String>) -> Arc<Self> {
        let (models, fault) = (RwLock::new(None), RwLock::new(None));
        Arc::new(Self { origin, provider, models, fault, answers: AtomicBool::new(true) })
    }

    pub fn built_in(provider: Arc<dyn Provider>) -> Arc<Self> {
        Self::new(Origin::BuiltIn, Ok(provider))
    }

    pub fn configured(
        kind: Kind,
        base_url: &str,
        key: Option<&SecretString>,
        provider: Arc<dyn Provider>,
    ) -> Arc<Self> {
        let at = match kind {
            Kind::Ollama => 1,
            Kind::Anthropic => 2,
            Kind::Openai => 3,
        };
        let configured = Configured {
            id: configured_id(at),
            kind,
            base_url: base_url.to_owned(),
            has_key: key.is_some(),
            key_hint: key.and_then(hint),
        };
        Self::new(Origin::Configured(configured), Ok(provider))
    }

    pub fn of_row(row: Stored, provider: Result<Arc<dyn Provider>>) -> Arc<Self> {
        Self::new(Origin::Stored(Box::new(row)), provider.map_err(|error| error.message().to_owned()))
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub fn stored(&self) -> Option<&Stored> {
        match &self.origin {
            Origin::Stored(row) => Some(row),
            _ => None,
        }
    }

    pub fn name(&self) -> &str {
        match (&self.origin, &self.provider) {
            (Origin::Stored(row), _) => &row.name,
            (_, Ok(provider)) => provider.name(),
            _ => "",
        }
    }

    /// Who answers; nobody when it is switched off or cannot be used.
    pub fn provider(&self) -> Option<&Arc<dyn Provider>> {
        let on = self.stored().is_none_or(|row| row.enabled);
        self.provider.as_ref().ok().filter(|_| on)
    }

    pub fn known(&self) -> Option<Vec<providers::Model>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `answers`, `silent` or `off`, and the sentence that goes with it.
    pub fn state(&self) -> (&'static str, Option<String>) {
        if self.stored().is_some_and(|row| !row.enabled) {
            return ("off", None);
        }
        match &self.provider {
            Err(why) => ("silent", Some(why.clone())),
            Ok(_) => match self.fault.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
                Some(fault) => ("silent", Some(fault.detail.clone())),
                None => ("answers", None),
            },
        }
    }

    pub fn place(&self) -> Place {
        match &self.origin {
            Origin::BuiltIn => Place::Server,
            Origin::Configured(configured) => place_of(&configured.base_url),
            Origin::Stored(row) => place_of(&row.base_url),
        }
    }

    /// Asks once; a failure keeps what was known and is answered.
    pub async fn refresh(&self) -> Option<Fault> {
        let Some(provider) = self.provider() else {
            let (_, why) = self.state();
            return Some(Fault::new(FaultKind::Unreachable, why.unwrap_or_else(|| "The provider is off.".into())));
        };
        let asked = provider.models().await;
        let fault = match asked {
            Ok(models) => {
                if !self.answers.swap(true, Ordering::Relaxed) {
                    tracing::info!(provider = self.name(), models = models.len(), "the provider answers");
                }
                *self.models.write().unwrap_or_else(PoisonError::into_inner) = Some(models);
                None
            }
            Err(fault) => {
                // Said once, not every time it is asked.
                if self.answers.swap(false, Ordering::Relaxed) {
                    tracing::info!(provider = self.name(), %fault, "the provider does not answer; it is asked again and again");
                }
                Some(fault)
            }
        };
        self.fault.write().unwrap_or_else(PoisonError::into_inner).clone_from(&fault);
        fault
    }
}
