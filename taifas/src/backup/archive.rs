//! The file of a backup: a compressed tar, at its end a manifest with the size and SHA-256 of everything
//! in it, and the SHA-256 of the manifest. What was cut off has no end and is noticed.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use flate2::{Compression, write::GzEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Read, Write as _},
    path::Path,
};

pub const DATABASE: &str = "taifas.db";
pub const OBJECTS: &str = "objects";
pub const SECRETS: &str = "secrets.sealed";
pub const MANIFEST: &str = "manifest.json";
pub const CHECKSUM: &str = "manifest.sha256";
/// The format of the archive.
pub const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of the program that made it.
    pub taifas: String,
    pub made_at: DateTime<Utc>,
    /// The version of each service's tables.
    pub versions: BTreeMap<String, u32>,
    /// How many rows each table has.
    pub tables: BTreeMap<String, i64>,
    pub files: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub size: u64,
    pub sha256: String,
}

impl Manifest {
    pub fn new(made_at: DateTime<Utc>, versions: BTreeMap<String, u32>, tables: BTreeMap<String, i64>) -> Self {
        let taifas = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, taifas, made_at, versions, tables, files: BTreeMap::new() }
    }

    pub fn rows(&self) -> i64 {
        self.tables.values().sum()
    }

    pub fn objects(&self) -> usize {
        self.files.keys().filter(|name| name.starts_with(OBJECTS)).count()
    }
}

/// An archive that is being written.
pub struct Archive(tar::Builder<GzEncoder<BufWriter<File>>>);

impl Archive {
    pub fn new(file: File) -> Self {
        Self(tar::Builder::new(GzEncoder::new(BufWriter::new(file), Compression::fast())))
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
        let mut content = Hashing { inner: content, digest: Sha256::new() };
        self.0.append_data(&mut header(size), name, &mut content)?;
        manifest.files.insert(name.to_owned(), Entry { size, sha256: hex(&content.digest.finalize()) });
        Ok(())
    }

    /// Writes the manifest and waits until the disk has everything.
    pub fn finish(mut self, manifest: &Manifest) -> Result<()> {
        let text = serde_json::to_vec_pretty(manifest)?;
        self.0.append_data(&mut header(text.len() as u64), MANIFEST, text.as_slice())?;
        let sum = format!("{}  {MANIFEST}\n", hex(&Sha256::digest(&text)));
        self.0.append_data(&mut header(sum.len() as u64), CHECKSUM, sum.as_bytes())?;
        let mut out = self.0.into_inner()?.finish()?;
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(())
    }
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header
}

/// Passes bytes on and takes their digest.
pub struct Hashing<R> {
    pub inner: R,
    pub digest: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
