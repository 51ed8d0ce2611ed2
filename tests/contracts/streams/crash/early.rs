//! A broken adapter that a restart in peace cannot show: it writes a moment after it has shown or
//! acknowledged.

use async_trait::async_trait;
use bytes::Bytes;
use platform::{
    Result,
    streams::{Batch, Entry, Item, Nudges, Position, Prefix, Reading, Streams},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

const DELAY: Duration = Duration::from_millis(5);

/// Shows before it writes and acknowledges afterwards, or the other way round.
pub struct Early {
    inner: Arc<dyn Streams>,
    shows: bool,
    open: Mutex<HashMap<Uuid, Open>>,
}

struct Open {
    next: u64,
    epoch: u64,
    shown: watch::Sender<Vec<Entry>>,
    late: mpsc::UnboundedSender<(u32, Vec<Bytes>)>,
}

impl Early {
    pub fn new(inner: Arc<dyn Streams>, shows: bool) -> Self {
        Self { inner, shows, open: Mutex::default() }
    }
}

#[async_trait]
impl Streams for Early {
    async fn open(&self, stream: Uuid, attempt: u32, base: u64) -> Result<Prefix> {
        let prefix = self.inner.open(stream, attempt, base).await?;
        let (late, mut queue) = mpsc::unbounded_channel();
        let inner = self.inner.clone();
        tokio::spawn(async move {
            while let Some((attempt, entries)) = queue.recv().await {
                tokio::time::sleep(DELAY).await;
                if inner.append(stream, attempt, entries).await.is_err() {
                    return;
                }
            }
        });
        let open = Open { next: prefix.next, epoch: prefix.epoch, shown: watch::Sender::default(), late };
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(stream, open);
        Ok(prefix)
    }

    async fn append(&self, stream: Uuid, attempt: u32, entries: Vec<Bytes>) -> Result<u64> {
        let next = {
            let mut streams = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(open) = streams.get_mut(&stream) else { return Ok(0) };
            let numbered = (open.next..).zip(&entries).map(|(seq, bytes)| Entry { seq, bytes: bytes.clone() });
            open.shown.send_modify(|shown| shown.extend(numbered));
            open.next += entries.len() as u64;
            if !self.shows {
                // acknowledged before it is written
                let _ = open.late.send((attempt, entries));
                return Ok(open.next);
            }
            open.next
        };
        tokio::time::sleep(DELAY).await;
        let written = self.inner.append(stream, attempt, entries).await?;
        assert_eq!(written, next, "one writer per stream");
        Ok(written)
    }

    fn read(&self, stream: Uuid, from: Option<Position>) -> Box<dyn Reading> {
        let streams = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match streams.get(&stream).filter(|_| self.shows) {
            Some(open) => Box::new(ShownEarly { epoch: open.epoch, read: 0, shown: open.shown.subscribe() }),
            None => self.inner.read(stream, from),
        }
    }

    async fn release(&self, stream: Uuid, attempt: u32) -> Result<()> {
        self.inner.release(stream, attempt).await
    }

    async fn nudge(&self, stream: Uuid) -> Result<()> {
        self.inner.nudge(stream).await
    }

    fn nudges(&self, stream: Uuid) -> Nudges {
        self.inner.nudges(stream)
    }
}

/// Reads what this process appends, from memory.
struct ShownEarly {
    epoch: u64,
    read: usize,
    shown: watch::Receiver<Vec<Entry>>,
}

#[async_trait]
impl Reading for ShownEarly {
    async fn next(&mut self) -> Result<Item> {
        let read = self.read;
        let Ok(shown) = self.shown.wait_for(|shown| shown.len() > read).await else { return Ok(Item::Freed) };
        let entries = shown[read..].to_vec();
        self.read = shown.len();
        Ok(Item::Batch(Batch { epoch: self.epoch, entries }))
    }
}
