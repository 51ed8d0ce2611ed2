//! What was erased, kept beside the database: a backup holds what people have erased since, and whoever
//! restores it erases that again. Ids only, in a [`journal`].

use crate::{Result, journal};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};
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

/// Makes `to` hold what `from` holds.
///
/// # Errors
/// When one of them cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let known: BTreeSet<Erased> = journal::read(to)?.into_iter().collect();
    let new: Vec<Erased> = journal::read(from)?.into_iter().filter(|one| !known.contains(one)).collect();
    if new.is_empty() { Ok(()) } else { journal::append(to, &new) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_copied_once() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("a"), folder.path().join("b"));
        let gone = |kind| Erased {
            at: DateTime::from_timestamp_millis(1_000).unwrap(),
            kind,
            space: Uuid::from_u128(1),
            id: Uuid::from_u128(2),
        };
        let ours = [gone(Kind::Account), gone(Kind::Chat), gone(Kind::Key)];
        journal::append(&one, &ours).unwrap();
        assert_eq!(journal::read::<Erased>(&one).unwrap(), ours);
        journal::append(&other, &[gone(Kind::Chat), gone(Kind::Session)]).unwrap();
        copy(&one, &other).unwrap();
        copy(&one, &other).unwrap();
        assert_eq!(journal::read::<Erased>(&other).unwrap().len(), 4);
    }
}
