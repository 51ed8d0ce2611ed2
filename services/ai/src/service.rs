//! What can be asked of ai.

use crate::{catalogue::Catalogue, domain::Model};
use platform::{Platform, Result};

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Ai {
    platform: Platform,
    pub(crate) catalogue: Catalogue,
}

impl Ai {
    pub fn new(platform: &Platform, catalogue: Catalogue) -> Self {
        Self { platform: platform.clone(), catalogue }
    }

    pub async fn check(&self) -> Result<()> {
        self.platform.db.check().await
    }

    pub async fn models(&self) -> Vec<Model> {
        self.catalogue.models().await
    }
}
