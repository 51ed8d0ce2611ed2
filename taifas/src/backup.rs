//! `taifas backup`: everything an instance keeps, in one file, while it runs or when it is stopped.
//!
//! The database is copied as of one moment through a connection of our own. A stored file never
//! changes once it is there, so it is enough to hold on to all of them from before that moment until
//! after it: by hard links, which cost nothing.

mod archive;
mod archiver;
mod erasures;
mod mirror;
mod replay;
mod restore;
mod sealed;
mod segment;
mod shelf;
mod state;
#[cfg(test)]
mod tests;

pub use archiver::Archiving;
pub use erasures::remember;
pub use restore::{Asked, restore};
pub use sealed::Keys;
pub use state::State;

use crate::settings::Settings;
use anyhow::{Context as _, Result, bail, ensure};
use archive::{Archive, DATABASE, Manifest, OBJECTS, SECRETS};
use chrono::{DateTime, Utc};
use platform::{
    audit::{self, SEALS},
    config::Ports,
    db::{self, Offline},
    erased::{self, JOURNAL},
    folder,
    storage::{self, LastBackup},
};
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The shortest passphrase.
const SHORTEST: usize = 12;
/// Taken as a passphrase at most.
const LONGEST: u64 = 4096;
/// How the names of encrypted backups end.
const SEALED: &str = ".sealed";
/// Left on the disk beside what a backup needs.
const RESERVE: u64 = 64 << 20;

/// Where an instance keeps what a backup holds.
#[derive(Clone)]
struct Places {
    folder: PathBuf,
    database: PathBuf,
    objects: PathBuf,
    secrets: PathBuf,
}

impl Places {
    fn of(settings: &Settings) -> Result<Self> {
        let (folder, ports) = (settings.data.clone(), &settings.platform);
        Ok(Self {
            database: folder.join(Ports::after(&ports.database, "database", "sqlite")?),
            objects: folder.join(Ports::after(&ports.objects, "objects", "file")?),
            secrets: folder.join(Ports::after(&ports.secrets, "secrets", "file")?),
            folder,
        })
    }
}

/// Makes a backup and says where it is.
pub fn backup(settings: &Settings, to: Option<PathBuf>, keys: Option<&Keys>) -> Result<()> {
    let places = Places::of(settings)?;
    ensure!(
        places.database.exists(),
        "there is no database in {}; name the data folder with --data, or the configuration with --config",
        places.folder.display()
    );
    let now = Utc::now();
    let name = format!("taifas-{}.tar.gz{}", now.format("%Y-%m-%d-%H%M%S"), keys.map_or("", |_| SEALED));
    let to = match to {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path,
        None => PathBuf::from(name),
    };
    ensure!(!to.exists(), "{} exists already; name another file with --to", to.display());

    let staging = Staging::new(&places.folder)?;
    let objects = staging.path.join(OBJECTS);
    link_all(&places.objects, &objects)?;
    let (copy, mut manifest) = staging.copy(&places, now)?;
    // those that came between the first look and the copy
    link_all(&places.objects, &objects)?;

    let part = PathBuf::from(format!("{}.part", to.display()));
    let written =
        write(&part, &mut manifest, &copy, &files(&objects)?, &places, keys).and_then(|()| publish(&part, &to));
    if let Err(error) = written {
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    let bytes = storage::size(&to);
    let full = fs::canonicalize(&to).unwrap_or_else(|_| to.clone());
    if let Some(beside) = full.parent() {
        erased::copy(&places.folder.join(JOURNAL), &beside.join(JOURNAL))?;
        audit::carry(&places.folder.join(SEALS), &beside.join(SEALS))?;
    }
    let note = LastBackup { at: now, file: full.display().to_string(), bytes, secrets: keys.is_some() };
    note.note(&places.folder)?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} holds the database ({} rows) and {} stored files, {} KiB{}.",
        to.display(),
        manifest.rows(),
        manifest.objects(),
        bytes.div_ceil(1024),
        keys.map_or("", |_| ", encrypted, and the secrets")
    )?;
    if keys.is_none() {
        writeln!(
            out,
            "It is not encrypted, and the secrets are not in it: keys of providers must be entered again after a restore. \
             Give a passphrase (--passphrase-file) to have both."
        )?;
    }
    Ok(())
}

/// Writes an archive and waits for the disk.
fn write(
    to: &Path,
    manifest: &mut Manifest,
    database: &Path,
    objects: &BTreeMap<String, PathBuf>,
    places: &Places,
    keys: Option<&Keys>,
) -> Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to);
    let file = file.with_context(|| {
        format!("{} cannot be written; name with --to a folder that exists and that this user may write", to.display())
    })?;
    let mut archive = Archive::new(file, keys)?;
    archive.file(manifest, DATABASE, database)?;
    for (name, path) in objects {
        archive.file(manifest, &format!("{OBJECTS}/{name}"), path)?;
    }
    if keys.is_some() {
        for (name, bytes) in secrets(&places.secrets)? {
            archive.bytes(manifest, &format!("{SECRETS}/{name}"), &bytes)?;
        }
    }
    archive.finish(manifest)
}

/// Gives a written file its name.
fn publish(part: &Path, to: &Path) -> Result<()> {
    fs::rename(part, to)?;
    Ok(folder::sync_name(to)?)
}

/// A folder inside the data folder for the time of a backup.
struct Staging {
    path: PathBuf,
    // held as long as the backup runs
    _lock: File,
}

impl Staging {
    fn new(folder: &Path) -> Result<Self> {
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join("backup.lock"));
        let lock =
            lock.with_context(|| format!("the data folder {} cannot be written by this user", folder.display()))?;
        if lock.try_lock().is_err() {
            bail!("another backup of {} is being made; wait until it is done", folder.display());
        }
        let path = folder.join(".backup");
        // left by one that was killed
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The database as of one moment, checked, and what there is to say of it.
    fn copy(&self, places: &Places, now: DateTime<Utc>) -> Result<(PathBuf, Manifest)> {
        let needed = storage::size(&places.database) + storage::size(&db::log_of(&places.database));
        let free = storage::disk(&places.folder)?.free;
        ensure!(
            free > needed + RESERVE,
            "the disk of {} has {} MiB left and the copy of the database needs {}; free some space first",
            places.folder.display(),
            free >> 20,
            (needed + RESERVE) >> 20
        );
        let copy = self.path.join(DATABASE);
        Offline::open(&places.database)?.copy_to(&copy)?;
        let database = Offline::open(&copy)?;
        let faults = database.faults(false)?;
        ensure!(
            faults.is_empty(),
            "the database is damaged and was not backed up: {}; stop Taifas, copy the data folder as it is, and restore \
             the last good backup",
            faults.join("; ")
        );
        let manifest = Manifest::new(now, database.versions()?, database.rows()?);
        Ok((copy, manifest))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Links every whole object of `from` below `to`, those that are there already left out.
fn link_all(from: &Path, to: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    for (name, path) in files(from)? {
        let target = to.join(&name);
        if target.exists() {
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::hard_link(&path, &target) {
            Ok(()) => {}
            // removed in between: whatever it belonged to is gone as well, or will be
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // another disk, or one without links
            Err(_) => match fs::copy(&path, &target) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                copied => drop(copied?),
            },
        }
    }
    Ok(())
}

/// The files below a folder by their names in it, in order; not those that are still being written.
fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("{} cannot be read", next.display()))?,
        };
        for entry in entries {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !entry.file_name().to_string_lossy().contains('#') {
                let name =
                    path.strip_prefix(folder)?.to_str().context("a stored file whose name is no text")?.to_owned();
                found.insert(name, path);
            }
        }
    }
    Ok(found)
}

fn secrets(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let whole = |name: &String| !name.contains('.');
    files(folder)?.into_iter().filter(|(name, _)| whole(name)).map(|(name, path)| Ok((name, fs::read(path)?))).collect()
}

/// The passphrase from a file (`-` is standard input) or from `TAIFAS_BACKUP_PASSPHRASE`.
///
/// # Errors
/// A sentence when it cannot be read or is too short.
pub fn keys(file: Option<&Path>) -> Result<Option<Keys>> {
    let mut text = Vec::new();
    match file {
        Some(path) if path == Path::new("-") => {
            io::stdin().lock().take(LONGEST).read_to_end(&mut text)?;
        }
        Some(path) => {
            let opened = File::open(path).with_context(|| format!("the passphrase file {}", path.display()))?;
            opened.take(LONGEST).read_to_end(&mut text)?;
        }
        None => match std::env::var("TAIFAS_BACKUP_PASSPHRASE") {
            Ok(value) => text = value.into_bytes(),
            Err(_) => return Ok(None),
        },
    }
    while text.last().is_some_and(u8::is_ascii_whitespace) {
        text.pop();
    }
    ensure!(text.len() >= SHORTEST, "the passphrase is shorter than {SHORTEST} characters; choose a longer one");
    Ok(Some(Keys::new(text)))
}
