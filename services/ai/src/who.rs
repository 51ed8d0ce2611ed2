//! Whether the owner of a space may use a model. Roles change while answers wait, and not every door knows them: this is the last one.

use crate::settings::Settings;
use platform::{Error, Platform, Result, peers::Peer};
use proto::user::v1::{ByIdRequest, user_client::UserClient};
use uuid::Uuid;

/// Asks user for roles. Cheap to clone.
#[derive(Clone)]
pub struct Who(UserClient<Peer>);

impl Who {
    pub fn new(platform: &Platform) -> Self {
        Self(UserClient::new(platform.peer("user")))
    }

    /// # Errors
    /// `forbidden` with the reason; `unavailable` when nobody can say.
    pub async fn allow(&self, space: Uuid, settings: &Settings) -> Result<()> {
        if settings.is_open() {
            return Ok(());
        }
        // What is off is off for everybody.
        if !settings.row.enabled {
            return settings.allow("");
        }
        let asked = self.0.clone().by_id(ByIdRequest { id: space.as_bytes().into() }).await.map_err(Error::from)?;
        let role = asked.into_inner().account.map(|account| account.role).unwrap_or_default();
        settings.allow(&role)
    }
}
