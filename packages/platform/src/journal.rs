//! Files that are only added to: lines of JSON, each on the disk before it is believed. What a crash cut
//! off was never believed: it is passed over, and the next line begins anew.

use crate::{Error, Result, folder};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Within so many bytes of the end is the last line.
const LAST: u64 = 64 * 1024;

/// Adds lines and waits for the disk.
///
/// # Errors
/// When the disk refuses.
pub fn append<T: Serialize>(journal: &Path, lines: &[T]) -> Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(journal)?;
    let mut text = Vec::new();
    let is_new = file.seek(SeekFrom::End(0))? == 0;
    if !is_new {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push(b'\n');
        }
    }
    for line in lines {
        serde_json::to_writer(&mut text, line).map_err(Error::internal)?;
        text.push(b'\n');
    }
    file.write_all(&text)?;
    file.sync_data()?;
    if is_new {
        folder::sync_name(journal)?;
    }
    Ok(())
}

/// Every line; nothing when there is no such file.
///
/// # Errors
/// When it cannot be read.
pub fn read<T: DeserializeOwned>(journal: &Path) -> Result<Vec<T>> {
    Ok(lines(&from_the_end(journal, u64::MAX)?).collect())
}

/// The last line, whatever comes before it; lines are short.
///
/// # Errors
/// When it cannot be read.
pub fn last<T: DeserializeOwned>(journal: &Path) -> Result<Option<T>> {
    Ok(lines(&from_the_end(journal, LAST)?).last())
}

fn from_the_end(journal: &Path, most: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut file = match File::open(journal) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(text),
        file => file?,
    };
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
    file.read_to_end(&mut text)?;
    Ok(text)
}

fn lines<T: DeserializeOwned>(text: &[u8]) -> impl Iterator<Item = T> {
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_whatever_a_crash_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("a");
        assert!(read::<u32>(&journal).unwrap().is_empty() && last::<u32>(&journal).unwrap().is_none());
        append(&journal, &["one"]).unwrap();
        OpenOptions::new().append(true).open(&journal).unwrap().write_all(b"\"cut of").unwrap();
        append(&journal, &["two", "three"]).unwrap();
        assert_eq!(read::<String>(&journal).unwrap(), ["one", "two", "three"]);
        append(&journal, &vec!["x".repeat(1000); 100]).unwrap();
        OpenOptions::new().append(true).open(&journal).unwrap().write_all(b"\"cut of").unwrap();
        assert_eq!(last::<String>(&journal).unwrap(), Some("x".repeat(1000)));
    }
}
