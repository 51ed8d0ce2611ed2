//! What a disk that fails to sync asks of whoever writes a log.
//!
//! A sync that failed has lost what it should have written, and for good: the kernel takes the pages for
//! written, shows them as long as it keeps them, and a later sync succeeds without them. So nothing may go on
//! from there: the process ends, and the next one writes what it finds once more before it puts anything
//! behind it. The same bytes at the same place are new to the kernel, and this time the disk has to say that
//! it has them. Else the next power cut would leave a hole, and what is behind a hole is lost.

use std::{error::Error, fs::OpenOptions, io, os::unix::fs::FileExt as _, path::Path};

/// How the process ends when the disk does not sync (`EX_IOERR`).
const FAILS: i32 = 74;
/// How much is read and written at once.
const PIECE: usize = 1 << 20;

/// Ends the process, without an answer to anybody: the disk did not sync what was written to `what`.
pub fn end(error: &dyn Error, what: &str) -> ! {
    tracing::error!(
        %error,
        "the disk did not sync what was written to {what}: nothing goes on from it, and this process ends at once; look at \
         the disk, then start again"
    );
    std::process::exit(FAILS)
}

/// Writes a file that a former process left once more, and waits for the disk; none is fine. Nobody else may
/// use it meanwhile.
///
/// # Errors
/// When the disk cannot be read, written or synced.
pub fn write_again(file: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let (mut at, mut piece) = (0, vec![0; PIECE]);
    loop {
        let length = file.read_at(&mut piece, at)?;
        if length == 0 {
            break;
        }
        file.write_all_at(&piece[..length], at)?;
        at += length as u64;
    }
    if at > 0 { file.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_the_same_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.log");
        write_again(&file).unwrap();
        assert!(!file.exists());
        let bytes: Vec<u8> = (0..3 * PIECE + 77).map(|at| u8::try_from(at % 251).unwrap()).collect();
        fs::write(&file, &bytes).unwrap();
        write_again(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}
