//! Deleting an account: a grace time in which it can be kept, then the end. What other services hold
//! of the person they erase when they hear `user.deleted`.

use super::{Users, people::keep_an_admin};
use crate::{
    domain::{Account, State},
    events, repository,
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::{Db, Scope},
    principal::Role,
};
use std::time::Duration;
use uuid::Uuid;

/// How often it is looked whether a grace time is over.
const ROUND: Duration = Duration::from_secs(60);

/// Deletes an account that a restored database still has, whatever its state; whether it had it.
///
/// # Errors
/// As any transaction.
pub async fn erase_again(db: &Db, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    db.write(id, move |tx| {
        async move {
            let Some(account) = repository::find(tx, id).await? else { return Ok(false) };
            repository::erase(tx, id).await?;
            events::TOPIC.append(tx, events::changed(&account, "user.deleted", None, now), now).await?;
            Ok(true)
        }
        .boxed()
    })
    .await
}

impl Users {
    /// Begins the grace time; one that runs already goes on.
    pub async fn leave(&self, id: Uuid, actor: Uuid) -> Result<Account> {
        let (now, grace) = (self.platform.clock.now(), self.config.grace());
        self.platform
            .db
            .write(Scope::System, move |tx| {
                async move {
                    let mut account = repository::find(tx, id).await?.ok_or_else(|| Error::not_found("account"))?;
                    if account.state == State::Leaving {
                        return Ok(account);
                    }
                    if account.role == Role::ADMIN && account.state == State::Active {
                        keep_an_admin(tx, id).await?;
                    }
                    account.state = State::Leaving;
                    account.deletes_at = Some(now + grace);
                    account.version += 1;
                    repository::update(tx, &account).await?;
                    let event = events::changed(&account, "user.leaving", Some(actor), now);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(account)
                }
                .boxed()
            })
            .await
    }

    /// Ends the grace time; an account that is not leaving stays as it is.
    pub async fn keep(&self, id: Uuid, actor: Uuid) -> Result<Account> {
        let now = self.platform.clock.now();
        self.platform
            .db
            .write(id, move |tx| {
                async move {
                    let mut account = repository::find(tx, id).await?.ok_or_else(|| Error::not_found("account"))?;
                    if account.state != State::Leaving {
                        return Ok(account);
                    }
                    account.state = State::Active;
                    account.deletes_at = None;
                    account.version += 1;
                    repository::update(tx, &account).await?;
                    let event = events::changed(&account, "user.updated", Some(actor), now);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(account)
                }
                .boxed()
            })
            .await
    }

    /// Deletes the accounts whose grace time is over; answers how many.
    pub async fn delete_ended(&self) -> Result<usize> {
        let now = self.platform.clock.now();
        self.platform
            .db
            .write(Scope::System, move |tx| {
                async move {
                    let ended = repository::ended(tx, now).await?;
                    for account in &ended {
                        repository::erase(tx, account.id).await?;
                        let event = events::changed(account, "user.deleted", None, now);
                        events::TOPIC.append(tx, event, now).await?;
                    }
                    Ok(ended.len())
                }
                .boxed()
            })
            .await
    }

    pub async fn delete_for_ever(self) {
        loop {
            match self.delete_ended().await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "accounts were deleted at the end of their grace time"),
                Err(error) => tracing::warn!(%error, "accounts at the end of their grace time could not be deleted"),
            }
            tokio::time::sleep(ROUND).await;
        }
    }
}
