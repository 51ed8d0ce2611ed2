//! The file of a backup: a compressed tar, sealed when there is a passphrase, at its end a manifest with
//! the size and SHA-256 of everything in it, and the SHA-256 of the manifest. What was cut off has no end
//! and is noticed.

use super::sealed::{Keys, Sealing};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use flate2::{Compression, write::GzEncoder};
use platform::hex::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

pub const DATABASE: &str = "taifas.db";
pub const OBJECTS: &str = "objects";
pub const SECRETS: &str = "secrets";
pub const MANIFEST: &str = "manifest.json";
pub const CHECKSUM: &str = "manifest.sha256";
/// The format of the archive.
pub const FORMAT: u32 = 2;

#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of the program that made it.
    pub taifas: String,
    /// What is erased later must be erased again after a restore.
    pub made_at: DateTime<Utc>,
    /// The version of each service's tables.
    pub versions: BTreeMap<String, u32>,
    /// How many rows each table has.
    pub tables: BTreeMap<String, i64>,
    pub files: BTreeMap<String, Entry>,
    /// Stored files that lie beside it with their SHA-256, in a folder with continuous archiving.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub size: u64,
    pub sha256: String,
}

impl Manifest {
    pub fn new(made_at: DateTime<Utc>, versions: BTreeMap<String, u32>, tables: BTreeMap<String, i64>) -> Self {
        let taifas = env!("CARGO_PKG_VERSION").to_owned();
        let (files, beside) = (BTreeMap::new(), BTreeMap::new());
        Self { format: FORMAT, taifas, made_at, versions, tables, files, beside }
    }

    pub fn rows(&self) -> i64 {
        self.tables.values().sum()
    }

    pub fn objects(&self) -> usize {
        self.beside.len() + self.files.keys().filter(|name| name.starts_with(OBJECTS)).count()
    }
}

/// A file that is sealed when there is a passphrase.
pub enum Out {
    Plain(BufWriter<File>),
    Sealed(Box<Sealing<BufWriter<File>>>),
}

impl Out {
    pub fn new(file: File, keys: Option<&Keys>) -> Result<Self> {
        let file = BufWriter::new(file);
        Ok(match keys {
            None => Self::Plain(file),
            Some(keys) => Self::Sealed(Box::new(keys.seal(file)?)),
        })
    }

    /// Waits until the disk has everything.
    pub fn finish(self) -> Result<()> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Sealed(sealing) => sealing.finish()?,
        };
        file.into_inner()?.sync_all()?;
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Sealed(sealing) => sealing.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Sealed(sealing) => sealing.flush(),
        }
    }
}

/// An archive that is being written.
pub struct Archive(tar::Builder<GzEncoder<Out>>);

impl Archive {
    pub fn new(file: File, keys: Option<&Keys>) -> Result<Self> {
        Ok(Self(tar::Builder::new(GzEncoder::new(Out::new(file, keys)?, Compression::fast()))))
    }

    pub fn file(&mut self, manifest: &mut Manifest, name: &str, path: &Path) -> Result<()> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let size = file.metadata()?.len();
        self.add(manifest, name, size, file)
    }

    pub fn bytes(&mut self, manifest: &mut Manifest, name: &str, bytes: &[u8]) -> Result<()> {
        self.add(manifest, name, bytes.len() as u64, bytes)
    }

    fn add(&mut self, manifest: &mut Manifest, name: &str, size: u64, content: impl Read) -> Result<()> {
        let mut content = Hashing::new(content);
        self.0.append_data(&mut header(size), name, &mut content)?;
        manifest.files.insert(name.to_owned(), content.entry());
        Ok(())
    }

    /// Writes the manifest and waits until the disk has everything.
    pub fn finish(mut self, manifest: &Manifest) -> Result<()> {
        let text = serde_json::to_vec_pretty(manifest)?;
        self.0.append_data(&mut header(text.len() as u64), MANIFEST, text.as_slice())?;
        let sum = format!("{}  {MANIFEST}\n", hex(Sha256::digest(&text)));
        self.0.append_data(&mut header(sum.len() as u64), CHECKSUM, sum.as_bytes())?;
        self.0.into_inner()?.finish()?.finish()
    }
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header
}

/// Passes bytes on, counts them and takes their digest.
pub struct Hashing<R> {
    inner: R,
    size: u64,
    digest: Sha256,
}

impl<R> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, size: 0, digest: Sha256::new() }
    }

    pub fn entry(self) -> Entry {
        Entry { size: self.size, sha256: hex(self.digest.finalize()) }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.size += read as u64;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}
