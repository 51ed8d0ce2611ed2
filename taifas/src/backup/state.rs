//! Where continuous archiving stands, in a file of the data folder: how it goes on after a restart, and
//! what the doctor reads.

use anyhow::Result;
use chrono::{DateTime, Utc};
use platform::{db::wal::Place, folder};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

const FILE: &str = "archive.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub shelf: PathBuf,
    pub chain: String,
    /// The number of the next changes.
    pub next: u64,
    /// The sum of the changes before.
    pub before: String,
    /// Up to where the log is archived; nothing for its beginning.
    pub place: Option<Place>,
    /// The database file as an orderly end left it, everything archived and no log beside it.
    pub ended: Option<Left>,
    /// When all was last archived.
    pub at: DateTime<Utc>,
    /// When the last base was made.
    pub base_at: Option<DateTime<Utc>>,
    /// When the chain began.
    #[serde(default)]
    pub began_at: Option<DateTime<Utc>>,
    /// Why it does not go on.
    pub fault: Option<String>,
    /// Why the last base could not be made.
    #[serde(default)]
    pub base_fault: Option<String>,
}

/// What changes whenever somebody writes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    size: u64,
    nanoseconds: u128,
}

impl Left {
    pub fn of(file: &Path) -> Result<Self> {
        let found = fs::metadata(file)?;
        let nanoseconds = found.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
        Ok(Self { size: found.len(), nanoseconds })
    }
}

impl State {
    /// None when there is none, or it cannot be understood.
    pub fn read(data: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(data.join(FILE)).ok()?).ok()
    }

    pub fn write(&self, data: &Path) -> io::Result<()> {
        folder::replace(&data.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}
