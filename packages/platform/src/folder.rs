//! The data folder: one process owns it at a time, and the one that does not get it says why.

use crate::{Error, Result};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The data folder, locked for this process until the value is dropped or the process ends, however
/// it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    // the lock lives as long as the open file
    _lock: File,
}

impl DataFolder {
    /// Makes the folder when it is missing (mode 0700) and locks it.
    ///
    /// # Errors
    /// `unavailable` with a sentence for the person at the console: another process has it, it is not
    /// a folder, it cannot be written, the disk is full or read-only.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(path) {
            return Err(refused(path, &error));
        }
        let file = path.join("lock");
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&file);
        let mut lock = lock.map_err(|error| refused(path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(path, &mut lock)),
            Err(TryLockError::Error(error)) => return Err(refused(path, &error)),
        }
        // for the people who read it, the lock itself does not depend on it
        write_pid(&mut lock).map_err(|error| refused(path, &error))?;
        // relative paths would follow a change of the working folder
        let path = fs::canonicalize(path).map_err(|error| refused(path, &error))?;
        Ok(Self { path, _lock: lock })
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes a small file as a whole, for this user alone: aside, synced, then under its name. After a crash it is
/// the former one or this one.
///
/// # Errors
/// When the disk refuses.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".new");
    // left by a crash
    if let Err(error) = fs::remove_file(&aside)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    fs::rename(&aside, file)?;
    sync_name(file)
}

/// Waits until the disk has the name of a file or folder: syncing what it holds does not do that.
///
/// # Errors
/// When the disk refuses.
pub fn sync_name(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Waits until the disk has every name below a folder.
///
/// # Errors
/// When it cannot be read, or the disk refuses.
pub fn sync_names_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_names_below(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn taken(path: &Path, lock: &mut File) -> Error {
    let mut pid = String::new();
    // a process that is just starting has not written it yet
    let read = lock.take(20).read_to_string(&mut pid).is_ok();
    let holder = match pid.trim() {
        pid if read && !pid.is_empty() => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    Error::unavailable(format!(
        "the data folder {} is in use by {holder}; stop it, or start this one with another data folder",
        path.display()
    ))
}

fn refused(path: &Path, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "is not a folder; remove the file of that name or choose another path".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "may not be written by this user; change its owner or its mode, or choose another path".to_owned()
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "is on a read-only disk; mount it for writing or choose another path".to_owned()
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "is on a full disk; free some space or choose another path".to_owned()
        }
        io::ErrorKind::IsADirectory => "contains a folder named lock where a file belongs; remove it".to_owned(),
        _ => format!("cannot be used: {error}"),
    };
    Error::unavailable(format!("the data folder {} {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_second_owner_is_told_who_the_first_one_is() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/data");
        let first = DataFolder::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let refusal = DataFolder::open(&path).unwrap_err().to_string();
        assert!(refusal.contains(path.to_str().unwrap()), "{refusal}");
        assert!(refusal.contains(&format!("process {}", std::process::id())), "{refusal}");
        drop(first);
        DataFolder::open(&path).unwrap();
    }

    #[test]
    fn what_cannot_be_a_folder_is_refused_with_a_sentence() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            let refusal = DataFolder::open(&path).unwrap_err().to_string();
            assert!(refusal.contains("is not a folder"), "{refusal}");
        }
        let denied = refused(&file, &io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(denied.contains("may not be written"), "{denied}");
        let read_only = refused(&file, &io::ErrorKind::ReadOnlyFilesystem.into()).to_string();
        assert!(read_only.contains("read-only disk"), "{read_only}");
    }
}
