//! `taifas restore`: a backup becomes a data folder again, after everything in it was compared with its
//! manifest. Until then it lies beside the place it goes to, so a damaged backup leaves nothing.

use super::{
    Places,
    archive::{CHECKSUM, DATABASE, Entry, FORMAT, Hashing, MANIFEST, Manifest, OBJECTS, SECRETS},
    erasures, replay,
    sealed::{self, Keys},
};
use crate::{schema, settings::Settings};
use anyhow::{Context as _, Result, bail, ensure};
use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use platform::{
    audit::{self, Line, SEALS},
    db::Offline,
    erased::{self, JOURNAL},
    folder::{self, DataFolder},
    hex::hex,
    journal,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Component, Path, PathBuf},
};

/// What a manifest may have; its files are counted by the thousand.
const LARGEST_MANIFEST: u64 = 256 << 20;

/// What is asked for.
pub struct Asked {
    /// A backup, or the folder of continuous archiving.
    pub from: PathBuf,
    /// The moment to go back to; the latest when there is none.
    pub at: Option<DateTime<Utc>>,
    /// Whether a folder that is not empty is moved aside.
    pub replace: bool,
    /// Journals of erasures besides those that are found.
    pub erased: Vec<PathBuf>,
    pub keys: Option<Keys>,
}

/// Restores a backup into the data folder of `settings`.
pub async fn restore(settings: &Settings, asked: &Asked) -> Result<()> {
    let folder = &settings.data;
    let places = Places::of(&Settings { data: PathBuf::new(), ..settings.clone() })?;
    for (key, path) in [("database", &places.database), ("objects", &places.objects), ("secrets", &places.secrets)] {
        ensure!(
            path.components().all(|part| matches!(part, Component::Normal(_))),
            "platform.{key} lies outside of the data folder; restore without this setting, then move what belongs there"
        );
    }
    let former = occupied(folder, asked.replace)?;
    let journals = journals(asked, former.as_ref().map(DataFolder::path))?;
    let aside = Aside::new(folder)?;
    let (manifest, replayed) = if asked.from.is_dir() {
        let (manifest, replayed) = replay::replay(asked, &aside.path, &places)?;
        (manifest, Some(replayed))
    } else {
        ensure!(asked.at.is_none(), "a backup holds one moment; --at needs the folder of continuous archiving");
        (extract(&asked.from, &aside.path, &places, asked.keys.as_ref())?, None)
    };
    let rows = check(&manifest, &aside.path, &places, replayed.is_none())?;
    let moment = replayed.as_ref().map_or(manifest.made_at, |replayed| replayed.at);
    let seals = seals(asked, former.as_ref().map(DataFolder::path));
    let trail = crate::audit::prove(&aside.path, settings, moment, &seals).await?;
    let gone = erasures::since(&journals, moment)?;
    let again = match gone.is_empty() {
        true => 0,
        false => erasures::again(&aside.path.join(&places.database), &gone).await?,
    };
    for journal in &journals {
        erased::copy(journal, &aside.path.join(JOURNAL))?;
    }
    carry_seals(&seals, &aside.path, &places)?;
    let moved = put_in_place(&aside.path, folder, former.is_some())?;

    let mut out = io::stdout().lock();
    writeln!(out, "{} is restored as of {}.", folder.display(), moment.format("%Y-%m-%d %H:%M:%S%.3f UTC"))?;
    match &replayed {
        None => writeln!(
            out,
            "Proved: {} files have the SHA-256 of the manifest; every page and index of the database is sound; its {} \
             tables have the {} rows of the manifest; {} stored files are there; {}.",
            manifest.files.len(),
            manifest.tables.len(),
            manifest.rows(),
            manifest.objects(),
            trail.said()
        )?,
        Some(replayed) => writeln!(
            out,
            "Proved: the base of {} is what its manifest says; {} archived changes follow it without a gap, each what \
             its sum says; every page and index of the database is sound; it has {rows} rows; {} stored files have \
             their SHA-256; {}.",
            manifest.made_at.format("%Y-%m-%d %H:%M:%S UTC"),
            replayed.changes,
            replayed.files,
            trail.said()
        )?,
    }
    for doubt in &trail.doubts {
        writeln!(out, "Look at this in the audit trail: {doubt}.")?;
    }
    if journals.is_empty() {
        writeln!(
            out,
            "No journal of erasures was found beside the backup: what people erased after it is there again. Name the \
             {JOURNAL} of the lost data folder with --erased to have it erased."
        )?;
    } else {
        writeln!(
            out,
            "Erased again: {again} things that were erased or ended since. What belongs to erased accounts goes at the \
             first start."
        )?;
    }
    if !manifest.files.keys().any(|name| name.starts_with(SECRETS)) {
        writeln!(
            out,
            "The backup holds no secrets: new ones are made at the start, and keys of providers must be entered again."
        )?;
    }
    if let Some(moved) = moved {
        writeln!(out, "What was there before is in {}.", moved.display())?;
    }
    writeln!(out, "Start it with: taifas serve --data {}", folder.display())?;
    Ok(())
}

/// The folder that would be replaced, held so that no instance runs on it.
fn occupied(folder: &Path, replace: bool) -> Result<Option<DataFolder>> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(false) => Ok(None),
        Ok(true) if replace => Ok(Some(DataFolder::open(folder)?)),
        Ok(true) => bail!(
            "{} is not empty; a restore never overwrites: name another folder with --data, or say --replace to have it \
             moved aside",
            folder.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", folder.display())),
    }
}

/// Where erasures are written down.
fn journals(asked: &Asked, former: Option<&Path>) -> Result<Vec<PathBuf>> {
    if let Some(missing) = asked.erased.iter().find(|path| !path.is_file()) {
        bail!("{} is not a journal of erasures", missing.display());
    }
    let beside = match asked.from.is_dir() {
        true => Some(asked.from.join(JOURNAL)),
        false => asked.from.parent().map(|folder| folder.join(JOURNAL)),
    };
    let found = [beside, former.map(|folder| folder.join(JOURNAL))];
    Ok(found.into_iter().flatten().filter(|path| path.is_file()).chain(asked.erased.iter().cloned()).collect())
}

/// The files of seals beside the backup and in the former folder.
fn seals(asked: &Asked, former: Option<&Path>) -> Vec<PathBuf> {
    let beside = if asked.from.is_dir() { Some(asked.from.as_path()) } else { asked.from.parent() };
    let files = [beside, former].into_iter().flatten().map(|folder| folder.join(SEALS));
    files.filter(|file| file.exists()).collect()
}

/// The file of seals goes on, and says from where: what it knows of later is not missing but put back.
fn carry_seals(seals: &[PathBuf], aside: &Path, places: &Places) -> Result<()> {
    let to = aside.join(SEALS);
    for from in seals {
        audit::carry(from, &to)?;
    }
    let restored_to = Offline::open(&aside.join(&places.database))?.last_seal()?;
    Ok(journal::append(&to, &[Line::Restored { restored_to, at: Utc::now().timestamp_millis() }])?)
}

/// Answers where the former folder is now. What takes its place is on the disk before.
fn put_in_place(aside: &Path, folder: &Path, replace: bool) -> Result<Option<PathBuf>> {
    folder::sync_names_below(aside)?;
    let mut moved = None;
    if replace {
        let name = folder.file_name().and_then(|name| name.to_str()).context("the data folder has no name")?;
        let to = folder.with_file_name(format!("{name}-before-{}", Utc::now().format("%Y-%m-%d-%H%M%S")));
        ensure!(!to.exists(), "{} exists already", to.display());
        fs::rename(folder, &to)?;
        moved = Some(to);
    } else if folder.exists() {
        fs::remove_dir(folder)?;
    }
    fs::rename(aside, folder)?;
    folder::sync_name(folder)?;
    Ok(moved)
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
pub fn extract(from: &Path, target: &Path, places: &Places, keys: Option<&Keys>) -> Result<Manifest> {
    let damaged = || format!("{} is not a whole backup of Taifas; use another one", from.display());
    let file = File::open(from).with_context(|| format!("{} cannot be read", from.display()))?;
    let source = sealed::open(file, keys).with_context(|| format!("{} cannot be opened", from.display()))?;
    let mut archive = tar::Archive::new(GzDecoder::new(source));
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
    // the checksums of the compression and of the sealing stand behind the last entry
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).with_context(damaged)?;
    io::copy(&mut rest.into_inner(), &mut io::sink()).with_context(damaged)?;
    let sum = hex(Sha256::digest(&manifest));
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
pub fn place(name: &str, places: &Places) -> Result<PathBuf> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(plain, "\"{name}\" would lie outside of the data folder");
    let secret = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match name.split_once('/') {
        None if name == DATABASE => Ok(places.database.clone()),
        Some((OBJECTS, rest)) => Ok(places.objects.join(rest)),
        Some((SECRETS, rest)) if secret(rest) => Ok(places.secrets.join(rest)),
        _ => bail!("\"{name}\" belongs to no backup"),
    }
}

pub fn write(content: &mut impl Read, path: &Path) -> Result<Entry> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut content = Hashing::new(content);
    io::copy(&mut content, &mut file)?;
    file.sync_all()?;
    Ok(content.entry())
}

/// Checks the database through and through, counts its rows, and compares them with the manifest of a
/// database that is what it was then.
fn check(manifest: &Manifest, target: &Path, places: &Places, as_then: bool) -> Result<i64> {
    let database = Offline::open(&target.join(&places.database))?;
    let newer = schema::newer(&database.versions()?);
    ensure!(
        newer.is_empty(),
        "the backup was made by a newer Taifas, {} ({}); restore it with that version",
        manifest.taifas,
        newer.join("; ")
    );
    let faults = database.faults(true)?;
    ensure!(faults.is_empty(), "the database in the backup is damaged: {}", faults.join("; "));
    let rows = database.rows()?;
    let other = |table: &&String| manifest.tables.get(*table) != rows.get(*table);
    if let Some(table) = manifest.tables.keys().chain(rows.keys()).find(other).filter(|_| as_then) {
        bail!("the table {table} has not the number of rows that the manifest says");
    }
    Ok(rows.values().sum())
}
