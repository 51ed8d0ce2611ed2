//! The stored files in an archive: each is copied once, under its name and its SHA-256, and stays for as
//! long as somebody may want to restore a moment at which it was there.

use super::{
    archive::{Hashing, Out},
    sealed::{self, Keys},
};
use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use platform::folder;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// What has been copied and stands in no archived changes yet.
const NEW: &str = ".new";
/// Since when the instance does not have what is still here.
const GONE: &str = "gone.json";
/// A folder that changed a moment ago may have changed again since, within one tick of its clock.
const UNSURE: Duration = Duration::from_secs(2);

/// A folder of the instance, as it was seen last.
struct Seen {
    changed: SystemTime,
    files: Vec<String>,
    folders: Vec<String>,
}

pub struct Mirror {
    live: PathBuf,
    folder: PathBuf,
    seen: BTreeMap<String, Seen>,
    /// Name and SHA-256 of those that the instance has.
    files: BTreeMap<String, String>,
    /// Those that it had, since when they are gone.
    gone: BTreeMap<String, (String, DateTime<Utc>)>,
    added: BTreeMap<String, String>,
    removed: BTreeSet<String>,
}

impl Mirror {
    /// What a chain holds already.
    pub fn open(live: PathBuf, folder: PathBuf) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut mirror = Self {
            live,
            seen: BTreeMap::new(),
            files: BTreeMap::new(),
            gone: BTreeMap::new(),
            added: BTreeMap::new(),
            removed: BTreeSet::new(),
            folder,
        };
        mirror.gone = match fs::read(mirror.folder.join(GONE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            // without it they only stay longer
            text => serde_json::from_slice(&text?).unwrap_or_default(),
        };
        for name in super::files(&mirror.folder)?.into_keys() {
            let whole = name.strip_suffix(NEW).unwrap_or(&name);
            let Some((file, sum)) = whole.rsplit_once('.').filter(|(_, sum)| sum.len() == 64) else { continue };
            if mirror.gone.contains_key(file) {
                continue;
            }
            // whether the instance has it still, the first round says
            if whole == name {
                mirror.files.insert(file.to_owned(), sum.to_owned());
            } else {
                mirror.gone.insert(file.to_owned(), (sum.to_owned(), Utc::now()));
            }
        }
        Ok(mirror)
    }

    /// Takes what another chain has, as far as the disk can share it.
    pub fn share(from: &Path, to: &Path) -> Result<()> {
        for (name, path) in super::files(from)? {
            let target = to.join(&name);
            if let Some(parent) = target.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            }
            if !name.ends_with(NEW) && fs::hard_link(path, target).is_err() {
                // it is copied anew
                break;
            }
        }
        Ok(())
    }

    /// Looks what came and went, and copies what came.
    pub fn round(&mut self, keys: Option<&Keys>, now: DateTime<Utc>) -> Result<()> {
        let there = self.look()?;
        let lost: Vec<_> = self.files.keys().filter(|name| !there.contains(*name)).cloned().collect();
        for name in lost {
            if let Some(sum) = self.files.remove(&name) {
                self.added.remove(&name);
                self.removed.insert(name.clone());
                self.gone.insert(name, (sum, now));
            }
        }
        for name in there {
            if self.files.contains_key(&name) {
                continue;
            }
            if let Some((sum, _)) = self.gone.remove(&name) {
                if !self.removed.remove(&name) {
                    self.added.insert(name.clone(), sum.clone());
                }
                self.files.insert(name, sum);
                continue;
            }
            match self.copy(&name, keys) {
                Ok(sum) => {
                    self.added.insert(name.clone(), sum.clone());
                    self.files.insert(name, sum);
                }
                // removed in between
                Err(error)
                    if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What came and went and stands in no archived changes yet.
    pub fn news(&self) -> (BTreeMap<String, String>, BTreeSet<String>) {
        (self.added.clone(), self.removed.clone())
    }

    /// The news have been archived.
    pub fn settle(&mut self) -> Result<()> {
        for (name, sum) in &self.added {
            let place = place(&self.folder, name, sum);
            match fs::rename(with(&place, NEW), &place) {
                // it was gone and came back, or went
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed?,
            }
        }
        if !self.added.is_empty() || !self.removed.is_empty() {
            self.note_gone()?;
        }
        self.added.clear();
        self.removed.clear();
        Ok(())
    }

    /// What is gone is forgotten some day, however often the process begins anew until then.
    fn note_gone(&self) -> Result<()> {
        Ok(folder::replace(&self.folder.join(GONE), &serde_json::to_vec(&self.gone)?)?)
    }

    /// Those of the instance, with their SHA-256.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Removes those that have been gone since before `horizon`.
    pub fn forget(&mut self, horizon: DateTime<Utc>) -> Result<()> {
        let old: Vec<_> =
            self.gone.iter().filter(|(_, (_, since))| *since < horizon).map(|(name, _)| name.clone()).collect();
        for name in &old {
            let Some((sum, _)) = self.gone.get(name) else { continue };
            let place = place(&self.folder, name, sum);
            for path in [with(&place, NEW), place] {
                match fs::remove_file(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed?,
                }
            }
            self.gone.remove(name);
        }
        if old.is_empty() { Ok(()) } else { self.note_gone() }
    }

    fn copy(&self, name: &str, keys: Option<&Keys>) -> Result<String> {
        let mut source = Hashing::new(File::open(self.live.join(name))?);
        let part = self.folder.join("copying");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
        let mut out = Out::new(file.map_err(|error| io::Error::other(format!("{}: {error}", part.display())))?, keys)?;
        io::copy(&mut source, &mut out)?;
        out.finish()?;
        let sum = source.entry().sha256;
        let to = with(&place(&self.folder, name, &sum), NEW);
        let parent = to.parent().context("a file without a folder")?;
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        super::publish(&part, &to)?;
        Ok(sum)
    }

    /// The names of all files of the instance; folders that have not changed are not read again.
    fn look(&mut self) -> Result<BTreeSet<String>> {
        let (mut found, mut seen) = (BTreeSet::new(), BTreeMap::new());
        let mut waiting = vec![String::new()];
        while let Some(folder) = waiting.pop() {
            let path = self.live.join(&folder);
            let Ok(changed) = fs::metadata(&path).and_then(|found| found.modified()) else { continue };
            let known = self
                .seen
                .remove(&folder)
                .filter(|known| known.changed == changed && changed.elapsed().is_ok_and(|since| since > UNSURE));
            let known = match known {
                Some(known) => known,
                None => list(&path, &folder, changed)?,
            };
            found.extend(known.files.iter().cloned());
            waiting.extend(known.folders.iter().cloned());
            seen.insert(folder, known);
        }
        self.seen = seen;
        Ok(found)
    }
}

fn list(path: &Path, folder: &str, changed: SystemTime) -> Result<Seen> {
    let mut seen = Seen { changed, files: Vec::new(), folders: Vec::new() };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(seen),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            seen.folders.push(name);
        } else if kind.is_file() && !name.contains('#') {
            seen.files.push(name);
        }
    }
    Ok(seen)
}

fn place(folder: &Path, name: &str, sum: &str) -> PathBuf {
    folder.join(format!("{name}.{sum}"))
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// Brings a file back and compares it with its sum.
pub fn bring_back(folder: &Path, name: &str, sum: &str, to: &Path, keys: Option<&Keys>) -> Result<()> {
    let place = place(folder, name, sum);
    let file = File::open(&place).or_else(|_| File::open(with(&place, NEW)));
    let file = file.with_context(|| format!("the stored file {name} is not in the archive"))?;
    let found = super::restore::write(&mut sealed::open(file, keys)?, to);
    ensure!(found.is_ok_and(|found| found.sha256 == sum), "the stored file {name} in the archive is damaged");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_copied_once_and_stay_until_they_are_forgotten() {
        let scratch = tempfile::tempdir().unwrap();
        let (live, folder) = (scratch.path().join("live"), scratch.path().join("mirror"));
        fs::create_dir_all(live.join("chat/a")).unwrap();
        fs::write(live.join("chat/a/1"), "one").unwrap();
        fs::write(live.join("chat/a/2#1"), "half").unwrap();
        let (early, late) = (DateTime::from_timestamp(1, 0).unwrap(), DateTime::from_timestamp(9, 0).unwrap());
        let mut mirror = Mirror::open(live.clone(), folder.clone()).unwrap();
        mirror.round(None, early).unwrap();
        let (added, removed) = mirror.news();
        assert_eq!((added.len(), added.contains_key("chat/a/1"), removed.len()), (1, true, 0));
        // a crash before they are archived: they are news again
        let mut mirror = Mirror::open(live.clone(), folder.clone()).unwrap();
        mirror.round(None, early).unwrap();
        assert_eq!(mirror.news().0, added);
        mirror.settle().unwrap();
        mirror.round(None, early).unwrap();
        assert_eq!(mirror.news(), Default::default());
        let mut mirror = Mirror::open(live.clone(), folder.clone()).unwrap();
        mirror.round(None, early).unwrap();
        assert_eq!(mirror.news(), Default::default());

        fs::remove_file(live.join("chat/a/1")).unwrap();
        fs::write(live.join("chat/a/3"), "three").unwrap();
        mirror.round(None, late).unwrap();
        let (now_added, removed) = mirror.news();
        assert_eq!((now_added.len(), removed.len()), (1, 1));
        mirror.settle().unwrap();
        // another start: it is still known since when the first is gone
        let mut mirror = Mirror::open(live.clone(), folder.clone()).unwrap();
        mirror.round(None, DateTime::from_timestamp(20, 0).unwrap()).unwrap();
        assert_eq!(mirror.news(), Default::default());
        let to = scratch.path().join("back");
        bring_back(&folder, "chat/a/1", &added["chat/a/1"], &to, None).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"one");
        mirror.forget(late).unwrap();
        assert!(bring_back(&folder, "chat/a/1", &added["chat/a/1"], &scratch.path().join("x"), None).is_ok());
        mirror.forget(DateTime::from_timestamp(10, 0).unwrap()).unwrap();
        assert!(bring_back(&folder, "chat/a/1", &added["chat/a/1"], &scratch.path().join("y"), None).is_err());

        // copied, and gone before a crash and before it was archived
        fs::write(live.join("chat/a/4"), "four").unwrap();
        mirror.round(None, late).unwrap();
        fs::remove_file(live.join("chat/a/4")).unwrap();
        let mut mirror = Mirror::open(live, folder.clone()).unwrap();
        mirror.round(None, late).unwrap();
        assert_eq!(mirror.news(), Default::default());
        mirror.forget(DateTime::from_timestamp(i64::from(u32::MAX), 0).unwrap()).unwrap();
        let left: Vec<_> = super::super::files(&folder).unwrap().into_keys().collect();
        assert!(left.len() == 2 && left[0].starts_with("chat/a/3.") && left[1] == GONE, "{left:?}");
    }
}
