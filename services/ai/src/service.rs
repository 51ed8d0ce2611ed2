//! What can be asked of ai.

mod models;
mod providers;

pub use models::{ModelChange, ModelView};
pub use providers::{NewProvider, ProviderChange, ProviderView, Trial, Tried};

use crate::{catalogue::Catalogue, config::Config, domain::Model};
use platform::{Error, Platform, Result};
use std::sync::Arc;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Ai {
    pub(crate) platform: Platform,
    pub(crate) catalogue: Catalogue,
    pub(crate) config: Arc<Config>,
}

impl Ai {
    pub fn new(platform: &Platform, catalogue: Catalogue, config: &Config) -> Self {
        Self { platform: platform.clone(), catalogue, config: Arc::new(config.clone()) }
    }

    pub async fn check(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// A title for a conversation with `model` that began like this; empty when there is none to be had.
    pub async fn title(&self, model: &str, question: &str, answer: &str) -> Result<String> {
        let model = if self.config.title_model.is_empty() { model } else { &self.config.title_model };
        let found = self.catalogue.find(model, "").await?;
        crate::title::title(&found, self.platform.ids.id(), question, answer)
            .await
            .map_err(|fault| Error::unavailable(fault.detail))
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
