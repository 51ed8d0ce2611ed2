//! Providers while the instance runs: added, tested, changed, removed. Their keys are stored encrypted and never leave again.

use super::Ai;
use crate::{
    catalogue::{Origin, Shelf, origin},
    domain::{Kind, place_name},
    events,
    repository::providers::{self, Stored},
    sealed,
};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::{Scope, Tx},
    principal::Person,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Instant};
use utoipa::ToSchema;
use uuid::Uuid;

/// Providers one instance may have.
const MOST: usize = 100;
const KEY_LIMIT: usize = 4_096;
const URL_LIMIT: usize = 2_000;

/// A provider as administrators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderView {
    pub id: Uuid,
    #[schema(value_type = Kind)]
    pub kind: String,
    /// The first part of its models' ids.
    pub name: String,
    pub base_url: String,
    pub has_key: bool,
    /// The key's last characters.
    pub key_hint: Option<String>,
    pub enabled: bool,
    /// `server` or `outside`.
    pub place: &'static str,
    /// `stored`, or `configuration`: that one is changed in the configuration alone.
    pub source: &'static str,
    /// `answers`, `silent` or `off`.
    pub state: &'static str,
    /// Why it is silent.
    pub detail: Option<String>,
    /// How many models it has.
    pub models: usize,
    /// Seconds it may take to its first word, where that is not as usual.
    pub first_byte_seconds: Option<i64>,
    pub version: i64,
}

/// A new provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProvider {
    #[schema(value_type = Kind)]
    pub kind: String,
    pub name: String,
    pub base_url: String,
    #[schema(value_type = Option<String>)]
    pub key: Option<SecretString>,
    pub first_byte_seconds: Option<i64>,
    pub enabled: Option<bool>,
}

/// What changes; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderChange {
    pub version: i64,
    /// With another scheme, host or port the stored key is forgotten unless a new one comes along.
    pub base_url: Option<String>,
    /// A new key; the empty text forgets the one there is.
    #[schema(value_type = Option<String>)]
    pub key: Option<SecretString>,
    pub enabled: Option<bool>,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<i64>)]
    pub first_byte_seconds: Option<Option<i64>>,
}

/// A provider to be tried without storing it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    #[schema(value_type = Kind)]
    pub kind: String,
    pub base_url: String,
    #[schema(value_type = Option<String>)]
    pub key: Option<SecretString>,
}

/// What a trial showed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tried {
    pub ok: bool,
    /// The ids of its models.
    pub models: Vec<String>,
    pub detail: Option<String>,
    pub took_ms: u64,
}

fn view(shelf: &Shelf) -> Option<ProviderView> {
    let (state, detail) = shelf.state();
    let models = if state == "off" { 0 } else { shelf.known().map_or(0, |models| models.len()) };
    let place = place_name(shelf.place());
    Some(match shelf.origin() {
        Origin::BuiltIn => return None,
        Origin::Configured(configured) => ProviderView {
            id: configured.id,
            kind: configured.kind.name().into(),
            name: shelf.name().into(),
            base_url: configured.base_url.clone(),
            has_key: configured.has_key,
            key_hint: configured.key_hint.clone(),
            enabled: true,
            place,
            source: "configuration",
            state,
            detail,
            models,
            first_byte_seconds: None,
            version: 0,
        },
        Origin::Stored(row) => ProviderView {
            id: row.id,
            kind: row.kind.clone(),
            name: row.name.clone(),
            base_url: row.base_url.clone(),
            has_key: row.sealed.is_some(),
            key_hint: row.key_hint.clone(),
            enabled: row.enabled,
            place,
            source: "stored",
            state,
            detail,
            models,
            first_byte_seconds: row.first_byte_seconds,
            version: row.version,
        },
    })
}

impl Ai {
    /// All providers but those that are part of the product.
    pub fn providers(&self) -> Vec<ProviderView> {
        self.catalogue.shelves().iter().filter_map(|shelf| view(shelf)).collect()
    }

    fn provider_view(&self, id: Uuid) -> Result<ProviderView> {
        self.providers().into_iter().find(|view| view.id == id).ok_or_else(|| Error::not_found("provider"))
    }

    /// Stores a provider and asks it for its models.
    pub async fn add_provider(&self, person: &Person, new: NewProvider) -> Result<ProviderView> {
        let NewProvider { kind, name, base_url, key, first_byte_seconds, enabled } = new;
        let kind = Kind::parse(&kind)?;
        check_name(&name)?;
        let (base_url, key) = (check_url(&base_url)?, check_key(key)?);
        check_seconds(first_byte_seconds)?;
        self.catalogue.provider(kind, &name, &base_url, None, None)?;
        let taken = || Error::conflict("there is a provider of this name already; choose another name");
        if self.catalogue.shelves().iter().any(|shelf| shelf.name() == name) {
            return Err(taken());
        }
        if self.catalogue.shelves().len() >= MOST {
            return Err(Error::conflict(format!("there are {MOST} providers already; remove one first")));
        }
        let id = self.platform.ids.id();
        let origin = origin(&base_url)?;
        let sealed = key.as_ref().map(|key| self.catalogue.sealer().seal(id, &origin, key)).transpose()?;
        let row = Arc::new(Stored {
            id,
            kind: kind.name().into(),
            name,
            base_url,
            sealed,
            key_hint: key.as_ref().and_then(sealed::hint),
            enabled: enabled.unwrap_or(true),
            first_byte_seconds,
            version: 1,
            created_at: self.platform.clock.now(),
        });
        let (actor, now) = (person.user, self.platform.clock.now());
        let write = self.platform.db.write(Scope::System, move |tx| {
            let row = row.clone();
            async move {
                if providers::name_is_taken(tx, &row.name).await? {
                    return Err(Error::conflict("there is a provider of this name already; choose another name"));
                }
                providers::put(tx, &row).await?;
                events::TOPIC.append(tx, events::models_changed(actor, now), now).await
            }
            .boxed()
        });
        write.await?;
        self.look_at(id).await?;
        self.provider_view(id)
    }

    pub async fn change_provider(&self, person: &Person, id: Uuid, change: ProviderChange) -> Result<ProviderView> {
        self.refuse_configured(id)?;
        let ProviderChange { version, base_url, key, enabled, first_byte_seconds } = change;
        let base_url = base_url.as_deref().map(check_url).transpose()?;
        let forget = key.as_ref().is_some_and(|key| key.expose_secret().is_empty());
        let key = if forget { None } else { check_key(key)? };
        check_seconds(first_byte_seconds.flatten())?;
        let (catalogue, actor, now) = (self.catalogue.clone(), person.user, self.platform.clock.now());
        let write = self.platform.db.write(Scope::System, move |tx| {
            let (catalogue, base_url, key) = (catalogue.clone(), base_url.clone(), key.clone());
            async move {
                let mut row = current(tx, id, version).await?;
                if let Some(base_url) = base_url {
                    catalogue.provider(Kind::parse(&row.kind)?, &row.name, &base_url, None, None)?;
                    // Another server must not receive what was entered for this one.
                    if origin(&base_url)? != origin(&row.base_url)? {
                        (row.sealed, row.key_hint) = (None, None);
                    }
                    row.base_url = base_url;
                }
                if forget {
                    (row.sealed, row.key_hint) = (None, None);
                }
                if let Some(key) = &key {
                    row.sealed = Some(catalogue.sealer().seal(row.id, &origin(&row.base_url)?, key)?);
                    row.key_hint = sealed::hint(key);
                }
                row.enabled = enabled.unwrap_or(row.enabled);
                row.first_byte_seconds = first_byte_seconds.unwrap_or(row.first_byte_seconds);
                row.version += 1;
                providers::put(tx, &row).await?;
                events::TOPIC.append(tx, events::models_changed(actor, now), now).await
            }
            .boxed()
        });
        let written = write.await;
        self.with_newest(written, id)?;
        self.look_at(id).await?;
        self.provider_view(id)
    }

    pub async fn remove_provider(&self, person: &Person, id: Uuid) -> Result<()> {
        self.refuse_configured(id)?;
        let (actor, now) = (person.user, self.platform.clock.now());
        let write = self.platform.db.write(Scope::System, move |tx| {
            async move {
                if !providers::delete(tx, id).await? {
                    return Err(Error::not_found("provider"));
                }
                events::TOPIC.append(tx, events::models_changed(actor, now), now).await
            }
            .boxed()
        });
        write.await?;
        self.catalogue.reload().await
    }

    /// Asks a server for its models without storing anything.
    pub async fn try_provider(&self, trial: Trial) -> Result<Tried> {
        let (kind, base_url) = (Kind::parse(&trial.kind)?, check_url(&trial.base_url)?);
        let provider = self.catalogue.provider(kind, kind.name(), &base_url, check_key(trial.key)?, None)?;
        let start = Instant::now();
        Ok(tried(provider.models().await, start))
    }

    /// Asks a provider there is.
    pub async fn test_provider(&self, id: Uuid) -> Result<Tried> {
        let shelves = self.catalogue.shelves();
        let shelf = shelves
            .iter()
            .find(|shelf| view(shelf).is_some_and(|view| view.id == id))
            .ok_or_else(|| Error::not_found("provider"))?;
        let start = Instant::now();
        let fault = shelf.refresh().await;
        Ok(tried(fault.map_or_else(|| Ok(shelf.known().unwrap_or_default()), Err), start))
    }

    /// The change is in force, and the provider has been asked once: its state is no guess.
    async fn look_at(&self, id: Uuid) -> Result<()> {
        self.catalogue.reload().await?;
        let shelves = self.catalogue.shelves();
        if let Some(shelf) = shelves.iter().find(|shelf| shelf.stored().is_some_and(|row| row.id == id)) {
            let _ = tokio::time::timeout(std::time::Duration::from_secs(3), shelf.refresh()).await;
        }
        Ok(())
    }

    fn with_newest(&self, written: Result<()>, id: Uuid) -> Result<()> {
        match written {
            Err(error) if error.code() == platform::Code::Stale => {
                Err(error.with("current", self.provider_view(id).ok()))
            }
            other => other,
        }
    }

    fn refuse_configured(&self, id: Uuid) -> Result<()> {
        match self.provider_view(id)?.source {
            "stored" => Ok(()),
            _ => Err(Error::conflict(
                "this provider comes from the configuration; change it there and start Taifas again",
            )),
        }
    }
}

async fn current(tx: &mut Tx<'_>, id: Uuid, version: i64) -> Result<Stored> {
    let row = providers::find(tx, id).await?.ok_or_else(|| Error::not_found("provider"))?;
    if row.version != version {
        return Err(Error::stale("the provider was changed meanwhile; look at it and decide again"));
    }
    Ok(row)
}

fn tried(models: Result<Vec<crate::providers::Model>, crate::providers::Fault>, start: Instant) -> Tried {
    let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    match models {
        Ok(models) => {
            let models = models.into_iter().map(|model| model.id).collect();
            Tried { ok: true, models, detail: None, took_ms }
        }
        Err(fault) => Tried { ok: false, models: Vec::new(), detail: Some(fault.detail), took_ms },
    }
}

/// The first part of model ids: a slug.
fn check_name(name: &str) -> Result<()> {
    let slug = (1..=40).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.starts_with(|c: char| c.is_ascii_lowercase());
    if slug {
        return Ok(());
    }
    Err(Error::invalid("name", "must begin with a letter from a to z and have at most 40 of a-z, 0-9 and -"))
}

fn check_url(url: &str) -> Result<String> {
    let url = url.trim();
    if url.len() > URL_LIMIT {
        return Err(Error::invalid("base_url", format!("is longer than {URL_LIMIT} characters")));
    }
    origin(url)?;
    Ok(url.to_owned())
}

fn check_key(key: Option<SecretString>) -> Result<Option<SecretString>> {
    let Some(key) = key else { return Ok(None) };
    let text = key.expose_secret().trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > KEY_LIMIT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid("key", "has characters no key can have; copy it again"));
    }
    Ok(Some(SecretString::from(text)))
}

fn check_seconds(seconds: Option<i64>) -> Result<()> {
    match seconds {
        Some(seconds) if !(1..=3_600).contains(&seconds) => {
            Err(Error::invalid("first_byte_seconds", "is between 1 and 3600"))
        }
        _ => Ok(()),
    }
}
