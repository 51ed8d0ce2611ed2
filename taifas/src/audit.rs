//! `taifas audit`: whether the audit trail is what was sealed, and whether a transcript is what was signed.

mod proof;
mod trail;

pub use proof::prove;

use crate::settings::Settings;
use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use platform::{
    audit::{self, SEALS, SECRET, Signing},
    config::Ports,
    hex::{hex, unhex},
    secrets::{FileSecrets, Secrets as _},
};
use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};
use trail::Trail;

/// Faults that are printed; the rest is counted.
const SHOWN: usize = 20;

/// What is asked for.
pub struct Asked {
    /// A transcript instead of the audit trail.
    pub transcript: Option<PathBuf>,
    /// The public key, in place of that of the data folder.
    pub key: Option<String>,
    /// Files of seals besides those of the data folder and of the archive.
    pub seals: Vec<PathBuf>,
}

/// The public key that seals and transcripts are checked with.
pub async fn key(settings: &Settings) -> Result<()> {
    writeln!(io::stdout(), "{}", hex(public(settings, None).await?))?;
    Ok(())
}

async fn public(settings: &Settings, given: Option<&str>) -> Result<Vec<u8>> {
    if let Some(given) = given {
        let key = unhex(given.trim()).filter(|key| key.len() == 32);
        return key.context("the key is not 64 hexadecimal digits; `taifas audit key` prints it");
    }
    let folder = settings.data.join(Ports::after(&settings.platform.secrets, "secrets", "file")?);
    ensure!(
        folder.exists(),
        "there is no instance in {}; name the data folder with --data, or give the public key with --key",
        settings.data.display()
    );
    key_in(folder).await?.context("this instance has sealed nothing yet, and has no key; start it once")
}

/// The public key of the secrets in a folder.
async fn key_in(folder: PathBuf) -> Result<Option<Vec<u8>>> {
    let secret = FileSecrets::open(folder)?.get(SECRET).await?;
    Ok(secret.map(|secret| Signing::new(secret.expose())).transpose()?.map(|signing| signing.public()))
}

/// Whether all is as it was sealed or signed.
pub async fn verify(settings: &Settings, asked: &Asked) -> Result<bool> {
    let key = public(settings, asked.key.as_deref()).await?;
    let mut out = io::stdout().lock();
    if let Some(path) = &asked.transcript {
        let text = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let transcript = serde_json::from_slice(&text);
        let transcript = transcript.with_context(|| format!("{} is no JSON document", path.display()))?;
        return match audit::check_transcript(&key, transcript) {
            Ok(at) => {
                writeln!(out, "The transcript is what this instance signed at {}.", shown(at))?;
                Ok(true)
            }
            Err(error) => {
                writeln!(out, "FAULT {}", error.message())?;
                Ok(false)
            }
        };
    }
    let database = settings.data.join(Ports::after(&settings.platform.database, "database", "sqlite")?);
    ensure!(database.exists(), "there is no database in {}; name the data folder with --data", settings.data.display());
    let trail = Trail::open(&database, Some(key), settings.platform.keep_events_days, Utc::now())?;
    let mut trail = trail.context("this database has no seals yet; start this version once")?;
    trail.seals()?;
    trail.rows()?;
    let unsigned = trail.unsigned.iter();
    let unsigned = unsigned.map(|number| format!("the seal {number} is not signed with this instance's key"));
    trail.faults.extend(unsigned.chain(trail.cut.iter().cloned()));
    let beside = [Some(settings.data.join(SEALS)), settings.backup.folder.as_ref().map(|folder| folder.join(SEALS))];
    let files = beside.into_iter().flatten().filter(|path| path.exists()).chain(asked.seals.iter().cloned());
    for file in files {
        trail.compare(&file)?;
    }
    for fault in trail.faults.iter().take(SHOWN) {
        writeln!(out, "FAULT {fault}")?;
    }
    if trail.faults.len() > SHOWN {
        writeln!(out, "FAULT and {} more", trail.faults.len() - SHOWN)?;
    }
    writeln!(
        out,
        "{} seals; {} events are what was sealed, {} are past their time or of erased accounts, {} are not sealed yet; {} \
         faults",
        trail.sums.len(),
        trail.sound,
        trail.gone,
        trail.open,
        trail.faults.len()
    )?;
    if trail.faults.is_empty() && trail.files == 0 {
        writeln!(out, "No file of seals was there to compare with: an end that was cut off would not be noticed.")?;
    }
    Ok(trail.faults.is_empty())
}

fn shown(at: i64) -> String {
    let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
