//! Signing in with a password. Whether an address is known shows neither in the answer nor in the
//! time it takes, and no password is looked at past the limits.

use super::{Auth, SignedIn};
use crate::{
    domain::{Account, Client, Hidden, check_password},
    repository,
};
use futures_util::FutureExt as _;
use platform::{Code, Error, Result, principal::Caller};
use proto::user::v1::ByEmailRequest;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a person sends to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningIn {
    email: String,
    #[schema(value_type = String)]
    password: Hidden,
}

impl Auth {
    /// Signs a person in with a session of its own; the one they came with, if any, ends.
    pub async fn sign_in(&self, asked: SigningIn, client: &Client, caller: &Caller) -> Result<SignedIn> {
        check_password(&asked.password)?;
        let (account, email_key) = self.account_by_email(asked.email).await?;

        // All with the turn in hand: what is counted is looked at, and no more pass the check of the
        // address than have a turn before the wrong ones among them are counted.
        let turn = self.passwords.turn().await?;
        self.limits.check_address(&client.address).await?;
        let tries_left = self.limits.begin_try(&email_key).await?;
        let hash = self.password_hash(account.as_ref().map(|account| account.id)).await?;
        let right = turn.verify(asked.password, hash).await?;

        let Some(account) = account.filter(|_| right) else {
            self.limits.count_wrong(&client.address).await?;
            tracing::warn!(address = client.address, tries_left, "a sign-in with a wrong e-mail address or password");
            return Err(Error::unauthenticated("e-mail or password do not match").with("tries_left", tries_left));
        };
        self.limits.begin_round(&email_key).await?;
        drop(turn);
        let signed_in = self.open_session(account, client, caller).await?;
        tracing::info!(user = %signed_in.user.id, "signed in");
        Ok(signed_in)
    }

    /// Whoever has this address, and the form of it by which tries are counted.
    pub(super) async fn account_by_email(&self, email: String) -> Result<(Option<Account>, String)> {
        let found = self.users.clone().by_email(ByEmailRequest { email }).await.map_err(Error::from);
        let found = found.map_err(|error| match error.code() {
            // the one field there is
            Code::Invalid => error.with("field", "email"),
            _ => error,
        })?;
        let found = found.into_inner();
        Ok((found.account.map(Account::try_from).transpose()?, found.email_key))
    }

    /// Read for nobody as well: an unknown address takes the same way.
    pub(super) async fn password_hash(&self, of: Option<Uuid>) -> Result<Option<String>> {
        let space = of.unwrap_or(Uuid::nil());
        self.platform.db.read(space, move |tx| async move { repository::password(tx, space).await }.boxed()).await
    }
}
