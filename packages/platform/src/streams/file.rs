//! The embedded adapter: memory over one append-only log in a folder (`file:data/streams`). What a
//! reader was shown survives `kill -9`; a power cut may take the last second, and then the epoch of
//! every kept stream changes. The folder must be used by one process only (the data folder's lock).
//! Opened in line, for tests, it has no threads: each call is decided and written on its caller's stack.

use super::{
    Nudges, Options, Position, Prefix, Reading, Streams,
    log::Log,
    memory::{Reader, Slots},
    record::PAYLOAD_MAX,
    replay::{STREAM_BYTES, replay},
    writer::{Action, Command, Writer, weight},
};
use crate::{Error, Result};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Streams of one process. Dropping it writes what waits and ends its threads.
pub struct FileStreams {
    way: Way,
    waiting: Arc<AtomicUsize>,
    slots: Arc<Slots>,
    options: Options,
}

/// How a command comes to the writer.
enum Way {
    /// Through a queue to its thread. `Option` so that dropping can close the queue before it waits.
    Thread {
        queue: Option<SyncSender<Command>>,
        thread: Option<JoinHandle<()>>,
    },
    InLine(Box<Mutex<Writer>>),
}

impl FileStreams {
    /// Opens the folder, made when it is missing, and reads what is kept (blocking; for start-up).
    ///
    /// # Errors
    /// `unavailable` with a sentence when the folder cannot be used.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self> {
        let (queue, commands) = sync_channel(options.queue);
        let (mut streams, writer) = Self::prepare(folder.as_ref(), options)?;
        let thread = thread::Builder::new().name("streams".into());
        let thread = thread.spawn(move || writer.run(&commands)).map_err(Error::internal)?;
        streams.way = Way::Thread { queue: Some(queue), thread: Some(thread) };
        Ok(streams)
    }

    /// As [`FileStreams::open`], without threads: every call is written on its caller's stack, nothing
    /// is synced, and what is due to be freed goes with the next call.
    ///
    /// # Errors
    /// As [`FileStreams::open`].
    pub fn open_in_line(folder: impl AsRef<Path>, options: Options) -> Result<Self> {
        let (mut streams, writer) = Self::prepare(folder.as_ref(), Options { sync_every: None, ..options })?;
        streams.way = Way::InLine(Box::new(Mutex::new(writer)));
        Ok(streams)
    }

    fn prepare(folder: &Path, mut options: Options) -> Result<(Self, Writer)> {
        options.entry_bytes = options.entry_bytes.min(PAYLOAD_MAX);
        let (log, streams): (Log, _) = replay(folder, &options)?;
        let slots = Arc::<Slots>::default();
        let waiting = Arc::<AtomicUsize>::default();
        let writer = Writer::new(options.clone(), log, streams, slots.clone(), waiting.clone())?;
        let way = Way::Thread { queue: None, thread: None };
        Ok((Self { way, waiting, slots, options }, writer))
    }

    async fn ask<T>(&self, stream: Uuid, action: impl FnOnce(oneshot::Sender<Result<T>>) -> Action) -> Result<T> {
        let ended = || Error::unavailable("the streams of this server are shutting down");
        let (sender, answer) = oneshot::channel();
        let action = action(sender);
        let bytes = weight(&action);
        if self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > self.options.queue_bytes {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Error::unavailable("too many bytes wait for the streams log"));
        }
        let command = Command { stream, action };
        let queue = match &self.way {
            Way::Thread { queue, .. } => queue.as_ref().ok_or_else(ended)?,
            Way::InLine(writer) => {
                writer.lock().unwrap_or_else(PoisonError::into_inner).take(command);
                return answer.await.map_err(|_| ended())?;
            }
        };
        if let Err(refused) = queue.try_send(command) {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return Err(match refused {
                TrySendError::Full(_) => Error::unavailable("too many calls wait for the streams log"),
                TrySendError::Disconnected(_) => ended(),
            });
        }
        answer.await.map_err(|_| ended())?
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

    async fn release(&self, stream: Uuid) -> Result<()> {
        self.ask(stream, |answer| Action::Release { answer }).await
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
        let Way::Thread { queue, thread } = &mut self.way else {
            self.slots.close();
            return;
        };
        // the writer ends when its queue is closed and empty
        drop(queue.take());
        if let Some(thread) = thread.take() {
            // a panic there was logged; nothing is left to save
            let _ = thread.join();
        }
    }
}
