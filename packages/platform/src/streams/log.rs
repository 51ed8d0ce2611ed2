//! The log on the disk: numbered segment files, written by one thread, deleted from the oldest on
//! when no stream needs them. Old segments are only read; every start and every full segment begins a new one.

use super::{
    Options,
    record::{self, Fact, Found, HEADER, Header},
};
use crate::{Error, Result, disk};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;

pub struct Log {
    folder: PathBuf,
    header: Header,
    segment_bytes: u64,
    segments: BTreeMap<u64, Segment>,
    current: Option<Current>,
    next: u64,
    damaged: bool,
}

/// A file of the log: its length in bytes and how many streams need it.
struct Segment {
    bytes: u64,
    holders: usize,
}

/// The segment that is written. `torn`: a failed write left bytes behind its end.
struct Current {
    number: u64,
    file: Arc<File>,
    torn: bool,
}

impl Log {
    /// Opens the folder (made with mode 0700) and hands every record to `visit` in the order of
    /// writing, with the number of its segment; `visit` says whether the record fits.
    pub fn open(folder: &Path, options: &Options, mut visit: impl FnMut(u64, Uuid, Fact<'_>) -> bool) -> Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| unusable(folder, &error))?;
        let boot = options.boot;
        let mut log = Self {
            folder: folder.to_owned(),
            header: Header { boot, salt: options.random() },
            segment_bytes: options.segment_bytes,
            segments: BTreeMap::new(),
            current: None,
            next: 1,
            damaged: false,
        };
        let mut newest = None;
        for number in numbers(folder).map_err(|error| unusable(folder, &error))? {
            log.next = number + 1;
            let path = log.path(number);
            // what a former process wrote may be in the kernel alone: what goes on from here is on the disk
            if options.sync_every.is_some() {
                disk::write_again(&path).map_err(|error| unusable(&path, &error))?;
            }
            let bytes = fs::read(&path).map_err(|error| unusable(&path, &error))?;
            if record::is_of_another_version(&bytes) {
                return Err(Error::unavailable(format!(
                    "{} was written by another version of this program; start that version, or move the file away (unfinished replies are lost)",
                    path.display()
                )));
            }
            log.segments.insert(number, Segment { bytes: bytes.len() as u64, holders: 0 });
            match Header::decode(&bytes) {
                Some(header) => newest = Some(header),
                // killed before the header was whole: nothing of it was ever shown
                None if bytes.len() < HEADER => continue,
                None => {
                    log.damaged = true;
                    continue;
                }
            }
            let mut rest = &bytes[HEADER..];
            while !rest.is_empty() {
                match record::decode(rest) {
                    Found::Record(stream, fact, length) => {
                        log.damaged |= !visit(number, stream, fact);
                        rest = &rest[length..];
                    }
                    Found::Cut => break,
                    Found::Damaged => {
                        log.damaged = true;
                        break;
                    }
                }
            }
        }
        let same_boot = newest.filter(|newest| newest.boot == boot);
        if log.damaged && same_boot.is_some() {
            tracing::warn!(folder = %folder.display(), "the streams log is damaged: unfinished replies may have lost text, clients reload them");
        } else if log.damaged {
            tracing::warn!(folder = %folder.display(), "the machine has ended without syncing the end of the streams log: unfinished replies may have lost their last second, clients reload them");
        }
        // after a power cut the last writes may be gone, so positions of before mean nothing
        if let Some(newest) = same_boot.filter(|_| !log.damaged) {
            log.header.salt = newest.salt;
        }
        Ok(log)
    }

    /// Whether something could not be read, or is missing in between. It would be met again at the next start.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Begins another segment, which is on the disk with its name afterwards.
    pub fn begin_anew(&mut self) -> io::Result<()> {
        self.begin()?;
        if let Some((number, file)) = self.file() {
            sync(number, file);
        }
        let folder = File::open(&self.folder)?;
        folder.sync_all().unwrap_or_else(|error| disk::end(&error, "the folder of the streams log"));
        Ok(())
    }

    /// Mixed into the epoch of every stream; another one after a power cut or damage.
    pub fn salt(&self) -> u64 {
        self.header.salt
    }

    /// The length of all segments in bytes.
    pub fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// The oldest segment, unless it is the one being written.
    pub fn oldest(&self) -> Option<u64> {
        let (number, _) = self.segments.first_key_value()?;
        (!self.is_current(*number)).then_some(*number)
    }

    /// The file being written.
    pub fn file(&self) -> Option<(u64, &Arc<File>)> {
        self.current.as_ref().map(|current| (current.number, &current.file))
    }

    /// Writes the records whole or not at all and returns the number of their segment. They are safe
    /// from the end of this process, not yet from a power cut.
    pub fn write(&mut self, records: &[u8]) -> io::Result<u64> {
        self.mend()?;
        if self.is_full() {
            self.roll()?;
        }
        let (Some(current), Some(mut last)) = (&mut self.current, self.segments.last_entry()) else {
            return Err(io::Error::other("no segment is open"));
        };
        if let Err(error) = current.file.write_all_at(records, last.get().bytes) {
            current.torn = true;
            // when it fails, the next write tries again before it writes anything
            let _ = self.mend();
            return Err(error);
        }
        last.get_mut().bytes += records.len() as u64;
        Ok(current.number)
    }

    /// One more stream needs this segment.
    pub fn hold(&mut self, number: u64) {
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.holders += 1;
        }
    }

    /// One stream less needs these segments.
    pub fn release(&mut self, numbers: &[u64]) {
        for number in numbers {
            if let Some(segment) = self.segments.get_mut(number) {
                segment.holders = segment.holders.saturating_sub(1);
            }
        }
        self.clean();
    }

    /// Deletes old segments up to the first one that a stream needs. Oldest first and without a hole:
    /// so of any stream whose beginning is there, everything that followed is there too, and a missing
    /// record always means damage.
    pub fn clean(&mut self) {
        while let Some((number, segment)) = self.segments.first_key_value() {
            let number = *number;
            if segment.holders > 0 || self.is_current(number) {
                return;
            }
            if let Err(error) = fs::remove_file(self.path(number))
                && error.kind() != io::ErrorKind::NotFound
            {
                // it stays in the table and is tried again with the next one
                tracing::warn!(%error, number, "a streams segment could not be deleted");
                return;
            }
            self.segments.remove(&number);
        }
    }

    /// Cuts off what a failed write left: later records would else follow bytes never shown.
    fn mend(&mut self) -> io::Result<()> {
        if let (Some(current), Some((_, last))) = (&mut self.current, self.segments.last_key_value())
            && current.torn
        {
            current.file.set_len(last.bytes)?;
            current.torn = false;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.current.is_none()
            || self.segments.last_key_value().is_none_or(|(_, last)| last.bytes >= self.segment_bytes)
    }

    fn roll(&mut self) -> io::Result<()> {
        self.begin()?;
        self.clean();
        Ok(())
    }

    /// Another segment.
    fn begin(&mut self) -> io::Result<()> {
        let number = self.next;
        let path = self.path(number);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        self.next += 1;
        let header = self.header.encode();
        if let Err(error) = file.write_all_at(&header, 0) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        self.segments.insert(number, Segment { bytes: header.len() as u64, holders: 0 });
        self.current = Some(Current { number, file: Arc::new(file), torn: false });
        Ok(())
    }

    fn is_current(&self, number: u64) -> bool {
        self.current.as_ref().is_some_and(|current| current.number == number)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:012}.log"))
    }
}

/// Waits until the disk has a segment. If it does not take it, what was shown can be gone from the file although
/// the next sync succeeds: then the process ends.
pub fn sync(number: u64, file: &File) {
    file.sync_data().unwrap_or_else(|error| disk::end(&error, &format!("segment {number} of the streams log")));
}

/// The numbers of the segments in a folder, oldest first; other files are left alone.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log")).and_then(|stem| stem.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::unavailable(format!(
        "the streams log {} cannot be used: {error}; check the disk and the owner of the folder",
        path.display()
    ))
}
