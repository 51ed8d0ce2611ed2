//! Deleting one's own account, and thinking better of it.

use super::Auth;
use crate::domain::{Account, Hidden};
use platform::{Error, Result, principal::Person};
use proto::user::v1::{KeepRequest, LeaveRequest};
use serde::Deserialize;
use utoipa::ToSchema;

/// What a person sends who wants their account deleted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleting {
    #[schema(value_type = String)]
    password: Hidden,
    /// The word DELETE.
    confirm: String,
}

impl Auth {
    /// Begins the grace time and signs the person out everywhere.
    pub async fn delete_account(&self, person: &Person, asked: Deleting) -> Result<Account> {
        if asked.confirm != "DELETE" {
            return Err(Error::invalid("confirm", "must be the word DELETE"));
        }
        self.check_own_password(person, asked.password).await?;
        let id = person.user.as_bytes().to_vec();
        let account = self.users.clone().leave(LeaveRequest { id: id.clone(), actor: id }).await?.into_inner();
        self.sign_out_everywhere(person.user, None).await?;
        Account::try_from(account)
    }

    pub async fn keep_account(&self, person: &Person) -> Result<()> {
        let id = person.user.as_bytes().to_vec();
        self.users.clone().keep(KeepRequest { id: id.clone(), actor: id }).await?;
        tracing::info!(user = %person.user, "an account is kept");
        Ok(())
    }
}
