//! `taifas backup`: everything an instance keeps, in one file, while it runs or when it is stopped.
//!
//! The database is copied as of one moment through a connection of our own. A stored file never
//! changes once it is there, so it is enough to hold on to all of them from before that moment until
//! after it: by hard links, which cost nothing.

mod archive;
mod restore;
mod seal;

pub use restore::restore;

use crate::settings::Settings;
use anyhow::{Context as _, Result, bail, ensure};
use archive::{Archive, DATABASE, Manifest, OBJECTS, SECRETS};
use chrono::Utc;
use platform::{
    config::Ports,
    db::Offline,
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
/// Left on the disk beside what a backup needs.
const RESERVE: u64 = 64 << 20;

/// Where an instance keeps what a backup holds.
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
pub fn backup(settings: &Settings, to: Option<PathBuf>, passphrase: Option<&[u8]>) -> Result<()> {
    let places = Places::of(settings)?;
    ensure!(
        places.database.exists(),
        "there is no database in {}; name the data folder with --data, or the configuration with --config",
        places.folder.display()
    );
    let now = Utc::now();
    let to = match to {
        Some(path) if path.is_dir() => path.join(format!("taifas-{}.tar.gz", now.format("%Y-%m-%d-%H%M%S"))),
        Some(path) => path,
        None => PathBuf::from(format!("taifas-{}.tar.gz", now.format("%Y-%m-%d-%H%M%S"))),
    };
    ensure!(!to.exists(), "{} exists already; name another file with --to", to.display());

    let staging = Staging::new(&places.folder)?;
    let needed =
        storage::size(&places.database) + storage::size(Path::new(&format!("{}-wal", places.database.display())));
    let free = storage::disk(&places.folder)?.free;
    ensure!(
        free > needed + RESERVE,
        "the disk of {} has {} MiB left and the copy of the database needs {}; free some space first",
        places.folder.display(),
        free >> 20,
        (needed + RESERVE) >> 20
    );
    let objects = staging.path.join(OBJECTS);
    link_all(&places.objects, &objects)?;
    let copy = staging.path.join(DATABASE);
    Offline::open(&places.database)?.copy_to(&copy)?;
    // those that came between the first look and the copy
    link_all(&places.objects, &objects)?;

    let database = Offline::open(&copy)?;
    let faults = database.faults(false)?;
    ensure!(
        faults.is_empty(),
        "the database is damaged and was not backed up: {}; stop Taifas, copy the data folder as it is, and restore the \
         last good backup",
        faults.join("; ")
    );
    let mut manifest = Manifest::new(now, database.versions()?, database.rows()?);
    drop(database);

    let part = PathBuf::from(format!("{}.part", to.display()));
    let written = (|| -> Result<u64> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
        let file = file.with_context(|| {
            format!(
                "{} cannot be written; name with --to a folder that exists and that this user may write",
                to.display()
            )
        })?;
        let mut archive = Archive::new(file);
        archive.file(&mut manifest, DATABASE, &copy)?;
        for (name, path) in files(&objects)? {
            archive.file(&mut manifest, &format!("{OBJECTS}/{name}"), &path)?;
        }
        if let Some(passphrase) = passphrase {
            let sealed = seal::seal(passphrase, &secrets(&places.secrets)?)?;
            archive.bytes(&mut manifest, SECRETS, &sealed)?;
        }
        archive.finish(&manifest)?;
        fs::rename(&part, &to)?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
        Ok(storage::size(&to))
    })();
    let bytes = match written {
        Ok(bytes) => bytes,
        Err(error) => {
            let _ = fs::remove_file(&part);
            return Err(error);
        }
    };
    let full = fs::canonicalize(&to).unwrap_or_else(|_| to.clone());
    let note = LastBackup { at: now, file: full.display().to_string(), bytes, secrets: passphrase.is_some() };
    note.note(&places.folder)?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} holds the database ({} rows) and {} stored files, {} KiB.",
        to.display(),
        manifest.rows(),
        manifest.objects(),
        bytes.div_ceil(1024)
    )?;
    if passphrase.is_none() {
        writeln!(
            out,
            "The secrets are not in it: keys of providers must be entered again after a restore. Give a passphrase \
             (--passphrase-file) to have them in it."
        )?;
    }
    Ok(())
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
pub fn passphrase(file: Option<&Path>) -> Result<Option<Vec<u8>>> {
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
    Ok(Some(text))
}
