//! Secrets that break one promise each, and the check that must notice.

use super::{CHECKS, Harness, embedded::InFolder};
use crate::suite::{fails, passes};
use async_trait::async_trait;
use platform::{
    Result,
    secrets::{Secret, Secrets},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Clone, Copy)]
enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    MakesUpUnknown,
    KeepsLineBreak,
    CreatesEachTime,
    CreatesForEachCaller,
    ForgetsAtRestart,
    HalfLength,
    OneForAll,
    ReplacesTheOperators,
    ReadsOnce,
    AnyName,
}

struct Broken {
    inner: InFolder,
    fault: Fault,
}

struct BrokenSecrets {
    inner: Arc<dyn Secrets>,
    fault: Fault,
    seen: Mutex<HashMap<String, Secret>>,
    _other: Option<InFolder>,
}

#[async_trait]
impl Harness for Broken {
    fn open(&self) -> anyhow::Result<Arc<dyn Secrets>> {
        let other = matches!(self.fault, Fault::ForgetsAtRestart).then(InFolder::new).transpose()?;
        let inner = other.as_ref().unwrap_or(&self.inner).open()?;
        Ok(Arc::new(BrokenSecrets { inner, fault: self.fault, seen: Mutex::default(), _other: other }))
    }

    async fn rotate(&self, name: &str, text: &str) -> anyhow::Result<()> {
        self.inner.rotate(name, text).await
    }
}

impl BrokenSecrets {
    fn seen(&self, name: &str) -> Option<Secret> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn see(&self, name: &str, secret: &Secret) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), secret.clone());
    }
}

/// Not random, but never twice the same.
fn fresh(length: usize) -> Secret {
    let bytes = uuid::Uuid::now_v7().into_bytes();
    Secret::new(bytes.iter().copied().cycle().take(length).collect())
}

#[async_trait]
impl Secrets for BrokenSecrets {
    async fn get(&self, name: &str) -> Result<Option<Secret>> {
        let secret = match self.fault {
            Fault::AnyName if self.inner.get(name).await.is_err() => return Ok(None),
            Fault::ReadsOnce if self.seen(name).is_some() => self.seen(name),
            _ => self.inner.get(name).await?,
        };
        Ok(match (self.fault, secret) {
            (Fault::MakesUpUnknown, None) => Some(fresh(32)),
            (Fault::KeepsLineBreak, Some(secret)) => Some(Secret::new([secret.expose(), b"\n"].concat())),
            (_, Some(secret)) => {
                self.see(name, &secret);
                Some(secret)
            }
            (_, None) => None,
        })
    }

    async fn get_or_create(&self, name: &str, length: usize) -> Result<Secret> {
        match self.fault {
            Fault::CreatesEachTime | Fault::ReplacesTheOperators => Ok(fresh(length)),
            Fault::CreatesForEachCaller => {
                let known = self.seen(name);
                tokio::task::yield_now().await;
                let secret = known.unwrap_or_else(|| fresh(length));
                self.see(name, &secret);
                Ok(secret)
            }
            Fault::HalfLength => {
                Ok(Secret::new(self.inner.get_or_create(name, length).await?.expose()[..length / 2].to_vec()))
            }
            Fault::OneForAll => self.inner.get_or_create("one", length).await,
            _ => self.inner.get_or_create(name, length).await,
        }
    }
}

#[tokio::test]
async fn broken_secrets_are_noticed() -> anyhow::Result<()> {
    let broken = |fault| anyhow::Ok(Broken { inner: InFolder::new()?, fault });
    passes::<dyn Harness>(CHECKS, || Ok(Box::new(broken(Fault::None)?))).await?;
    for (fault, check) in [
        (Fault::MakesUpUnknown, "unknown_is_none"),
        (Fault::KeepsLineBreak, "what_the_operator_set_is_read"),
        (Fault::CreatesEachTime, "created_stays_the_same"),
        (Fault::CreatesForEachCaller, "created_once_for_all_who_ask"),
        (Fault::ForgetsAtRestart, "created_survives_a_restart"),
        (Fault::HalfLength, "created_has_the_length"),
        (Fault::OneForAll, "each_name_has_its_own"),
        (Fault::ReplacesTheOperators, "an_existing_one_is_not_created"),
        (Fault::ReadsOnce, "rotation_is_seen"),
        (Fault::AnyName, "names_are_checked"),
    ] {
        fails::<dyn Harness>(CHECKS, check, &broken(fault)?).await?;
    }
    Ok(())
}
