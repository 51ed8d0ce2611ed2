//! Newline-delimited text (NDJSON) read as it arrives, with the same bounds as event streams.

use super::{EVENT_LIMIT, Fault, FaultKind};

/// The reader's state between two arrivals of bytes. Two that compare equal go on alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// The line in progress. Never longer than [`EVENT_LIMIT`].
    line: Vec<u8>,
}

impl Lines {
    /// Reads what has arrived and appends each line it completes, without terminator; blank lines are left out. A line that is
    /// not UTF-8 or is longer than [`EVENT_LIMIT`] is [`FaultKind::Malformed`]; after that the reader must not be used again.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<String>) -> Result<(), Fault> {
        while let Some(at) = bytes.iter().position(|b| *b == b'\n') {
            self.grow(&bytes[..at])?;
            bytes = &bytes[at + 1..];
            self.end_line(out)?;
        }
        self.grow(bytes)
    }

    /// The stream is over: takes a last line without terminator.
    pub fn finish(&mut self, out: &mut Vec<String>) -> Result<(), Fault> {
        self.end_line(out)
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.line.len() + bytes.len() > EVENT_LIMIT {
            return Err(Fault::new(FaultKind::Malformed, "The provider sent a line of more than 1 MiB."));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<String>) -> Result<(), Fault> {
        let line = String::from_utf8(std::mem::take(&mut self.line))
            .map_err(|_| Fault::new(FaultKind::Malformed, "The provider sent text that is not UTF-8."))?;
        let line = line.trim_end_matches('\r');
        if !line.trim().is_empty() {
            out.push(line.to_owned());
        }
        Ok(())
    }
}
