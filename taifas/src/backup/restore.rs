//! `taifas restore`: a backup becomes a data folder again, after everything in it was compared with its
//! manifest. Until then it lies beside the place it goes to, so a damaged backup leaves nothing.

use super::{
    Places,
    archive::{CHECKSUM, DATABASE, Entry, FORMAT, Hashing, MANIFEST, Manifest, OBJECTS, SECRETS, hex},
    seal,
};
use crate::{schema, settings::Settings};
use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::GzDecoder;
use platform::db::Offline;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufReader, Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Component, Path, PathBuf},
};

/// What a manifest may have; its files are counted by the thousand.
const LARGEST_MANIFEST: u64 = 256 << 20;

/// Restores `from` into the data folder of `settings`.
pub fn restore(settings: &Settings, from: &Path, passphrase: Option<&[u8]>) -> Result<()> {
    let folder = &settings.data;
    let places = Places::of(&Settings { data: PathBuf::new(), ..settings.clone() })?;
    for (key, path) in [("database", &places.database), ("objects", &places.objects), ("secrets", &places.secrets)] {
        ensure!(
            path.components().all(|part| matches!(part, Component::Normal(_))),
            "platform.{key} lies outside of the data folder; restore without this setting, then move what belongs there"
        );
    }
    let occupied = fs::read_dir(folder).map(|mut entries| entries.next().is_some());
    match occupied {
        Ok(false) => {}
        Ok(true) => bail!(
            "{} is not empty; a restore never overwrites: move it away, or name another folder with --data",
            folder.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", folder.display())),
    }
    let aside = Aside::new(folder)?;
    let manifest = extract(from, &aside.path, &places)?;
    let restored = finish(&manifest, &aside.path, &places, passphrase)?;
    if folder.exists() {
        fs::remove_dir(folder)?;
    }
    fs::rename(&aside.path, folder)?;
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent)?.sync_all()?;
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} is restored as of {}: {} rows and {} stored files, each compared with the manifest.",
        folder.display(),
        manifest.made_at.format("%Y-%m-%d %H:%M:%S UTC"),
        manifest.rows(),
        manifest.objects()
    )?;
    match restored {
        Secrets::Opened => {}
        Secrets::Absent => writeln!(
            out,
            "The backup holds no secrets: new ones are made at the start, and keys of providers must be entered again."
        )?,
        Secrets::Closed => writeln!(
            out,
            "The secrets in the backup were left out, because no passphrase was given (--passphrase-file): keys of \
             providers must be entered again."
        )?,
    }
    writeln!(out, "Start it with: taifas serve --data {}", folder.display())?;
    Ok(())
}

/// The folder that becomes the data folder; removed unless it did.
struct Aside {
    path: PathBuf,
}

impl Aside {
    fn new(folder: &Path) -> Result<Self> {
        let name = folder.file_name().and_then(|name| name.to_str()).context("the data folder has no name")?;
        let path = folder.with_file_name(format!("{name}.restoring"));
        ensure!(
            !path.exists(),
            "{} is left by a restore that was interrupted, or by one that runs; remove it when none runs",
            path.display()
        );
        DirBuilder::new().recursive(true).mode(0o700).create(&path).with_context(|| format!("{}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Writes what the archive holds below `target` and compares it with the manifest.
fn extract(from: &Path, target: &Path, places: &Places) -> Result<Manifest> {
    let damaged = || format!("{} is not a whole backup of Taifas; use another one", from.display());
    let file = File::open(from).with_context(|| format!("{} cannot be read", from.display()))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let (mut found, mut manifest, mut checksum) = (BTreeMap::new(), Vec::new(), Vec::new());
    for entry in archive.entries().with_context(damaged)? {
        let mut entry = entry.with_context(damaged)?;
        ensure!(entry.header().entry_type().is_file(), "{}", damaged());
        let name = entry.path().with_context(damaged)?.to_str().with_context(damaged)?.to_owned();
        match name.as_str() {
            MANIFEST | CHECKSUM => {
                let text = if name == MANIFEST { &mut manifest } else { &mut checksum };
                (&mut entry).take(LARGEST_MANIFEST).read_to_end(text).with_context(damaged)?;
            }
            _ => {
                let path = target.join(place(&name, places).with_context(damaged)?);
                found.insert(name, write(&mut entry, &path).with_context(damaged)?);
            }
        }
    }
    // the checksum of the compression stands behind the last entry
    io::copy(&mut archive.into_inner(), &mut io::sink()).with_context(damaged)?;
    let sum = hex(&Sha256::digest(&manifest));
    ensure!(!manifest.is_empty() && checksum.starts_with(sum.as_bytes()), "{}", damaged());
    let manifest: Manifest = serde_json::from_slice(&manifest).with_context(damaged)?;
    ensure!(
        manifest.format == FORMAT,
        "{} has another format; restore it with the version that made it",
        from.display()
    );
    let wrong = |name: &&String| manifest.files.get(*name) != found.get(*name);
    if let Some(name) = manifest.files.keys().chain(found.keys()).find(wrong) {
        bail!("{}: {name} is not what the manifest says", damaged());
    }
    ensure!(manifest.files.contains_key(DATABASE), "{}", damaged());
    Ok(manifest)
}

/// Where a file of the archive goes below the data folder; nowhere else than there.
fn place(name: &str, places: &Places) -> Result<PathBuf> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(plain, "\"{name}\" would lie outside of the data folder");
    match name.split_once('/') {
        None if name == DATABASE => Ok(places.database.clone()),
        None if name == SECRETS => Ok(PathBuf::from(SECRETS)),
        Some((OBJECTS, rest)) => Ok(places.objects.join(rest)),
        _ => bail!("\"{name}\" belongs to no backup"),
    }
}

fn write(content: &mut impl Read, path: &Path) -> Result<Entry> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut content = Hashing { inner: content, digest: Sha256::new() };
    let size = io::copy(&mut content, &mut file)?;
    file.sync_all()?;
    Ok(Entry { size, sha256: hex(&content.digest.finalize()) })
}

enum Secrets {
    Opened,
    Absent,
    Closed,
}

/// Checks the database, counts its rows, and opens the secrets.
fn finish(manifest: &Manifest, target: &Path, places: &Places, passphrase: Option<&[u8]>) -> Result<Secrets> {
    let newer = schema::newer(&manifest.versions);
    ensure!(
        newer.is_empty(),
        "the backup was made by a newer Taifas, {} ({}); restore it with that version",
        manifest.taifas,
        newer.join("; ")
    );
    let database = Offline::open(&target.join(&places.database))?;
    let faults = database.faults(true)?;
    ensure!(faults.is_empty(), "the database in the backup is damaged: {}", faults.join("; "));
    let rows = database.rows()?;
    let other = |table: &&String| manifest.tables.get(*table) != rows.get(*table);
    if let Some(table) = manifest.tables.keys().chain(rows.keys()).find(other) {
        bail!("the table {table} has not the number of rows that the manifest says");
    }
    drop(database);
    let sealed = target.join(SECRETS);
    if !sealed.exists() {
        return Ok(Secrets::Absent);
    }
    let text = fs::read(&sealed)?;
    fs::remove_file(&sealed)?;
    let Some(passphrase) = passphrase else { return Ok(Secrets::Closed) };
    for (name, bytes) in seal::open(passphrase, &text)? {
        ensure!(
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "a secret with the name {name:?}"
        );
        write(&mut bytes.as_slice(), &target.join(&places.secrets).join(name))?;
    }
    Ok(Secrets::Opened)
}
