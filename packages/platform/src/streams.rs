//! The `streams` port: the live chunks of one reply. A stream is fenced (an older attempt can add
//! nothing), resumable (a position stays valid across attempts and restarts) and shows nothing it
//! could lose to `kill -9`.

mod desk;
mod file;
mod log;
mod memory;
mod options;
mod record;
mod replay;
mod sync;
mod writer;

pub use file::FileStreams;
pub use options::Options;

use crate::Result;
use async_trait::async_trait;
use bytes::Bytes;
use std::any::Any;
use tokio::sync::watch;
use uuid::Uuid;

/// What a client says it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The epoch the entries were read in.
    pub epoch: u64,
    /// The last seq seen; -1 for none.
    pub seq: i64,
}

/// One chunk of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counts up by one for the whole life of the stream, across attempts.
    pub seq: u64,
    pub bytes: Bytes,
}

/// What a stream holds at the moment an attempt opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub epoch: u64,
    pub entries: Vec<Entry>,
    /// The seq the next entry gets.
    pub next: u64,
}

/// Entries with consecutive seqs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub epoch: u64,
    pub entries: Vec<Entry>,
}

/// What a reader is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The next entries, at least one.
    Batch(Batch),
    /// The reader's position is of another epoch, or no longer kept: what it has seen does not
    /// connect. It reads on from `first`, the first entry kept; `next` is the seq after the last.
    Lost { epoch: u64, first: u64, next: u64 },
    /// The stream was released and is gone: the reply is stored elsewhere. Nothing follows.
    Freed,
}

/// Live streams. Epochs fit 53 bits, so that a JSON number carries them.
#[async_trait]
pub trait Streams: Send + Sync {
    /// Raises the fence of `stream` to `attempt` and returns what the stream holds, in one step: an
    /// older attempt can add nothing after it. A stream that is not kept is created with its first
    /// seq at `base` and an epoch of its own; a released one is live again.
    ///
    /// # Errors
    /// `stale` below the current fence, `unavailable` when it cannot be written, or when there is no
    /// room for another stream now.
    async fn open(&self, stream: Uuid, attempt: u32, base: u64) -> Result<Prefix>;

    /// Appends all entries or none and returns the seq after the last one. Readers see them only
    /// after the log has them. A call that is dropped while it waits may still append.
    ///
    /// # Errors
    /// `stale` when `attempt` is not the fence, `not_found` when the stream is not kept (open it
    /// again with the next seq as its base), `too_large` over a limit of the entry, the stream or all
    /// streams that are not released (it takes no more, and releasing it makes room), `unavailable`
    /// when the log cannot be written or too much waits already.
    async fn append(&self, stream: Uuid, attempt: u32, entries: Vec<Bytes>) -> Result<u64>;

    /// Follows a stream: what comes after `from` (`None`: from the first entry kept), then what is
    /// appended. A stream that nobody has opened yet is waited for.
    fn read(&self, stream: Uuid, from: Option<Position>) -> Box<dyn Reading>;

    /// The reply is stored elsewhere: the stream stays for the retention time and is then freed. Raises
    /// the fence as [`Streams::open`] does. Releasing twice, or what is not kept, changes nothing.
    ///
    /// # Errors
    /// `stale` below the current fence, since a later attempt goes on with the stream; `unavailable` when
    /// it cannot be written.
    async fn release(&self, stream: Uuid, attempt: u32) -> Result<()>;

    /// Wakes whoever produces the stream (a stop was asked for). Not stored: who is not listening
    /// misses it, and who listens later may hear one that was not meant for them, so the wish itself
    /// must be kept, and looked for, elsewhere.
    ///
    /// # Errors
    /// `unavailable` when it cannot be sent.
    async fn nudge(&self, stream: Uuid) -> Result<()>;

    /// The nudges of a stream from now on.
    fn nudges(&self, stream: Uuid) -> Nudges;
}

/// One reader's place in a stream. Dropping it ends the reading.
#[async_trait]
pub trait Reading: Send {
    /// The next item; waits for one. Cancel safe: a dropped call loses nothing.
    ///
    /// # Errors
    /// `unavailable` when the adapter is shutting down or out of reach.
    async fn next(&mut self) -> Result<Item>;
}

/// A subscription to the nudges of one stream.
pub struct Nudges {
    count: watch::Receiver<u64>,
    // whatever must live as long as the subscription
    _source: Box<dyn Any + Send + Sync>,
}

impl Nudges {
    /// For adapters: every change of `count` is a nudge; `source` lives as long as the subscription.
    #[must_use]
    pub fn new(count: watch::Receiver<u64>, source: Box<dyn Any + Send + Sync>) -> Self {
        Self { count, _source: source }
    }

    /// Returns at the next nudge; those that came meanwhile count as one. Cancel safe.
    pub async fn next(&mut self) {
        if self.count.changed().await.is_err() {
            // the source is gone, so no nudge can come any more
            std::future::pending::<()>().await;
        }
    }
}
