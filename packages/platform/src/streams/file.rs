//! The embedded adapter: memory over one append-only log in a folder (`file:data/streams`). What a
//! reader was shown survives `kill -9`; a power cut may take the last second, and then the epoch of
//! every kept stream changes. The folder must be used by one process only (the data folder's lock).

use super::{
    Nudges, Options, Position, Prefix, Reading, Streams,
    desk::Desk,
    memory::{Reader, Slots},
    record::PAYLOAD_MAX,
    replay::{STREAM_BYTES, replay},
    writer::{Action, Command, Writer},
};
use crate::{Error, Result};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Streams of one process. Dropping it writes what waits and ends its threads.
pub struct FileStreams {
    desk: Arc<Desk>,
    /// Writes where callers shall not, and looks for what is due; none in line.
    thread: Option<JoinHandle<()>>,
    slots: Arc<Slots>,
    options: Options,
}

impl FileStreams {
    /// Opens the folder, made when it is missing, and reads what is kept (blocking; for start-up).
    ///
    /// # Errors
    /// `unavailable` with a sentence when the folder cannot be used.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self> {
        let mut streams = Self::prepare(folder.as_ref(), options)?;
        let thread = thread::Builder::new().name("streams".into());
        let desk = streams.desk.clone();
        streams.thread = Some(thread.spawn(move || desk.attend()).map_err(Error::internal)?);
        Ok(streams)
    }

    /// As [`FileStreams::open`], without threads: every call is written on its caller's stack, nothing
    /// is synced, and what is due to be freed goes with the next call.
    ///
    /// # Errors
    /// As [`FileStreams::open`].
    pub fn open_in_line(folder: impl AsRef<Path>, options: Options) -> Result<Self> {
        Self::prepare(folder.as_ref(), Options { sync_every: None, ..options })
    }

    fn prepare(folder: &Path, mut options: Options) -> Result<Self> {
        options.entry_bytes = options.entry_bytes.min(PAYLOAD_MAX);
        let (log, streams) = replay(folder, &options)?;
        let slots = Arc::<Slots>::default();
        let writer = Writer::new(options.clone(), log, streams, slots.clone())?;
        let desk = Arc::new(Desk::new(writer, &options));
        Ok(Self { desk, thread: None, slots, options })
    }

    #[cfg(test)]
    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    async fn ask<T>(&self, stream: Uuid, action: impl FnOnce(oneshot::Sender<Result<T>>) -> Action) -> Result<T> {
        let (sender, answer) = oneshot::channel();
        self.desk.submit(Command { stream, action: action(sender) })?;
        match &self.thread {
            Some(thread) if !self.desk.serve() => thread.thread().unpark(),
            Some(_) => {}
            None => self.desk.serve_alone(),
        }
        answer.await.map_err(|_| Error::unavailable("the streams of this server are shutting down"))?
    }
}

#[async_trait]
impl Streams for FileStreams {
    async fn open(&self, stream: Uuid, attempt: u32, base: u64) -> Result<Prefix> {
        self.ask(stream, |answer| Action::Open { attempt, base, answer }).await
    }

    async fn append(&self, stream: Uuid, attempt: u32, entries: Vec<Bytes>) -> Result<u64> {
        let (entry_bytes, stream_bytes) = (self.options.entry_bytes, self.options.stream_bytes);
        if entries.iter().any(|entry| entry.len() > entry_bytes) {
            return Err(Error::too_large(format!("an entry of a stream has at most {entry_bytes} bytes")));
        }
        if entries.iter().map(|entry| entry.len() as u64).sum::<u64>() + STREAM_BYTES > stream_bytes {
            return Err(Error::too_large(format!("a stream holds at most {stream_bytes} bytes")));
        }
        self.ask(stream, |answer| Action::Append { attempt, entries, answer }).await
    }

    fn read(&self, stream: Uuid, from: Option<Position>) -> Box<dyn Reading> {
        Box::new(Reader::new(self.slots.slot(stream), from))
    }

    async fn release(&self, stream: Uuid, attempt: u32) -> Result<()> {
        self.ask(stream, |answer| Action::Release { attempt, answer }).await
    }

    async fn nudge(&self, stream: Uuid) -> Result<()> {
        self.slots.nudge(stream);
        Ok(())
    }

    fn nudges(&self, stream: Uuid) -> Nudges {
        self.slots.slot(stream).nudges()
    }
}

impl Drop for FileStreams {
    fn drop(&mut self) {
        self.desk.close();
        match self.thread.take() {
            Some(thread) => {
                thread.thread().unpark();
                // a panic there was logged; nothing is left to save
                let _ = thread.join();
            }
            None => self.desk.serve_alone(),
        }
        self.slots.close();
    }
}
