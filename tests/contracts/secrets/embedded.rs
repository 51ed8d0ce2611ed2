//! The secrets of a folder, and what only files and the environment can do wrong.

use super::{CHECKS, Harness};
use crate::suite::passes;
use anyhow::{Context as _, Result, ensure};
use platform::secrets::{FileSecrets, Secrets};
use std::{
    fs::{self, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

pub struct InFolder(TempDir);

impl InFolder {
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("secrets")
    }
}

#[async_trait::async_trait]
impl Harness for InFolder {
    fn open(&self) -> Result<Arc<dyn Secrets>> {
        Ok(Arc::new(FileSecrets::with_environment(self.folder(), |_| None)?))
    }

    async fn rotate(&self, name: &str, text: &str) -> Result<()> {
        self.open()?;
        write_private(&self.folder().join(name), text)
    }
}

/// What an editor leaves: a line break at the end.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(writeln!(file, "{text}")?)
}

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

#[tokio::test]
async fn files_keep_the_contract() -> Result<()> {
    passes(CHECKS, || Ok(Box::new(InFolder::new()?))).await
}

#[tokio::test]
async fn only_the_owner_can_read_what_is_created() -> Result<()> {
    let harness = InFolder::new()?;
    harness.open()?.get_or_create("cookie-key", 32).await?;
    ensure!(mode(&harness.folder())? == 0o700, "the folder");
    ensure!(mode(&harness.folder().join("cookie-key"))? == 0o600, "the file");
    ensure!(fs::read_dir(harness.folder())?.count() == 1, "something is left behind");
    Ok(())
}

#[tokio::test]
async fn what_others_can_read_is_refused_with_the_remedy() -> Result<()> {
    let harness = InFolder::new()?;
    let file = harness.folder().join("api-key");
    harness.rotate("api-key", "sk-live-1").await?;
    for wide in [0o640, 0o604] {
        fs::set_permissions(&file, Permissions::from_mode(wide))?;
        let refusal = harness.open()?.get("api-key").await.err().context("a shared file is read")?.to_string();
        ensure!(refusal.contains("chmod 600") && refusal.contains("api-key"), "{refusal}");
        ensure!(!refusal.contains("sk-live"), "the refusal shows the secret");
    }
    fs::set_permissions(harness.folder(), Permissions::from_mode(0o755))?;
    let refusal = harness.open().err().context("a shared folder is used")?.to_string();
    ensure!(refusal.contains("chmod 700"), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn the_environment_wins() -> Result<()> {
    let harness = InFolder::new()?;
    harness.rotate("api-key", "from the folder").await?;
    let mounted = harness.0.path().join("mounted");
    fs::write(&mounted, "from a mount\n")?;
    let secrets = FileSecrets::with_environment(harness.folder(), move |name| match name {
        "TAIFAS_SECRET_API_KEY" => Some("from the environment".to_owned()),
        "TAIFAS_SECRET_MOUNTED_FILE" => mounted.to_str().map(str::to_owned),
        "TAIFAS_SECRET_MISSING_FILE" => Some("/nowhere/at/all".to_owned()),
        "TAIFAS_SECRET_BYTES" => Some("base64:AAEC/w==".to_owned()),
        "TAIFAS_SECRET_BROKEN" => Some("base64:***".to_owned()),
        "TAIFAS_SECRET_EMPTY" => Some(String::new()),
        _ => None,
    })?;
    for (name, expected) in
        [("api-key", &b"from the environment"[..]), ("mounted", b"from a mount"), ("bytes", &[0, 1, 2, 255])]
    {
        let secret = secrets.get_or_create(name, 32).await?;
        ensure!(secret.expose() == expected, "{name}");
    }
    for name in ["missing", "broken", "empty"] {
        ensure!(secrets.get_or_create(name, 32).await.is_err(), "{name} is replaced in silence");
    }
    Ok(())
}
