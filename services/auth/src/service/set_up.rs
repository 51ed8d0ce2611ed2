//! Setting up an instance: whoever holds the link that the server printed makes the first account.

use super::{Auth, SignedIn};
use crate::domain::{Account, Client, Hidden};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use platform::{Error, Result, principal::Caller};
use proto::user::v1::CreateFirstRequest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// How far set-up is. One at a time: whoever holds the lock is the only one who sets up.
#[derive(Default)]
pub(super) struct SetUp {
    /// SHA-256 of the token of the link, while it is good.
    link: Mutex<Option<[u8; 32]>>,
    /// There is an account.
    pub(super) done: AtomicBool,
}

/// What a person sends who opened the link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingUp {
    /// What follows the # in the link.
    #[schema(value_type = String)]
    token: Hidden,
    name: String,
    email: String,
    /// 12 to 1000 characters.
    #[schema(value_type = String)]
    password: Hidden,
}

/// Makes the token of the set-up link.
#[derive(Clone)]
pub struct SetupLink(Auth);

impl SetupLink {
    pub(crate) fn new(auth: Auth) -> Self {
        Self(auth)
    }

    /// A new token (256 random bits) for `/setup#<token>` while there is no account, otherwise none.
    /// It is good for one account, until the next call or the end of the process, and this is the
    /// only time it is said.
    ///
    /// # Errors
    /// `unavailable` while user is not announced.
    pub async fn token(&self) -> Result<Option<String>> {
        let auth = &self.0;
        let mut link = auth.set_up.link.lock().await;
        if auth.is_set_up().await? {
            return Ok(None);
        }
        let mut bytes = [0; 32];
        auth.platform.ids.random(&mut bytes);
        let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        *link = Some(Sha256::digest(&token).into());
        Ok(Some(token))
    }
}

impl Auth {
    /// Makes the first account, an administrator, and signs them in.
    ///
    /// The password is stored before the account: a crash in between leaves a password of nobody,
    /// which does no harm, where the other order would leave an administrator who cannot sign in.
    pub async fn set_up(&self, asked: SettingUp, client: &Client) -> Result<SignedIn> {
        let mut link = self.set_up.link.lock().await;
        if self.is_set_up().await? {
            return Err(Error::conflict("this instance has been set up already; sign in"));
        }
        let shown: [u8; 32] = Sha256::digest(asked.token.expose()).into();
        if !link.is_some_and(|good| good.ct_eq(&shown).into()) {
            return Err(Error::forbidden(
                "this set-up link is not valid (any more); open the one the server printed last",
            ));
        }
        self.check_new(&asked.name, &asked.email, &asked.password).await?;

        let id = self.platform.ids.id();
        let hash = self.passwords.turn().await?.hash(asked.password).await?;
        self.store_new_password(id, hash, None).await?;
        let request = CreateFirstRequest { id: id.as_bytes().into(), name: asked.name, email: asked.email };
        let account = Account::try_from(self.users.clone().create_first(request).await?.into_inner())?;
        self.set_up.done.store(true, Ordering::Relaxed);
        *link = None;
        drop(link);

        tracing::info!(user = %account.id, "the instance is set up");
        self.open_session(account, client, &Caller::Nobody).await
    }
}
