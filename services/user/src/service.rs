//! What can be done with accounts.

use crate::{
    domain::{Account, Email, Wrong, check_name},
    events, repository,
};
use futures_util::FutureExt as _;
use platform::{Error, Platform, Result, db::Scope, principal::Role};
use uuid::Uuid;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    platform: Platform,
}

impl Users {
    pub fn new(platform: &Platform) -> Self {
        Self { platform: platform.clone() }
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.any().await.map(|_| ())
    }

    /// The first account, an administrator. The same call again gives the same account; any other
    /// one is refused once there is an account.
    pub async fn create_first(&self, id: Uuid, name: &str, email: &str) -> Result<Account> {
        let (name, email, now) = (check_name(name)?, Email::parse(email)?, self.platform.clock.now());
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let account = Account { id, name: name.clone(), email: email.written.clone(), role: Role::ADMIN };
                let email = email.clone();
                async move {
                    match repository::find_by_email(tx, &email.key).await? {
                        Some(found) if found.id == id => return Ok(found),
                        _ if repository::any(tx).await? => {
                            return Err(Error::conflict("this instance has been set up already; sign in"));
                        }
                        _ => {}
                    }
                    repository::insert(tx, &account, &email, now).await?;
                    events::TOPIC.append(tx, events::created(&account), now).await?;
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

    pub async fn any(&self) -> Result<bool> {
        self.platform.db.read(Scope::System, |tx| async move { repository::any(tx).await }.boxed()).await
    }
}

/// The first of the two that will not do.
pub fn first_wrong(name: &str, email: &str) -> Option<Wrong> {
    check_name(name).err().or_else(|| Email::parse(email).err())
}
