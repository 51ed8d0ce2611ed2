//! What administrators do with the sign-in of others, in the browser or at the command line.

use super::{Auth, invitations::JoinLink, passwords::ResetLink};
use crate::domain::Entry;
use chrono::{DateTime, Utc};
use platform::{
    Error, Result,
    principal::{Person, Role},
};
use proto::user::v1::CheckRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// For whom to make an account.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakingAccount {
    name: String,
    email: String,
    /// It may allow nothing that you may not do yourself.
    #[schema(value_type = String)]
    role: Role,
}

/// An account, and the link with which its person sets a password. The link is said this once.
#[derive(Serialize, ToSchema)]
pub struct MadeAccount {
    pub account: Entry,
    pub link: String,
    pub expires_at: DateTime<Utc>,
}

/// A link that works once, and is said this once.
#[derive(Serialize, ToSchema)]
#[schema(as = OneTimeLink)]
pub struct Linked {
    #[serde(skip)]
    pub user: Uuid,
    pub link: String,
    pub expires_at: DateTime<Utc>,
}

impl Auth {
    pub async fn make_account(&self, person: &Person, asked: MakingAccount) -> Result<MadeAccount> {
        self.check_may_give(person, &asked.role).await?;
        let MakingAccount { name, email, role } = asked;
        let (account, JoinLink { link, expires_at }) = self.make_linked(name, email, role, Some(person.user)).await?;
        tracing::info!(user = %account.id, by = %person.user, "an account was made");
        Ok(MadeAccount { account, link, expires_at })
    }

    /// A link for a new password of somebody else.
    pub async fn link_new_password(&self, person: &Person, id: Uuid) -> Result<Linked> {
        let account = self.within_reach_of(person, id).await?;
        let ResetLink { link, expires_at } = self.make_reset_link(account.id).await?;
        tracing::info!(user = %id, by = %person.user, "a link for a new password was made");
        Ok(Linked { user: id, link, expires_at })
    }

    pub async fn sign_other_out(&self, person: &Person, id: Uuid) -> Result<()> {
        self.within_reach_of(person, id).await?;
        self.sign_out_everywhere(id, None).await
    }

    /// A further administrator, made at the command line.
    pub async fn create_admin(&self, name: String, email: String) -> Result<Linked> {
        let (account, JoinLink { link, expires_at }) = self.make_linked(name, email, Role::ADMIN, None).await?;
        tracing::info!(user = %account.id, "an administrator was made at the command line");
        Ok(Linked { user: account.id, link, expires_at })
    }

    /// A link for a new password, made at the command line.
    pub async fn reset_link(&self, email: String) -> Result<Linked> {
        let (found, _) = self.account_by_email(email).await?;
        let account = found.ok_or_else(|| Error::not_found("account"))?;
        let ResetLink { link, expires_at } = self.make_reset_link(account.id).await?;
        tracing::info!(user = %account.id, "a link for a new password was made at the command line");
        Ok(Linked { user: account.id, link, expires_at })
    }

    async fn make_linked(
        &self,
        name: String,
        email: String,
        role: Role,
        actor: Option<Uuid>,
    ) -> Result<(Entry, JoinLink)> {
        let request = CheckRequest { name: name.clone(), email: email.clone() };
        let wrong = self.users.clone().check(request).await?.into_inner();
        if !wrong.field.is_empty() {
            return Err(Error::invalid(&wrong.field, wrong.why));
        }
        let id = self.platform.ids.id();
        let account = self.create(id, name, email, role.clone(), actor).await?;
        let link = self.make_join_link(id, role, actor).await?;
        Ok((account.into(), link))
    }
}
