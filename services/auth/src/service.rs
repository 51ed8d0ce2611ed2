//! What can be done at the door, and with what gets one through it.

mod instance;
mod invitations;
mod joining;
mod keys;
mod leaving;
mod passwords;
mod people;
mod rights;
mod roles;
mod set_up;
mod sign_in;

pub use invitations::{Invited, Inviting};
pub use joining::{Accepting, Looked, Looking, Registering};
pub use keys::{Minting, revoke_again};
pub use leaving::Deleting;
pub use passwords::{ChangingPassword, Forgetting, ResettingPassword};
pub use people::{Linked, MadeAccount, MakingAccount};
pub use rights::KeyHolder;
pub use set_up::{SettingUp, SetupLink};
pub use sign_in::SigningIn;

use crate::{
    authorizer::{Authorizer, CasbinAuthorizer},
    config::Config,
    domain::{Account, Client, Instance, Standing, State, User},
    limits::Limits,
    passwords::Passwords,
};
use platform::{
    Error, Platform, Result,
    peers::Peer,
    principal::{Caller, Person},
};
use proto::{
    notification::v1::notifications_client::NotificationsClient,
    session::v1::{CloseAllRequest, CloseRequest, OpenRequest, sessions_client::SessionsClient},
    user::v1::{AnyRequest, ByIdRequest, user_client::UserClient},
};
use secrecy::SecretString;
use set_up::SetUp;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use uuid::Uuid;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    platform: Platform,
    config: Arc<Config>,
    /// The address people type, for links.
    url: Arc<str>,
    users: UserClient<Peer>,
    sessions: SessionsClient<Peer>,
    mail: NotificationsClient<Peer>,
    passwords: Passwords,
    limits: Limits,
    authorizer: Arc<dyn Authorizer>,
    set_up: Arc<SetUp>,
}

/// Somebody who has just signed in.
pub struct SignedIn {
    pub user: User,
    pub token: SecretString,
    /// How long the session lives at most.
    pub absolute: Duration,
}

impl Auth {
    pub fn new(platform: &Platform, config: Config, url: &str) -> Self {
        Self {
            users: UserClient::new(platform.peer("user")),
            sessions: SessionsClient::new(platform.peer("session")),
            mail: NotificationsClient::new(platform.peer("notification")),
            passwords: Passwords::new(platform.ids.clone(), platform.metrics.meter()),
            limits: Limits::new(platform, &config),
            authorizer: Arc::new(CasbinAuthorizer::new(platform.db.clone())),
            set_up: Arc::default(),
            platform: platform.clone(),
            config: Arc::new(config),
            url: url.into(),
        }
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// Where the caller stands.
    pub async fn standing(&self, caller: &Caller) -> Result<Standing> {
        let user = match caller {
            Caller::Person(person) => {
                self.account(person.user).await?.map(|account| User::new(account, person.permissions))
            }
            Caller::Nobody | Caller::Service(_) => None,
        };
        let state = match user {
            Some(_) => State::SignedIn,
            None if self.is_set_up().await? => State::SignedOut,
            None => State::Setup,
        };
        let look = self.look().await?;
        let instance = Instance {
            name: look.name,
            version: env!("CARGO_PKG_VERSION").into(),
            accent: look.accent,
            greeting: look.greeting,
        };
        let secure = self.url.starts_with("https://");
        Ok(Standing { state, instance, secure, registration: look.registration, mail: self.has_mail().await, user })
    }

    /// Ends the session the person calls with.
    pub async fn sign_out(&self, person: &Person) -> Result<()> {
        if person.key.is_some() {
            return Err(Error::forbidden("an API key has no session to end; revoke the key instead"));
        }
        let request = CloseRequest { user: person.user.as_bytes().into(), session: person.session.as_bytes().into() };
        self.sessions.clone().close(request).await?;
        tracing::info!(user = %person.user, "signed out");
        Ok(())
    }

    /// Ends all sessions of a person, but for one.
    pub async fn sign_out_everywhere(&self, user: Uuid, but: Option<Uuid>) -> Result<()> {
        let but = but.map(|session| session.as_bytes().to_vec()).unwrap_or_default();
        let request = CloseAllRequest { user: user.as_bytes().into(), but };
        let closed = self.sessions.clone().close_all(request).await?.into_inner().closed;
        tracing::info!(%user, closed, "signed out everywhere");
        Ok(())
    }

    /// Whether there is an account. Once there is one it is not asked again.
    async fn is_set_up(&self) -> Result<bool> {
        if self.set_up.done.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let any = self.users.clone().any(AnyRequest {}).await?.into_inner().any;
        self.set_up.done.fetch_or(any, Ordering::Relaxed);
        Ok(any)
    }

    async fn account(&self, id: Uuid) -> Result<Option<Account>> {
        let found = self.users.clone().by_id(ByIdRequest { id: id.as_bytes().into() }).await?;
        found.into_inner().account.map(Account::try_from).transpose()
    }

    /// A new session for somebody who has shown who they are, in place of the one they came with.
    async fn open_session(&self, account: Account, client: &Client, before: &Caller) -> Result<SignedIn> {
        let permissions = self
            .rights_of_account(&account)
            .await?
            .ok_or_else(|| Error::forbidden("this account is disabled; an administrator can enable it"))?;
        let instead_of = match before {
            // somebody else's session is not ours to end in their name, but this browser leaves it
            Caller::Person(person) if person.key.is_none() && person.user == account.id => {
                person.session.as_bytes().to_vec()
            }
            _ => Vec::new(),
        };
        let request = OpenRequest {
            user: account.id.as_bytes().into(),
            role: account.role.name().into(),
            device: client.device.clone(),
            address: client.ip.clone(),
            instead_of,
        };
        let opened = self.sessions.clone().open(request).await?.into_inner();
        if let Caller::Person(person) = before
            && person.key.is_none()
            && person.user != account.id
            && let Err(error) = self.sign_out(person).await
        {
            tracing::warn!(%error, "the session before this sign-in could not be ended");
        }
        let absolute = Duration::from_secs(u64::try_from(opened.absolute).map_err(Error::internal)?);
        Ok(SignedIn { user: User::new(account, permissions), token: opened.token.into(), absolute })
    }
}
