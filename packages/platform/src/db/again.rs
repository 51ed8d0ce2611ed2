//! The write-ahead log that a former process left is written once more before anybody goes on with it.
//!
//! Where the disk refused to sync, the kernel still shows the bytes and takes them for written, so no later
//! sync repairs it. A new process would read such frames, and put its own behind them: the next power cut
//! would leave a hole, and everything behind a hole is lost. Writing the same bytes to the same place makes
//! them new to the kernel, and this time the disk has to say that it has them.

use super::log_of;
use std::{fs::OpenOptions, io, os::unix::fs::FileExt as _, path::Path};

/// How much is read and written at once.
const PIECE: usize = 1 << 20;

/// Nobody else may use the database meanwhile.
///
/// # Errors
/// When the disk cannot be read, written or synced.
pub(super) fn write(database: &Path) -> io::Result<()> {
    let log = match OpenOptions::new().read(true).write(true).open(log_of(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        log => log?,
    };
    let (mut at, mut piece) = (0, vec![0; PIECE]);
    loop {
        let length = log.read_at(&mut piece, at)?;
        if length == 0 {
            break;
        }
        log.write_all_at(&piece[..length], at)?;
        at += length as u64;
    }
    if at > 0 { log.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_log_is_the_same_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        write(&database).unwrap();
        let bytes: Vec<u8> = (0..3 * PIECE + 77).map(|at| u8::try_from(at % 251).unwrap()).collect();
        fs::write(folder.path().join("a.db-wal"), &bytes).unwrap();
        write(&database).unwrap();
        assert_eq!(fs::read(folder.path().join("a.db-wal")).unwrap(), bytes);
    }
}
