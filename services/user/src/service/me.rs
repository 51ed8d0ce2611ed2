//! What people change of their own account: name, preferences, custom instructions.

use super::Users;
use crate::{
    domain::{Accent, Account, Instructions, Language, Profile, Theme, Writing, check_name},
    events, repository,
};
use futures_util::FutureExt as _;
use platform::{Error, Result, principal::Person};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What is to be different; what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferring {
    /// The version you saw.
    version: i64,
    /// One line of 1 to 100 characters.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    language: Option<Language>,
    #[serde(default)]
    theme: Option<Theme>,
    #[serde(default)]
    accent: Option<Accent>,
}

impl Users {
    pub async fn me(&self, person: &Person) -> Result<Account> {
        self.by_id(person.user).await?.ok_or_else(|| Error::not_found("account"))
    }

    pub async fn prefer(&self, person: &Person, asked: Preferring) -> Result<Account> {
        let name = asked.name.as_deref().map(check_name).transpose()?;
        let (space, now) = (person.user, self.platform.clock.now());
        self.platform
            .db
            .write(space, move |tx| {
                let (asked, name) = (asked.clone(), name.clone());
                async move {
                    let found = repository::find(tx, space).await?.ok_or_else(|| Error::not_found("account"))?;
                    if found.version != asked.version {
                        let current = Profile::from(found);
                        return Err(Error::stale("your account was changed meanwhile; look at it and decide again")
                            .with("current", current));
                    }
                    let mut account = found.clone();
                    account.name = name.unwrap_or(account.name);
                    account.language = asked.language.unwrap_or(account.language);
                    account.theme = asked.theme.unwrap_or(account.theme);
                    account.accent = asked.accent.unwrap_or(account.accent);
                    if account == found {
                        return Ok(found);
                    }
                    account.version += 1;
                    repository::update(tx, &account).await?;
                    let event = events::changed(&account, "user.updated", Some(space), now);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(account)
                }
                .boxed()
            })
            .await
    }

    /// Empty ones when none were written.
    pub async fn instructions(&self, user: Uuid) -> Result<Instructions> {
        let found = self
            .platform
            .db
            .read(user, move |tx| async move { repository::instructions(tx, user).await }.boxed())
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub async fn instruct(&self, person: &Person, asked: Writing) -> Result<Instructions> {
        let new = asked.check()?;
        let (space, now) = (person.user, self.platform.clock.now());
        self.platform
            .db
            .write(space, move |tx| {
                let mut new = new.clone();
                async move {
                    let account = repository::find(tx, space).await?.ok_or_else(|| Error::not_found("account"))?;
                    let found = repository::instructions(tx, space).await?.unwrap_or_default();
                    if found.version != new.version {
                        return Err(Error::stale("the instructions were changed meanwhile; look at them again")
                            .with("current", found));
                    }
                    new.version += 1;
                    repository::set_instructions(tx, space, &new, now).await?;
                    let event = events::changed(&account, "user.updated", Some(space), now);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(new)
                }
                .boxed()
            })
            .await
    }
}
