//! What can be asked of ai.

mod limits;
mod models;
mod providers;

pub use limits::{InstanceLimits, LimitsChange, OwnLimits, PersonChange, PersonLimitsView};
pub use models::{ModelChange, ModelView};
pub use providers::{NewProvider, ProviderChange, ProviderView, Trial, Tried};

use crate::{
    catalogue::Catalogue,
    config::Config,
    domain::Model,
    ledger::{Ledger, Use},
    title, tokens,
    who::Who,
};
use platform::{Platform, Result};
use std::sync::Arc;
use uuid::Uuid;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Ai {
    pub(crate) platform: Platform,
    pub(crate) catalogue: Catalogue,
    pub(crate) config: Arc<Config>,
    pub(crate) ledger: Ledger,
    who: Who,
}

impl Ai {
    pub fn new(platform: &Platform, catalogue: Catalogue, ledger: Ledger, config: &Config) -> Self {
        Self {
            platform: platform.clone(),
            catalogue,
            ledger,
            config: Arc::new(config.clone()),
            who: Who::new(platform),
        }
    }

    pub async fn check(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// A title for a conversation with `model` that began like this, on the account of its owner; empty
    /// when there is none to be had.
    pub async fn title(&self, space: Uuid, model: &str, question: &str, answer: &str) -> Result<String> {
        let model = if self.config.title_model.is_empty() { model } else { &self.config.title_model };
        let found = self.catalogue.find(model, "").await?;
        self.who.allow(space, &found.settings).await?;
        let id = self.platform.ids.id();
        let input = tokens::of_text(question) + tokens::of_text(answer) + 60;
        let wanted = Use { space, id, attempt: 1, kind: "title", key: None, input, longest: Some(50), base: 0 };
        title::title(&found, id, question, answer, async { self.ledger.begin(wanted, &found).await }).await
    }

    /// The models somebody of this role can choose.
    pub async fn models(&self, role: &str) -> Vec<Model> {
        self.catalogue.models(role).await
    }
}

/// Tells a field that is null from one that is absent.
pub(crate) mod given {
    use serde::{Deserialize, Deserializer};

    /// # Errors
    /// As the value itself.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(from).map(Some)
    }
}
