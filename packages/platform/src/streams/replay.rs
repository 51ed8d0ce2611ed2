//! From the log back to streams: what a start reads, and the book-keeping per stream that the writer
//! goes on with.

use super::{
    log::Log,
    options::Options,
    record::{Fact, OVERHEAD},
};
use crate::{Result, failpoint};
use bytes::Bytes;
use std::{collections::HashMap, path::Path, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// What a stream counts beside its entries, in bytes, so that their number is limited too.
pub const STREAM_BYTES: u64 = 1024;

/// What the writer decides by.
#[derive(Clone, Copy)]
pub struct Head {
    pub fence: u32,
    pub base: u64,
    pub next: u64,
    pub nonce: u64,
    /// Size in the log, and nearly so in memory.
    pub bytes: u64,
    pub released: Option<Released>,
    /// The last open or append in this process.
    pub touched: Instant,
}

#[derive(Clone, Copy)]
pub struct Released {
    /// Milliseconds of the Unix epoch, as written.
    pub at: u64,
    pub free_at: Instant,
}

/// A stream as read from the log.
pub struct Replayed {
    pub head: Head,
    pub entries: Vec<Bytes>,
    /// The segments that hold records of it, ascending.
    pub segments: Vec<u64>,
}

impl Head {
    pub fn new(attempt: u32, base: u64, nonce: u64) -> Self {
        Self { fence: attempt, base, next: base, nonce, bytes: STREAM_BYTES, released: None, touched: Instant::now() }
    }

    pub fn add(&mut self, entry: &[u8]) {
        self.next += 1;
        self.bytes += cost(entry);
    }
}

impl Released {
    /// Kept for what is left of the retention, whatever the wall clock did meanwhile.
    pub fn at(at: u64, options: &Options) -> Self {
        let elapsed = Duration::from_millis(options.wall_millis().saturating_sub(at));
        Self { at, free_at: Instant::now() + options.retention.saturating_sub(elapsed) }
    }
}

/// What an entry takes of a limit, in bytes.
pub fn cost(entry: &[u8]) -> u64 {
    (OVERHEAD + entry.len()) as u64
}

/// Opens the log of a folder and reads all that it holds.
pub fn replay(folder: &Path, options: &Options) -> Result<(Log, HashMap<Uuid, Replayed>)> {
    let mut streams = HashMap::new();
    let log = Log::open(folder, options, |segment, stream, fact| {
        if failpoint::mutant("no-replay") {
            return true;
        }
        if let Fact::Created { attempt, base, nonce } = fact {
            let known = streams.get(&stream).is_some_and(|known: &Replayed| known.head.nonce == nonce);
            if !known {
                let head = Head::new(attempt, base, nonce);
                streams.insert(stream, Replayed { head, entries: Vec::new(), segments: Vec::new() });
            }
        }
        // a stream that began in a deleted segment: what counts of it was copied to a later one
        let Some(known) = streams.get_mut(&stream) else { return true };
        if known.segments.last() != Some(&segment) {
            known.segments.push(segment);
        }
        apply(known, fact, options)
    })?;
    Ok((log, streams))
}

/// False when the record does not connect to what is there.
fn apply(stream: &mut Replayed, fact: Fact<'_>, options: &Options) -> bool {
    let head = &mut stream.head;
    match fact {
        Fact::Created { attempt, .. } => head.fence = head.fence.max(attempt),
        Fact::Fenced { attempt } => {
            head.fence = head.fence.max(attempt);
            head.released = None;
        }
        Fact::Appended { seq, bytes, .. } if seq == head.next => {
            head.add(bytes);
            stream.entries.push(Bytes::copy_from_slice(bytes));
        }
        // an older seq is a copy; a later one means that records between are missing
        Fact::Appended { seq, .. } => return seq < head.next,
        Fact::Released { at } => head.released = Some(Released::at(at, options)),
    }
    true
}
