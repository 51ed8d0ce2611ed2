//! What can be done at the door: look who one is, set up, sign in, sign out.

mod set_up;
mod sign_in;

pub use set_up::{SettingUp, SetupLink};
pub use sign_in::SigningIn;

use crate::{
    config::Config,
    domain::{Client, Instance, Standing, State, User},
    limits::Limits,
    passwords::Passwords,
};
use platform::{
    Error, Platform, Result,
    peers::Peer,
    principal::{Caller, Person},
};
use proto::{
    session::v1::{CloseRequest, OpenRequest, sessions_client::SessionsClient},
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
    secure: bool,
    users: UserClient<Peer>,
    sessions: SessionsClient<Peer>,
    passwords: Passwords,
    limits: Limits,
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
    pub fn new(platform: &Platform, config: Config, secure: bool) -> Self {
        Self {
            users: UserClient::new(platform.peer("user")),
            sessions: SessionsClient::new(platform.peer("session")),
            passwords: Passwords::new(platform.ids.clone()),
            limits: Limits::new(platform, &config),
            set_up: Arc::default(),
            platform: platform.clone(),
            config: Arc::new(config),
            secure,
        }
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// Where the caller stands.
    pub async fn standing(&self, caller: &Caller) -> Result<Standing> {
        let user = match caller {
            Caller::Person(person) => self.user(person.user).await?,
            Caller::Nobody | Caller::Service(_) => None,
        };
        let state = match user {
            Some(_) => State::SignedIn,
            None if self.is_set_up().await? => State::SignedOut,
            None => State::Setup,
        };
        let instance = Instance { name: self.config.instance_name.clone(), version: env!("CARGO_PKG_VERSION").into() };
        Ok(Standing { state, instance, secure: self.secure, user })
    }

    /// Ends the session the person calls with.
    pub async fn sign_out(&self, person: &Person) -> Result<()> {
        let request = CloseRequest { user: person.user.as_bytes().into(), session: person.session.as_bytes().into() };
        self.sessions.clone().close(request).await?;
        tracing::info!(user = %person.user, "signed out");
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

    async fn user(&self, id: Uuid) -> Result<Option<User>> {
        let found = self.users.clone().by_id(ByIdRequest { id: id.as_bytes().into() }).await?;
        found.into_inner().account.map(User::try_from).transpose()
    }

    /// A new session for somebody who has shown who they are.
    async fn open_session(&self, user: User, client: &Client) -> Result<SignedIn> {
        let request = OpenRequest {
            user: user.id.as_bytes().into(),
            role: user.role.name().into(),
            device: client.device.clone(),
            address: client.ip.clone(),
            instead_of: Vec::new(),
        };
        let opened = self.sessions.clone().open(request).await?.into_inner();
        let absolute = Duration::from_secs(u64::try_from(opened.absolute).map_err(Error::internal)?);
        Ok(SignedIn { user, token: opened.token.into(), absolute })
    }
}
