//! The contract of `secrets`, for any adapter; [`embedded`] runs it on the one of files and [`broken`]
//! on adapters that must fail it.

mod broken;
mod embedded;

use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use futures_util::future::join_all;
use platform::{Code, secrets::Secrets};
use std::{collections::BTreeSet, sync::Arc};

/// Opens an adapter, again and again on the same store, and changes a secret as its operator would.
#[async_trait::async_trait]
pub trait Harness: Send + Sync {
    fn open(&self) -> Result<Arc<dyn Secrets>>;
    async fn rotate(&self, name: &str, text: &str) -> Result<()>;
}

pub const CHECKS: &[Check<dyn Harness>] = &checks![
    unknown_is_none,
    what_the_operator_set_is_read,
    created_stays_the_same,
    created_once_for_all_who_ask,
    created_survives_a_restart,
    created_has_the_length,
    each_name_has_its_own,
    an_existing_one_is_not_created,
    rotation_is_seen,
    names_are_checked,
    nothing_is_printed,
];

async fn unknown_is_none(harness: &dyn Harness) -> Result<()> {
    ensure!(harness.open()?.get("unknown").await?.is_none(), "a secret nobody made");
    Ok(())
}

async fn what_the_operator_set_is_read(harness: &dyn Harness) -> Result<()> {
    harness.rotate("api-key", "sk-live-1").await?;
    let secret = harness.open()?.get("api-key").await?;
    ensure!(secret.is_some_and(|secret| secret.expose() == b"sk-live-1"), "another value");
    Ok(())
}

async fn created_stays_the_same(harness: &dyn Harness) -> Result<()> {
    let secrets = harness.open()?;
    let first = secrets.get_or_create("cookie-key", 32).await?;
    let second = secrets.get_or_create("cookie-key", 32).await?;
    ensure!(first.expose() == second.expose(), "created twice");
    let read = secrets.get("cookie-key").await?;
    ensure!(read.is_some_and(|read| read.expose() == first.expose()), "get gives another one");
    Ok(())
}

async fn created_once_for_all_who_ask(harness: &dyn Harness) -> Result<()> {
    let secrets = harness.open()?;
    let asked = (0..16).map(|_| secrets.get_or_create("cookie-key", 32));
    let answers = join_all(asked).await.into_iter().collect::<platform::Result<Vec<_>>>()?;
    let different: BTreeSet<_> = answers.iter().map(|secret| secret.expose()).collect();
    ensure!(different.len() == 1, "{} different secrets", different.len());
    Ok(())
}

async fn created_survives_a_restart(harness: &dyn Harness) -> Result<()> {
    let before = harness.open()?.get_or_create("cookie-key", 32).await?;
    let after = harness.open()?.get_or_create("cookie-key", 32).await?;
    ensure!(before.expose() == after.expose(), "everybody is signed out by a restart");
    Ok(())
}

async fn created_has_the_length(harness: &dyn Harness) -> Result<()> {
    let secrets = harness.open()?;
    for length in [16, 32, 64, 1024] {
        let name = format!("key-{length}");
        let created = secrets.get_or_create(&name, length).await?;
        ensure!(created.expose().len() == length, "{} bytes for {length}", created.expose().len());
        let different: BTreeSet<_> = created.expose().iter().collect();
        ensure!(different.len() > 8, "not random");
    }
    for length in [0, 15, 1025] {
        let refused = secrets.get_or_create("other", length).await;
        ensure!(refused.is_err_and(|error| error.code() == Code::Invalid), "{length} bytes are accepted");
    }
    Ok(())
}

async fn each_name_has_its_own(harness: &dyn Harness) -> Result<()> {
    let secrets = harness.open()?;
    let one = secrets.get_or_create("key-one", 32).await?;
    let two = secrets.get_or_create("key-two", 32).await?;
    ensure!(one.expose() != two.expose(), "one secret for two names");
    Ok(())
}

async fn an_existing_one_is_not_created(harness: &dyn Harness) -> Result<()> {
    harness.rotate("cookie-key", "chosen by the operator").await?;
    let secret = harness.open()?.get_or_create("cookie-key", 32).await?;
    ensure!(secret.expose() == b"chosen by the operator", "the operator's choice is replaced");
    Ok(())
}

async fn rotation_is_seen(harness: &dyn Harness) -> Result<()> {
    let secrets = harness.open()?;
    for text in ["first", "second"] {
        harness.rotate("api-key", text).await?;
        let secret = secrets.get("api-key").await?;
        ensure!(secret.is_some_and(|secret| secret.expose() == text.as_bytes()), "{text} is not seen");
    }
    Ok(())
}

async fn names_are_checked(harness: &dyn Harness) -> Result<()> {
    let secrets = harness.open()?;
    let long = "a".repeat(65);
    for name in ["", "../key", "a/b", "a.b", "a b", "A", "key-file", "-a", "a\0", &long] {
        let refused = |code| code == Some(Code::Invalid);
        ensure!(refused(secrets.get(name).await.err().map(|error| error.code())), "{name:?} is read");
        let created = secrets.get_or_create(name, 32).await;
        ensure!(refused(created.err().map(|error| error.code())), "{name:?} is created");
    }
    Ok(())
}

async fn nothing_is_printed(harness: &dyn Harness) -> Result<()> {
    harness.rotate("api-key", "sk-live-1").await?;
    let secret = harness.open()?.get("api-key").await?;
    ensure!(!format!("{secret:?}").contains("sk-live"), "Debug shows the secret");
    Ok(())
}
