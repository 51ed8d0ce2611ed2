//! What the instance's files take of the disk, and when they were last backed up: for those who watch over
//! it.

use crate::{Error, Result, db::Migration};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

/// The steps of the tables that are the platform's own.
#[must_use]
pub fn migrations() -> [(&'static str, &'static [Migration]); 3] {
    [("audit", crate::audit::MIGRATIONS), ("bus", crate::bus::MIGRATIONS), ("tasks", crate::tasks::MIGRATIONS)]
}

/// Written into the data folder by a backup.
pub const LAST_BACKUP: &str = "last-backup.json";

/// The disk that a folder lies on, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What this user can still write.
    pub free: u64,
    pub total: u64,
}

/// # Errors
/// `unavailable` when the system does not say.
pub fn disk(folder: &Path) -> Result<Disk> {
    let found = rustix::fs::statvfs(folder)
        .map_err(|error| Error::unavailable(format!("the disk of {} cannot be asked: {error}", folder.display())))?;
    Ok(Disk {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        total: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

/// The size of a file; nothing when there is none.
#[must_use]
pub fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |found| found.len())
}

/// The memory that this process has of the machine's, in bytes.
#[must_use]
pub fn memory() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse::<u64>().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

/// The last backup of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    pub at: DateTime<Utc>,
    pub file: String,
    pub bytes: u64,
    /// Whether the secrets are in it.
    pub secrets: bool,
}

impl LastBackup {
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(Error::internal)?;
        Ok(crate::folder::replace(&folder.join(LAST_BACKUP), &text)?)
    }

    /// None when there was none, or what is noted cannot be understood.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(folder: &Path) -> Result<Option<Self>> {
        match fs::read(folder.join(LAST_BACKUP)) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_remembered_and_the_disk_has_a_size() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(LastBackup::of(folder.path()).unwrap(), None);
        let last =
            LastBackup { at: DateTime::from_timestamp(1, 0).unwrap(), file: "a".into(), bytes: 3, secrets: true };
        last.note(folder.path()).unwrap();
        assert_eq!(LastBackup::of(folder.path()).unwrap(), Some(last));
        fs::write(folder.path().join(LAST_BACKUP), "{").unwrap();
        assert_eq!(LastBackup::of(folder.path()).unwrap(), None);
        let disk = disk(folder.path()).unwrap();
        assert!(disk.total > 0 && disk.free <= disk.total);
        assert!(memory().unwrap() > 1 << 20);
    }
}
