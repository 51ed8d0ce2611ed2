//! Making an account of one's own: with an invitation, or without where registration is open.

use super::{Auth, SignedIn};
use crate::{
    domain::{Account, Client, Hidden, InvitationRow, Registration, check_new_password},
    events,
    repository::{self, invitations},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Code, Error, Result,
    db::Scope,
    principal::{Caller, Role},
};
use proto::user::v1::{CheckRequest, CreateRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// After this an acceptance that came to nothing may be begun again.
const CLAIM: TimeDelta = TimeDelta::seconds(60);

/// What a person sends to make an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registering {
    name: String,
    email: String,
    /// 12 to 1000 characters.
    #[schema(value_type = String)]
    password: Hidden,
}

/// The token of an invitation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Looking {
    /// What follows the # in the link.
    #[schema(value_type = String)]
    token: Hidden,
}

/// What an invitation offers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Looked {
    /// The address it is for; any when absent.
    pub email: Option<String>,
    /// The name of the account that was made already.
    pub name: Option<String>,
    /// The role of the account.
    #[schema(value_type = String)]
    pub role: Role,
    /// The instance's name.
    pub instance: String,
    pub expires_at: DateTime<Utc>,
}

/// What a person sends who accepts an invitation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepting {
    /// What follows the # in the link.
    #[schema(value_type = String)]
    token: Hidden,
    name: String,
    email: String,
    /// 12 to 1000 characters.
    #[schema(value_type = String)]
    password: Hidden,
}

impl Auth {
    /// An account for anybody, where that is allowed.
    pub async fn register(&self, asked: Registering, client: &Client, caller: &Caller) -> Result<SignedIn> {
        if self.look().await?.registration != Registration::Open {
            return Err(Error::forbidden("accounts are made by invitation here; ask an administrator for one"));
        }
        if !self.is_set_up().await? {
            return Err(Error::conflict("this instance is not set up yet; open the link that the server printed"));
        }
        self.limits.check_address(&client.address).await?;
        self.limits.request("register", &client.address).await?;
        self.check_new(&asked.name, &asked.email, &asked.password).await?;
        let id = self.platform.ids.id();
        let hash = self.passwords.turn().await?.hash(asked.password).await?;
        // the password first: without an account it is nobody's, which does no harm
        self.store_new_password(id, hash, None).await?;
        let account = self.create(id, asked.name, asked.email, Role::USER, None).await;
        if account.is_err() {
            self.forget_credentials(id).await;
        }
        let account = account?;
        tracing::info!(user = %account.id, "an account was made by registration");
        self.open_session(account, client, caller).await
    }

    pub async fn look_at_invitation(&self, asked: Looking, client: &Client) -> Result<Looked> {
        let (row, account) = self.find_invitation(&asked.token, client).await?;
        let instance = self.look().await?.name;
        Ok(Looked {
            email: account.as_ref().map(|account| account.email.clone()).or(row.email),
            name: account.map(|account| account.name),
            role: row.role,
            instance,
            expires_at: row.expires_at,
        })
    }

    /// Makes the account that an invitation offers, or sets the first password of the one that was
    /// made already, and signs the person in.
    pub async fn accept_invitation(&self, asked: Accepting, client: &Client, caller: &Caller) -> Result<SignedIn> {
        let (row, made) = self.find_invitation(&asked.token, client).await?;
        let email = made.as_ref().map(|account| account.email.clone()).or_else(|| row.email.clone());
        if let Some(email) = email
            && !same_address(&email, &asked.email)
        {
            return Err(Error::invalid("email", "is not the one this invitation is for"));
        }
        self.check_new(&asked.name, &asked.email, &asked.password).await?;
        let id = made.as_ref().map_or_else(|| self.platform.ids.id(), |account| account.id);
        let hash = self.passwords.turn().await?.hash(asked.password).await?;
        if !self.claim(row.id, id).await? {
            return Err(Error::conflict("this invitation is being accepted at this moment, or was; sign in"));
        }
        let account = async {
            self.store_new_password(id, hash, None).await?;
            match made {
                Some(account) => Ok(account),
                None => self.create(id, asked.name, asked.email, row.role.clone(), row.created_by).await,
            }
        };
        let account = match account.await {
            Ok(account) => account,
            Err(error) => {
                if row.account.is_none() {
                    self.forget_credentials(id).await;
                }
                self.release(row.id).await;
                return Err(error);
            }
        };
        self.close_invitation(&row, account.id).await?;
        tracing::info!(user = %account.id, invitation = %row.id, "an invitation was accepted");
        self.open_session(account, client, caller).await
    }

    /// The invitation, and the account it lets somebody into. Wrong tokens count as wrong passwords.
    async fn find_invitation(&self, token: &Hidden, client: &Client) -> Result<(InvitationRow, Option<Account>)> {
        self.limits.check_address(&client.address).await?;
        let refused = || Error::forbidden("this invitation is not valid (any more); ask for another one");
        let Some(row) = self.open_invitation(token).await? else {
            self.limits.count_wrong(&client.address).await?;
            return Err(refused());
        };
        let account = match row.account {
            Some(id) => Some(self.account(id).await?.filter(Account::is_active).ok_or_else(refused)?),
            None => None,
        };
        Ok((row, account))
    }

    /// Names the field that will not do, before anything is stored.
    pub(super) async fn check_new(&self, name: &str, email: &str, password: &Hidden) -> Result<()> {
        let request = CheckRequest { name: name.into(), email: email.into() };
        let wrong = self.users.clone().check(request).await?.into_inner();
        if !wrong.field.is_empty() {
            return Err(Error::invalid(&wrong.field, wrong.why));
        }
        check_new_password(password)
    }

    pub(super) async fn create(
        &self,
        id: Uuid,
        name: String,
        email: String,
        role: Role,
        actor: Option<Uuid>,
    ) -> Result<Account> {
        let actor = actor.map(|actor| actor.as_bytes().to_vec()).unwrap_or_default();
        let request = CreateRequest { id: id.as_bytes().into(), name, email, role: role.into(), actor };
        let made =
            self.users.clone().create(request).await.map_err(Error::from).map_err(|error| match error.code() {
                Code::Conflict => error.with("field", "email"),
                _ => error,
            })?;
        Account::try_from(made.into_inner())
    }

    async fn claim(&self, invitation: Uuid, by: Uuid) -> Result<bool> {
        let now = self.platform.clock.now();
        self.platform
            .db
            .write(Scope::System, move |tx| {
                async move { invitations::claim(tx, invitation, by, now, now - CLAIM).await }.boxed()
            })
            .await
    }

    async fn release(&self, invitation: Uuid) {
        let released = self
            .platform
            .db
            .write(Scope::System, move |tx| async move { invitations::release(tx, invitation).await }.boxed());
        if let Err(error) = released.await {
            tracing::warn!(%error, "an invitation is free again only after a minute");
        }
    }

    async fn forget_credentials(&self, id: Uuid) {
        let forgotten = self
            .platform
            .db
            .write(id, move |tx| async move { repository::remove_password(tx, id).await }.boxed())
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "a password of nobody stays in the table");
        }
    }

    async fn close_invitation(&self, row: &InvitationRow, account: Uuid) -> Result<()> {
        let (id, now, inviter) = (row.id, self.platform.clock.now(), row.created_by.unwrap_or(account));
        self.platform
            .db
            .write(Scope::System, move |tx| {
                async move {
                    invitations::accept(tx, id, now).await?;
                    let event = events::of_invitation("invitation.accepted", inviter, Some(account), id, account);
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await
    }
}

fn same_address(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
