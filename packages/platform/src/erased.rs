//! What was erased, kept beside the database: a backup holds what people have erased since, and whoever
//! restores it erases that again. Lines of JSON in an append-only file, ids only, each written before
//! it is believed.

use crate::{Error, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};
use uuid::Uuid;

/// The journal's name, in the data folder and beside backups.
pub const JOURNAL: &str = "erased.jsonl";

/// What kind of thing is gone for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An account, with everything of its space.
    Account,
    Chat,
    /// An API key that was revoked.
    Key,
    /// A session that was ended.
    Session,
}

/// Something that must not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Erased {
    pub at: DateTime<Utc>,
    pub kind: Kind,
    pub space: Uuid,
    pub id: Uuid,
}

/// Adds to the journal and waits for the disk. A line that a crash cut off is left alone and ended.
///
/// # Errors
/// When the disk refuses.
pub fn append(journal: &Path, erased: &[Erased]) -> Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(journal)?;
    let mut lines = Vec::new();
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            lines.push(b'\n');
        }
    }
    for one in erased {
        serde_json::to_writer(&mut lines, one).map_err(Error::internal)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    Ok(file.sync_data()?)
}

/// Everything in a journal; nothing when there is none. What a crash cut off was never believed and is
/// passed over.
///
/// # Errors
/// When it cannot be read.
pub fn read(journal: &Path) -> Result<Vec<Erased>> {
    let mut bytes = Vec::new();
    match File::open(journal) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error.into()),
    };
    Ok(bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

/// Makes `to` hold what `from` holds.
///
/// # Errors
/// When one of them cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let known: std::collections::BTreeSet<_> = read(to)?.into_iter().collect();
    let new: Vec<_> = read(from)?.into_iter().filter(|one| !known.contains(one)).collect();
    if new.is_empty() { Ok(()) } else { append(to, &new) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_whatever_a_crash_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("a"), folder.path().join("b"));
        assert!(read(&one).unwrap().is_empty());
        let gone = |kind| Erased {
            at: DateTime::from_timestamp_millis(1_000).unwrap(),
            kind,
            space: Uuid::from_u128(1),
            id: Uuid::from_u128(2),
        };
        append(&one, &[gone(Kind::Account)]).unwrap();
        std::fs::OpenOptions::new().append(true).open(&one).unwrap().write_all(b"{\"at\":\"20").unwrap();
        append(&one, &[gone(Kind::Chat), gone(Kind::Key)]).unwrap();
        assert_eq!(read(&one).unwrap(), [gone(Kind::Account), gone(Kind::Chat), gone(Kind::Key)]);
        append(&other, &[gone(Kind::Chat), gone(Kind::Session)]).unwrap();
        copy(&one, &other).unwrap();
        copy(&one, &other).unwrap();
        assert_eq!(read(&other).unwrap().len(), 4);
    }
}
