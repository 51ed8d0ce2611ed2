//! A file of archived changes: the pages of the database that were committed since the file before it,
//! the stored files that came and went, and the sum of the file before, so that none can be left out,
//! put elsewhere or changed.

use super::{
    archive::Out,
    publish,
    sealed::{self, Keys},
};
use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use platform::{db::wal, hex::hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{Read, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
};

pub const MAGIC: &[u8] = b"TAIFAS-CHANGES-1\n";
/// The largest file that is read; what is archived at a time is bounded far below it.
const LARGEST: u64 = 1 << 30;

/// What a file of changes says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub chain: String,
    pub number: u64,
    pub at: DateTime<Utc>,
    /// The sum of the file with the number before; empty for the first one.
    pub before: String,
    pub page_size: u32,
    /// Pages of the whole database afterwards; 0 when it did not change.
    pub database_pages: u32,
    pub pages: u32,
    /// Stored files that came, with their SHA-256.
    pub added: BTreeMap<String, String>,
    pub removed: BTreeSet<String>,
}

/// Writes a file of changes and answers its sum.
pub fn write(to: &Path, keys: Option<&Keys>, head: &Head, changes: &wal::Changes) -> Result<String> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    for (page, content) in &changes.pages {
        packed.write_all(&page.to_be_bytes())?;
        packed.write_all(content)?;
    }
    let text = serde_json::to_vec(head)?;
    let body = [MAGIC, &u32::try_from(text.len())?.to_be_bytes(), &text, &packed.finish()?].concat();
    ensure!(u64::try_from(body.len())? + 32 <= LARGEST, "more changed at a time than a file of changes may hold");
    let sum = Sha256::digest(&body);
    let part = to.with_extension("part");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let mut out = Out::new(file.with_context(|| format!("{} cannot be written", part.display()))?, keys)?;
    out.write_all(&body)?;
    out.write_all(&sum)?;
    out.finish()?;
    publish(&part, to)?;
    Ok(hex(sum))
}

/// Changes that were read and are what they say.
#[derive(Debug)]
pub struct Segment {
    pub head: Head,
    pub sum: String,
    packed: Vec<u8>,
}

impl Segment {
    /// Reads a file of changes and compares it with its sum.
    pub fn read(path: &Path, keys: Option<&Keys>) -> Result<Self> {
        let mut body = Vec::new();
        sealed::open(File::open(path)?, keys)?.take(LARGEST).read_to_end(&mut body)?;
        Self::parse(body)
    }

    pub fn parse(mut body: Vec<u8>) -> Result<Self> {
        ensure!(body.len() >= MAGIC.len() + 36 && body.starts_with(MAGIC), "it holds no changes");
        let sum = body.split_off(body.len() - 32);
        ensure!(Sha256::digest(&body).as_slice() == sum, "it is not what its sum says");
        let rest = &body[MAGIC.len()..];
        let (length, rest) = rest.split_first_chunk::<4>().context("it is cut off")?;
        let (text, packed) =
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length))?).context("it is cut off")?;
        let head: Head = serde_json::from_slice(text).context("its head cannot be understood")?;
        ensure!(head.page_size <= 65_536, "its head cannot be understood");
        Ok(Self { head, sum: hex(sum), packed: packed.to_vec() })
    }

    /// Puts the pages into a database file that nobody has open.
    pub fn apply(&self, database: &File) -> Result<()> {
        let size = u64::from(self.head.page_size);
        let mut pages = GzDecoder::new(self.packed.as_slice());
        let mut page = vec![0; usize::try_from(size)?];
        for _ in 0..self.head.pages {
            let mut number = [0; 4];
            pages.read_exact(&mut number)?;
            pages.read_exact(&mut page)?;
            let number = u64::from(u32::from_be_bytes(number));
            ensure!(number > 0 && number <= u64::from(self.head.database_pages), "a page outside of the database");
            database.write_all_at(&page, (number - 1) * size)?;
        }
        ensure!(pages.read(&mut [0])? == 0, "more pages than it says");
        if self.head.database_pages > 0 {
            database.set_len(u64::from(self.head.database_pages) * size)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn head(pages: u32) -> Head {
        Head {
            chain: "chain-a".into(),
            number: 7,
            at: DateTime::from_timestamp(7, 0).unwrap(),
            before: "6".repeat(64),
            page_size: 512,
            database_pages: pages,
            pages,
            added: BTreeMap::from([("chat/a".into(), "0".repeat(64))]),
            removed: BTreeSet::from(["chat/b".into()]),
        }
    }

    #[test]
    fn pages_come_back_and_the_file_ends_where_the_database_does() {
        let folder = tempfile::tempdir().unwrap();
        let (file, database) = (folder.path().join("7.changes"), folder.path().join("db"));
        let pages = (1..=3_u8).map(|page| (page.into(), vec![page; 512])).collect();
        let changes = wal::Changes { pages, page_size: 512, database_pages: 3 };
        let keys = Keys::new(b"correct horse battery".to_vec());
        for keys in [None, Some(&keys)] {
            let sum = write(&file, keys, &head(3), &changes).unwrap();
            let read = Segment::read(&file, keys).unwrap();
            assert_eq!((&read.head, &read.sum), (&head(3), &sum));
            fs::write(&database, vec![9; 512 * 9]).unwrap();
            read.apply(&OpenOptions::new().write(true).open(&database).unwrap()).unwrap();
            let bytes = fs::read(&database).unwrap();
            assert_eq!((bytes.len(), bytes[0], bytes[512 * 3 - 1]), (512 * 3, 1, 3));
        }
    }
}
