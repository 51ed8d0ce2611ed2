//! API keys: made, listed, revoked. What one may do is asked at each use.

use super::Auth;
use crate::{
    domain::{Key, KeyRow, Minted, SecretKey, line},
    events,
    repository::keys,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Db,
    principal::{Permission, Person},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

const NAME_LIMIT: usize = 100;

/// What is asked of a new key.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Minting {
    /// One line of 1 to 100 characters.
    name: String,
    /// What it may do: at least one, nothing that you may not do yourself.
    scopes: Vec<Permission>,
    /// When it ends; never when absent.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// Revokes a key that a restored database still has; whether it had it.
///
/// # Errors
/// As any transaction.
pub async fn revoke_again(db: &Db, space: Uuid, id: Uuid) -> Result<bool> {
    db.write(space, move |tx| async move { keys::remove(tx, space, id).await }.boxed()).await
}

impl Auth {
    pub async fn keys(&self, person: &Person) -> Result<Vec<Key>> {
        let space = person.space();
        let rows = self.platform.db.read(space, move |tx| async move { keys::all(tx, space).await }.boxed()).await?;
        Ok(rows.into_iter().map(Key::from).collect())
    }

    pub async fn mint(&self, person: &Person, asked: Minting) -> Result<Minted> {
        let name = line("name", &asked.name, NAME_LIMIT)?;
        if asked.scopes.is_empty() {
            return Err(Error::invalid("scopes", "are empty; a key must be allowed something"));
        }
        for scope in &asked.scopes {
            if !scope.is_for_keys() {
                return Err(Error::invalid("scopes", format!("hold {}, which no key may carry", scope.name())));
            }
            person.require(*scope)?;
        }
        let now = self.platform.clock.now();
        if let Some(end) = asked.expires_at
            && (end <= now || end > now + TimeDelta::days(3650))
        {
            return Err(Error::invalid("expires_at", "must lie in the next ten years"));
        }
        let scopes = platform::principal::Permissions::from(asked.scopes);
        let scopes: Vec<_> = scopes.iter().map(Permission::name).collect();
        let secret = SecretKey::new(person.user, &*self.platform.ids);
        let row = KeyRow {
            id: self.platform.ids.id(),
            name,
            prefix: secret.prefix.clone(),
            secret_hash: secret.hash(),
            scopes: scopes.join(" "),
            created_at: now,
            last_used_at: None,
            expires_at: asked.expires_at,
        };
        let (space, most) = (person.space(), self.config.keys_per_person);
        let stored = row.clone();
        self.platform
            .db
            .write(space, move |tx| {
                let row = stored.clone();
                async move {
                    if keys::count(tx, space).await? >= most {
                        return Err(Error::conflict(format!("you have {most} keys already; revoke one first")));
                    }
                    keys::insert(tx, space, &row).await?;
                    let event = events::of_person("key.created", space, Some(space), row.id);
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await?;
        tracing::info!(user = %space, key = %row.id, "an API key was made");
        Ok(Minted { key: row.into(), secret: secret.expose().to_owned() })
    }

    pub async fn revoke_key(&self, person: &Person, id: Uuid) -> Result<()> {
        let (space, now) = (person.space(), self.platform.clock.now());
        self.platform
            .db
            .write(space, move |tx| {
                async move {
                    if !keys::remove(tx, space, id).await? {
                        return Err(Error::not_found("key"));
                    }
                    let event = events::of_person("key.revoked", space, Some(space), id);
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await?;
        tracing::info!(user = %space, key = %id, "an API key was revoked");
        Ok(())
    }
}
