//! What can be done with accounts.

mod leaving;
mod me;
mod people;

pub use leaving::erase_again;
pub use me::Preferring;
pub use people::{Administering, Listing};

use crate::{
    config::Config,
    domain::{Account, Email, Wrong, check_name},
    events, repository,
};
use futures_util::FutureExt as _;
use platform::{Error, Platform, Result, db::Scope, peers::Peer, principal::Role};
use proto::auth::v1::auth_client::AuthClient;
use std::sync::Arc;
use uuid::Uuid;

/// The most accounts one call asks for by their ids.
const MANY: usize = 1000;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    platform: Platform,
    config: Arc<Config>,
    /// Who says what a role allows.
    auth: AuthClient<Peer>,
}

/// An account that is to be made.
#[derive(Clone, Debug)]
pub struct Making {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// Who makes it for somebody.
    pub actor: Option<Uuid>,
}

impl Users {
    pub fn new(platform: &Platform, config: Config) -> Self {
        Self { platform: platform.clone(), config: Arc::new(config), auth: AuthClient::new(platform.peer("auth")) }
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.any().await.map(|_| ())
    }

    /// The first account, an administrator. The same call again gives the same account; any other
    /// one is refused once there is an account.
    pub async fn create_first(&self, id: Uuid, name: &str, email: &str) -> Result<Account> {
        self.make(Making { id, name: name.into(), email: email.into(), role: Role::ADMIN, actor: None }, true).await
    }

    /// A further account. The same call again gives the same account; an address that somebody has
    /// is refused.
    pub async fn create(&self, making: Making) -> Result<Account> {
        self.make(making, false).await
    }

    async fn make(&self, making: Making, first: bool) -> Result<Account> {
        let Making { id, name, email, role, actor } = making;
        let (name, email, now) = (check_name(&name)?, Email::parse(&email)?, self.platform.clock.now());
        let account = Account::new(id, name, &email, role, now);
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let (account, email) = (account.clone(), email.clone());
                async move {
                    match repository::find_by_email(tx, &email.key).await? {
                        Some(found) if found.id == id => return Ok(found),
                        _ if first && repository::any(tx).await? => {
                            return Err(Error::conflict("this instance has been set up already; sign in"));
                        }
                        Some(_) => return Err(Error::conflict("somebody has this e-mail address already")),
                        None => {}
                    }
                    repository::insert(tx, &account, &email).await?;
                    events::TOPIC.append(tx, events::created(&account, actor), now).await?;
                    Ok(account)
                }
                .boxed()
            })
            .await
    }

    /// The account with this address, and the address in the form in which spellings are equal.
    pub async fn by_email(&self, email: &str) -> Result<(Option<Account>, String)> {
        let Email { key, .. } = Email::parse(email)?;
        let asked = key.clone();
        let found = self
            .platform
            .db
            .read(Scope::System, move |tx| {
                let key = asked.clone();
                async move { repository::find_by_email(tx, &key).await }.boxed()
            })
            .await?;
        Ok((found, key))
    }

    pub async fn by_id(&self, id: Uuid) -> Result<Option<Account>> {
        self.platform.db.read(id, move |tx| async move { repository::find(tx, id).await }.boxed()).await
    }

    /// The accounts there are of these.
    pub async fn get_many(&self, ids: Vec<Uuid>) -> Result<Vec<Account>> {
        if ids.len() > MANY {
            return Err(Error::invalid("ids", format!("are more than {MANY}; ask for them in parts")));
        }
        self.platform
            .db
            .read(Scope::System, move |tx| {
                let ids = ids.clone();
                async move {
                    let mut found = Vec::new();
                    for id in ids {
                        found.extend(repository::find(tx, id).await?);
                    }
                    Ok(found)
                }
                .boxed()
            })
            .await
    }

    /// The account of somebody who makes a request; their last use is noted now and then.
    pub async fn recognise(&self, id: Uuid) -> Result<Option<Account>> {
        let found = self.by_id(id).await?;
        let now = self.platform.clock.now();
        if found.as_ref().is_some_and(|account| account.is_seen_again(now)) {
            let noted = self
                .platform
                .db
                .write(id, move |tx| async move { repository::set_seen(tx, id, now).await }.boxed())
                .await;
            // a full disk must not lock people out
            if let Err(error) = noted {
                tracing::warn!(%error, "the use of an account could not be noted");
            }
        }
        Ok(found)
    }

    pub async fn any(&self) -> Result<bool> {
        self.platform.db.read(Scope::System, |tx| async move { repository::any(tx).await }.boxed()).await
    }

    pub async fn count_role(&self, role: Role) -> Result<u32> {
        self.platform
            .db
            .read(Scope::System, move |tx| {
                let role = role.clone();
                async move { repository::with_role(tx, role.name()).await }.boxed()
            })
            .await
    }
}

/// The first of the two that will not do.
pub fn first_wrong(name: &str, email: &str) -> Option<Wrong> {
    check_name(name).err().or_else(|| Email::parse(email).err())
}
