//! Passwords after the first: changed by who knows them, set anew by who has a link.

use super::{Auth, SignedIn};
use crate::{
    domain::{Account, Client, Hidden, LinkToken, check_new_password, check_password},
    events,
    repository::{self, resets},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Code, Error, Result,
    principal::{Caller, Person},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A new password in place of the present one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangingPassword {
    #[schema(value_type = String)]
    current: Hidden,
    /// 12 to 1000 characters.
    #[schema(value_type = String)]
    password: Hidden,
}

/// Somebody who does not know their password any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgetting {
    email: String,
}

/// A new password, by whoever has the link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResettingPassword {
    /// What follows the # in the link.
    #[schema(value_type = String)]
    token: Hidden,
    /// 12 to 1000 characters.
    #[schema(value_type = String)]
    password: Hidden,
}

/// A link for a new password.
pub struct ResetLink {
    pub link: String,
    pub expires_at: DateTime<Utc>,
}

impl Auth {
    /// Changes the password. All other sessions end, and this one gets another token.
    pub async fn change_password(&self, person: &Person, asked: ChangingPassword, client: &Client) -> Result<SignedIn> {
        check_new_password(&asked.password)?;
        let account = self.check_own_password(person, asked.current).await?;
        let hash = self.passwords.turn().await?.hash(asked.password).await?;
        self.store_new_password(person.user, hash, Some(person.user)).await?;
        self.sign_in_alone(account, client, &Caller::Person(person.clone())).await
    }

    /// Sends a link to the address if it is somebody's. Whether it is shows in nothing: the work is
    /// done after the answer.
    pub async fn forgot_password(&self, asked: Forgetting, client: &Client) -> Result<()> {
        self.limits.request("forgot", &client.address).await?;
        let auth = self.clone();
        self.platform.background.spawn_until_drained(async move {
            if let Err(error) = auth.send_reset_link(asked.email).await {
                tracing::warn!(%error, "a link for a new password could not be sent");
            }
        });
        Ok(())
    }

    async fn send_reset_link(&self, email: String) -> Result<()> {
        let (account, key) = match self.account_by_email(email).await {
            Err(error) if error.code() == Code::Invalid => return Ok(()),
            found => found?,
        };
        if !self.has_mail().await || !self.limits.may_write_to(&key).await? {
            return Ok(());
        }
        let Some(account) = account.filter(Account::is_active) else { return Ok(()) };
        let ResetLink { link, .. } = self.make_reset_link(account.id).await?;
        self.mail_link("password-reset", &account.email, &account.language, &account.name, &link).await.map(|_| ())
    }

    /// A link that lets this person set a new password; those before are good no longer.
    pub(super) async fn make_reset_link(&self, space: Uuid) -> Result<ResetLink> {
        let now = self.platform.clock.now();
        let expires_at = now + TimeDelta::minutes(self.config.reset_minutes.into());
        let (id, token) = (self.platform.ids.id(), LinkToken::new(space, &*self.platform.ids));
        let hash = token.hash();
        self.platform
            .db
            .write(space, move |tx| {
                let hash = hash.clone();
                async move { resets::put(tx, space, id, hash, now, expires_at).await }.boxed()
            })
            .await?;
        Ok(ResetLink { link: token.link(&self.url, "reset"), expires_at })
    }

    /// Sets a new password with a link, which is used up by it, and signs the person in. All their
    /// other sessions end.
    pub async fn reset_password(&self, asked: ResettingPassword, client: &Client, caller: &Caller) -> Result<SignedIn> {
        check_new_password(&asked.password)?;
        self.limits.check_address(&client.address).await?;
        let refused = || Error::forbidden("this link is not valid (any more); ask for a new one");
        let now = self.platform.clock.now();
        let token = LinkToken::read(asked.token.expose());
        let good = match &token {
            Some(token) => self.is_good_reset(token, now).await?,
            None => false,
        };
        let account = match &token {
            Some(token) if good => self.account(token.space).await?,
            _ => None,
        };
        let (Some(token), Some(account)) = (token, account) else {
            self.limits.count_wrong(&client.address).await?;
            return Err(refused());
        };
        if self.rights_of_account(&account).await?.is_none() {
            return Err(Error::forbidden("this account is disabled; an administrator can enable it"));
        }
        let password = self.passwords.turn().await?.hash(asked.password).await?;
        let (space, hash) = (token.space, token.hash());
        let used = self
            .platform
            .db
            .write(space, move |tx| {
                let (hash, password) = (hash.clone(), password.clone());
                async move {
                    // looked at again in the transaction that uses it up: a link works once
                    if resets::expiry(tx, space, hash).await?.is_none_or(|end| end <= now) {
                        return Ok(false);
                    }
                    resets::remove(tx, space).await?;
                    repository::set_password(tx, space, &password, now).await?;
                    let event = events::of_person("password.changed", space, Some(space), space);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        if !used {
            return Err(refused());
        }
        let (_, key) = self.account_by_email(account.email.clone()).await?;
        self.limits.begin_round(&key).await?;
        tracing::info!(user = %space, "a password was set with a link");
        self.sign_in_alone(account, client, caller).await
    }

    async fn is_good_reset(&self, token: &LinkToken, now: DateTime<Utc>) -> Result<bool> {
        let (space, hash) = (token.space, token.hash());
        let expiry = self
            .platform
            .db
            .read(space, move |tx| {
                let hash = hash.clone();
                async move { resets::expiry(tx, space, hash).await }.boxed()
            })
            .await?;
        Ok(expiry.is_some_and(|end| now < end))
    }

    /// Makes sure that it is the person who asks, for what a session alone must not do. The same
    /// limits as for signing in: a stolen session is no way to guess a password.
    ///
    /// # Errors
    /// `forbidden` for another password.
    pub(super) async fn check_own_password(&self, person: &Person, password: Hidden) -> Result<Account> {
        check_password(&password)?;
        let account = self.account(person.user).await?.ok_or_else(|| Error::not_found("account"))?;
        let (_, key) = self.account_by_email(account.email.clone()).await?;
        let turn = self.passwords.turn().await?;
        let tries_left = self.limits.begin_try(&key).await?;
        let hash = self.password_hash(Some(account.id)).await?;
        if !turn.verify(password, hash).await? {
            return Err(Error::forbidden("this is not your present password").with("tries_left", tries_left));
        }
        self.limits.begin_round(&key).await?;
        Ok(account)
    }

    pub(super) async fn store_new_password(&self, space: Uuid, hash: String, actor: Option<Uuid>) -> Result<()> {
        let now = self.platform.clock.now();
        self.platform
            .db
            .write(space, move |tx| {
                let hash = hash.clone();
                async move {
                    repository::set_password(tx, space, &hash, now).await?;
                    resets::remove(tx, space).await?;
                    let event = events::of_person("password.changed", space, actor, space);
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await
    }

    /// A new session, and no other one any more.
    async fn sign_in_alone(&self, account: Account, client: &Client, before: &Caller) -> Result<SignedIn> {
        self.sign_out_everywhere(account.id, None).await?;
        self.open_session(account, client, before).await
    }
}
