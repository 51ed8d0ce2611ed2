//! Bytes that are not what was written: a backup, archived changes and sealed files are refused or give
//! what was in them, and nothing else.

use super::{
    Places,
    archive::{Archive, DATABASE, Manifest, OBJECTS},
    restore::extract,
    sealed::{
        Keys,
        tests::{opened, sealed},
    },
    segment::{MAGIC, Segment},
};
use chrono::DateTime;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// One derivation of a key is slow on purpose.
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::new(b"correct horse battery".to_vec()));

fn places() -> Places {
    Places {
        folder: PathBuf::new(),
        database: PathBuf::from(DATABASE),
        objects: PathBuf::from(OBJECTS),
        secrets: PathBuf::from("secrets"),
    }
}

const FILES: [(&str, usize); 3] = [(DATABASE, 5_000), ("objects/chat/a", 300), ("objects/chat/b", 0)];

fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// A backup, and the same without its compression.
static BACKUP: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar.gz");
    let mut archive = Archive::new(fs::File::create(&path).unwrap(), None).unwrap();
    let mut manifest = Manifest::new(DateTime::from_timestamp(1, 0).unwrap(), BTreeMap::new(), BTreeMap::new());
    for (name, length) in FILES {
        archive.bytes(&mut manifest, name, &content(length)).unwrap();
    }
    archive.finish(&manifest).unwrap();
    let packed = fs::read(path).unwrap();
    let mut plain = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut plain).unwrap();
    (packed, plain)
});

/// What comes of a backup is what was put into it, and lies nowhere else.
fn restores_right_or_not(bytes: &[u8]) -> Result<(), TestCaseError> {
    let scratch = tempfile::tempdir().unwrap();
    let (from, target) = (scratch.path().join("from"), scratch.path().join("a/target"));
    fs::write(&from, bytes).unwrap();
    fs::create_dir_all(&target).unwrap();
    if extract(&from, &target, &places(), None).is_ok() {
        for (name, length) in FILES {
            prop_assert_eq!(fs::read(target.join(name)).ok(), Some(content(length)), "{}", name);
        }
    }
    let beside = |folder: &Path| fs::read_dir(folder).unwrap().count();
    prop_assert_eq!((beside(scratch.path()), beside(&scratch.path().join("a"))), (2, 1));
    Ok(())
}

fn damage(bytes: &mut Vec<u8>, changes: &[(prop::sample::Index, u8, Option<u8>)]) {
    for (at, with, length) in changes {
        if bytes.is_empty() {
            return;
        }
        let at = at.index(bytes.len());
        match length {
            None => bytes[at] ^= with,
            // a piece doubled, or the end cut off
            Some(0) => bytes.truncate(at),
            Some(length) => {
                let piece = bytes[at..bytes.len().min(at + usize::from(*length) * 16)].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, Option<u8>)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 1_u8.., any::<Option<u8>>()), 1..4)
}

proptest! {
    #[test]
    fn backups(changes in changes()) {
        let mut bytes = BACKUP.0.clone();
        damage(&mut bytes, &changes);
        restores_right_or_not(&bytes)?;
    }

    /// Inside of a sound compression.
    #[test]
    fn archives(changes in changes()) {
        let mut bytes = BACKUP.1.clone();
        damage(&mut bytes, &changes);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&bytes).unwrap();
        restores_right_or_not(&packed.finish().unwrap())?;
    }

    #[test]
    fn nothing_else_is_a_backup(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let scratch = tempfile::tempdir().unwrap();
        let from = scratch.path().join("from");
        fs::write(&from, bytes).unwrap();
        prop_assert!(extract(&from, scratch.path(), &places(), None).is_err());
    }

    /// Any change gives an error, or, where it makes another kind of file of it, what cannot be taken for
    /// the text.
    #[test]
    fn sealed_files(length in 0_usize..200_000, changes in changes()) {
        let text = vec![7; length];
        let whole = sealed(&KEYS, &text);
        let mut made = whole.clone();
        damage(&mut made, &changes);
        // a changed salt would cost a derivation; that it is refused is tested elsewhere
        let head = whole.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 200).min(made.len());
        if made.get(..head) == whole.get(..head) && made != whole {
            prop_assert_ne!(opened(&KEYS, &made).ok(), Some(text));
        }
    }

    /// Bytes of whatever kind are refused, and with a right sum what is inside must still be right.
    #[test]
    fn archived_changes(bytes in prop::collection::vec(any::<u8>(), 0..400), real: bool, length in 0_u32..200) {
        let body = if real { [MAGIC, &length.to_be_bytes(), &bytes].concat() } else { bytes };
        prop_assert!(Segment::parse(body.clone()).is_err());
        let mut summed = body;
        summed.extend(Sha256::digest(&summed));
        if let Ok(segment) = Segment::parse(summed) {
            let _ = segment.apply(&tempfile::tempfile().unwrap());
        }
    }
}
