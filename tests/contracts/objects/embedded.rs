//! The objects of a folder, and what only files can do wrong.

use super::{CHECKS, Harness, LARGEST, at, body, listed};
use crate::suite::passes;
use anyhow::{Context as _, Result, ensure};
use platform::objects::{self, FileObjects, ObjectStore};
use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};
use tempfile::TempDir;

pub struct InFolder(TempDir);

impl InFolder {
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    pub fn folder(&self) -> PathBuf {
        self.0.path().join("objects")
    }
}

impl Harness for InFolder {
    fn open(&self) -> Result<Arc<dyn ObjectStore>> {
        Ok(Arc::new(FileObjects::with_largest(self.folder(), LARGEST)?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_keep_the_contract() -> Result<()> {
    passes(CHECKS, || Ok(Box::new(InFolder::new()?))).await
}

#[tokio::test]
async fn only_the_owner_can_enter_the_folder() -> Result<()> {
    let harness = InFolder::new()?;
    harness.open()?;
    ensure!(fs::metadata(harness.folder())?.permissions().mode() & 0o777 == 0o700, "the folder is open to others");
    Ok(())
}

#[tokio::test]
async fn a_start_removes_what_a_crash_left_half_written() -> Result<()> {
    let harness = InFolder::new()?;
    objects::write(&*harness.open()?, &at("whole")?, body([&b"x"[..]]), 100).await?;
    let half = harness.folder().join("test/half#1");
    fs::write(&half, "ha")?;
    let store = harness.open()?;
    ensure!(!half.exists(), "it is left for ever");
    ensure!(listed(&*store).await? == ["test/whole"], "{:?}", listed(&*store).await?);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_refused_with_a_sentence() -> Result<()> {
    let harness = InFolder::new()?;
    fs::write(harness.folder(), "")?;
    let refusal = harness.open().err().context("a file is used as a folder")?.to_string();
    ensure!(refusal.contains("objects") && refusal.contains("cannot be used"), "{refusal}");
    Ok(())
}
