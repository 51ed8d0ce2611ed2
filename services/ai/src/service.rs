//! What can be asked of ai.

use crate::{catalogue::Catalogue, domain::Model};
use futures_util::FutureExt as _;
use platform::{Platform, Result, db::Scope};

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
        self.platform
            .db
            .read(Scope::System, |tx| async move { tx.query("select 1").value::<i64>().await }.boxed())
            .await?;
        Ok(())
    }

    pub async fn models(&self) -> Vec<Model> {
        self.catalogue.models().await
    }
}
