//! What can be asked of ai.

use crate::{catalogue::Catalogue, domain::Model, title};
use platform::{Error, Platform, Result};
use std::sync::Arc;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Ai {
    platform: Platform,
    pub(crate) catalogue: Catalogue,
    title_model: Arc<str>,
}

impl Ai {
    pub fn new(platform: &Platform, catalogue: Catalogue, title_model: &str) -> Self {
        Self { platform: platform.clone(), catalogue, title_model: title_model.into() }
    }

    pub async fn check(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// A title for a conversation with `model` that began like this; empty when there is none to be had.
    pub async fn title(&self, model: &str, question: &str, answer: &str) -> Result<String> {
        let model = if self.title_model.is_empty() { model } else { &self.title_model };
        let found = self.catalogue.find(model).await?;
        title::title(&found, self.platform.ids.id(), question, answer)
            .await
            .map_err(|fault| Error::unavailable(fault.detail))
    }

    pub async fn models(&self) -> Vec<Model> {
        self.catalogue.models().await
    }
}
