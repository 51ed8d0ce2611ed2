//! The embedded adapter: memory over one append-only log in a folder (`file:data/streams`). What a
//! reader was shown survives `kill -9`; a power cut may take the last second, and then the epoch of
//! every kept stream changes. The folder must be used by one process only (the data folder's lock).

use super::{
    Nudges, Position, Prefix, Reading, Streams,
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
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Limits and times of the embedded streams. The defaults suit one server.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment file is followed by a new one at this size (16 MiB).
    pub segment_bytes: u64,
    /// How long a released stream can still be read (10 minutes).
    pub retention: Duration,
    /// A stream that nobody opens or appends to for this long is freed (24 hours).
    pub abandoned_after: Duration,
    /// Calls that wait for the log (4096) and the bytes of their entries (32 MiB).
    pub queue: usize,
    pub queue_bytes: usize,
    /// One entry (256 KiB, which is also the most), one stream (8 MiB).
    pub entry_bytes: usize,
    pub stream_bytes: u64,
    /// All released streams (64 MiB; the oldest go early) and all kept ones (512 MiB).
    pub released_bytes: u64,
    pub kept_bytes: u64,
    /// How often what was written is synced, beside the appends (1 s); `None` leaves it to the kernel.
    pub sync_every: Option<Duration>,
    /// Which boot of the kernel this is: another one means that unsynced writes may be gone.
    pub boot: Uuid,
}

impl Default for Options {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            segment_bytes: 16 * MIB,
            retention: Duration::from_secs(600),
            abandoned_after: Duration::from_secs(24 * 3600),
            queue: 4096,
            queue_bytes: 32 * 1024 * 1024,
            entry_bytes: PAYLOAD_MAX,
            stream_bytes: 8 * MIB,
            released_bytes: 64 * MIB,
            kept_bytes: 512 * MIB,
            sync_every: Some(Duration::from_secs(1)),
            boot: boot(),
        }
    }
}

/// The boot id of the kernel. Where there is none, every start counts as another boot.
fn boot() -> Uuid {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Uuid::parse_str(text.trim()).unwrap_or_else(|_| Uuid::from_u128(rand::random()))
}

/// Streams of one process. Dropping it writes what waits and ends its threads.
pub struct FileStreams {
    queue: Option<SyncSender<Command>>,
    waiting: Arc<AtomicUsize>,
    slots: Arc<Slots>,
    options: Options,
    thread: Option<JoinHandle<()>>,
}

impl FileStreams {
    /// Opens the folder, made when it is missing, and reads what is kept (blocking; for start-up).
    ///
    /// # Errors
    /// `unavailable` with a sentence when the folder cannot be used.
    pub fn open(folder: impl AsRef<Path>, mut options: Options) -> Result<Self> {
        options.entry_bytes = options.entry_bytes.min(PAYLOAD_MAX);
        let (log, streams): (Log, _) = replay(folder.as_ref(), &options)?;
        let slots = Arc::<Slots>::default();
        let waiting = Arc::<AtomicUsize>::default();
        let (queue, commands) = sync_channel(options.queue);
        let writer = Writer::new(options.clone(), log, streams, slots.clone(), waiting.clone())?;
        let thread = thread::Builder::new().name("streams".into());
        let thread = thread.spawn(move || writer.run(&commands)).map_err(Error::internal)?;
        Ok(Self { queue: Some(queue), waiting, slots, options, thread: Some(thread) })
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
        let sent = self.queue.as_ref().ok_or_else(ended)?.try_send(Command { stream, action });
        if let Err(refused) = sent {
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
        // the writer ends when its queue is closed and empty
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // a panic there was logged; nothing is left to save
            let _ = thread.join();
        }
    }
}
