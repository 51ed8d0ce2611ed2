//! What a restore proves of the audit trail that it brings back.

use super::{key_in, trail::Trail};
use crate::settings::Settings;
use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use platform::config::Ports;
use std::path::{Path, PathBuf};

/// What was found in a trail that does not contradict itself.
pub struct Proof {
    seals: usize,
    sound: usize,
    gone: usize,
    open: i64,
    /// How many seals are signed with the key in the backup, when there is one.
    signed: Option<usize>,
    /// What only an administrator can judge.
    pub doubts: Vec<String>,
}

/// Compares the database in `folder`, as it was at `moment`, with its own seals, and these with the files of
/// seals beside the backup.
///
/// # Errors
/// When its seals and its events contradict each other.
pub async fn prove(folder: &Path, settings: &Settings, moment: DateTime<Utc>, beside: &[PathBuf]) -> Result<Proof> {
    let secrets = folder.join(Ports::after(&settings.platform.secrets, "secrets", "file")?);
    // to open them makes them
    let key = if secrets.exists() { key_in(secrets).await? } else { None };
    let database = folder.join(Ports::after(&settings.platform.database, "database", "sqlite")?);
    let days = settings.platform.keep_events_days;
    let Some(mut trail) = Trail::open(&database, key.clone(), days, moment)? else {
        return Ok(Proof { seals: 0, sound: 0, gone: 0, open: 0, signed: None, doubts: Vec::new() });
    };
    // the configuration may be another one than that of the instance
    trail.may_keep_less()?;
    trail.seals()?;
    trail.rows()?;
    let mut doubts = Vec::new();
    let signed = key.map(|_| trail.sums.len() - trail.unsigned.len());
    if let Some(signed) = signed {
        // Each seal vouches for those before it, also for those of a former key. Behind the last that is signed
        // there is nobody to vouch.
        let last = trail.sums.keys().rfind(|number| !trail.unsigned.contains(number)).copied();
        if let Some(last) = last {
            let behind = trail.unsigned.range(last + 1..);
            let unsigned = behind.map(|number| format!("the seal {number} is not signed with the key in the backup"));
            trail.faults.extend(unsigned.collect::<Vec<_>>());
        }
        if signed == 0 && !trail.sums.is_empty() {
            doubts.push(
                "no seal is signed with the key in the backup: right when the secrets were lost before it was made, and \
                 nothing was sealed since"
                    .to_owned(),
            );
        }
        for file in beside {
            for number in trail.contradicted(file)? {
                doubts.push(format!("{} knows another seal {number} than the backup", file.display()));
            }
        }
    }
    if let Some(fault) = trail.faults.first() {
        let more = match trail.faults.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        bail!(
            "the audit trail in the backup contradicts itself: {fault}{more}. Somebody touched the database before the \
             backup was made. Restore an earlier backup, or an earlier moment of the archive with --at; \
             `taifas audit verify` shows all of it on the instance itself"
        );
    }
    doubts.append(&mut trail.cut);
    if trail.early > 0 {
        doubts.push(format!(
            "{} sealed events are gone that are younger than {days} days, and all before them: right when this instance \
             keeps them for a shorter time (platform.keep_events_days)",
            trail.early
        ));
    }
    let Trail { sound, gone, early, open, ref sums, .. } = trail;
    Ok(Proof { seals: sums.len(), sound, gone: gone + early, open, signed, doubts })
}

impl Proof {
    /// What is proved, for a sentence about more.
    pub fn said(&self) -> String {
        let Self { seals, sound, gone, open, signed, .. } = self;
        if *seals == 0 {
            return "nothing of the audit trail was sealed yet".to_owned();
        }
        let signed = match signed {
            Some(signed) => format!("{signed} of the seals are signed with the key in the backup"),
            None => "signatures were not compared, as the key is not in the backup".to_owned(),
        };
        format!(
            "{seals} seals of the audit trail follow each other, {sound} sealed events are what was sealed, {gone} are \
             past their time or of erased accounts, {open} are not sealed yet; {signed}"
        )
    }
}
