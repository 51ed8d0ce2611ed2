//! What readers see: one slot per stream that anybody holds, shared by all of its readers. There is
//! no queue per reader, only a position, so a slow one costs nothing and slows nobody.

use super::{Batch, Entry, Item, Nudges, Position, Reading};
use crate::{Error, Result, failpoint};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// What one call of a reader returns at most, in entries and in bytes (at least one entry). It is what a
/// reader that stands still holds, so it is little.
const BATCH_ENTRIES: usize = 64;
const BATCH_BYTES: usize = 16 * 1024;

/// All slots by stream; a slot goes with its last holder (the writer, a reader or a nudge).
#[derive(Default)]
pub struct Slots(Mutex<HashMap<Uuid, Weak<Slot>>>);

/// One stream as readers see it.
pub struct Slot {
    stream: Uuid,
    slots: Arc<Slots>,
    state: Mutex<State>,
    /// Wakes readers in the order in which they came to wait.
    changed: Notify,
    nudged: watch::Sender<u64>,
}

/// A stream that nobody has opened yet, a live one, or the end of the adapter.
#[derive(Default)]
pub struct State {
    pub live: Option<Live>,
    pub closed: bool,
}

/// The entries of a stream, all of them in the log already.
pub struct Live {
    pub epoch: u64,
    pub first: u64,
    pub entries: Vec<Bytes>,
}

impl Live {
    pub fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// All entries.
    pub fn all(&self) -> Vec<Entry> {
        self.numbered().collect()
    }

    fn numbered(&self) -> impl Iterator<Item = Entry> {
        (self.first..).zip(&self.entries).map(|(seq, bytes)| Entry { seq, bytes: bytes.clone() })
    }

    /// Entries from `seq` on, as many as one call returns.
    fn batch(&self, seq: u64) -> Batch {
        let skipped = usize::try_from(seq - self.first).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let within = |entry: &Entry| {
            let first = bytes == 0;
            bytes += entry.bytes.len().max(1);
            first || bytes <= BATCH_BYTES
        };
        let entries = (seq..).zip(self.entries.iter().skip(skipped));
        let entries = entries.map(|(seq, bytes)| Entry { seq, bytes: bytes.clone() });
        Batch { epoch: self.epoch, entries: entries.take(BATCH_ENTRIES).take_while(within).collect() }
    }
}

impl Slots {
    /// The slot of a stream, made when there is none.
    pub fn slot(self: &Arc<Self>, stream: Uuid) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&stream).and_then(Weak::upgrade) {
            return slot;
        }
        let slot = Arc::new(Slot {
            stream,
            slots: self.clone(),
            state: Mutex::default(),
            changed: Notify::new(),
            nudged: watch::Sender::default(),
        });
        slots.insert(stream, Arc::downgrade(&slot));
        slot
    }

    /// Tells every reader that nothing follows.
    pub fn close(&self) {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held: Vec<_> = slots.values().filter_map(Weak::upgrade).collect();
        // the last holder of a slot takes the lock to remove it
        drop(slots);
        for slot in held {
            slot.change(|state| state.closed = true);
        }
    }

    /// Wakes the producer of a stream, if it listens here.
    pub fn nudge(&self, stream: Uuid) {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).and_then(Weak::upgrade);
        if let Some(slot) = slot {
            slot.nudged.send_modify(|count| *count += 1);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Slot {
    /// What is there now.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it and wakes all readers.
    pub fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_waiters();
    }

    /// The nudges of this stream from now on.
    pub fn nudges(self: Arc<Self>) -> Nudges {
        Nudges::new(self.nudged.subscribe(), Box::new(self))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut slots = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        // another holder may have made a new slot of the same stream since
        if slots.get(&self.stream).is_some_and(|slot| slot.strong_count() == 0) {
            slots.remove(&self.stream);
        }
    }
}

/// One reader's position in a slot.
pub struct Reader {
    slot: Arc<Slot>,
    cursor: Cursor,
}

#[derive(Clone, Copy)]
enum Cursor {
    /// From the first entry kept.
    Start,
    /// After what the client says it has seen.
    After(Position),
    /// The next entry of a stream that this reader has met.
    At {
        epoch: u64,
        next: u64,
    },
    Freed,
}

impl Reader {
    pub fn new(slot: Arc<Slot>, from: Option<Position>) -> Self {
        let cursor = from.map_or(Cursor::Start, Cursor::After);
        Self { slot, cursor }
    }
}

impl Cursor {
    /// What there is for a reader here, `None` when it has to wait.
    fn step(&mut self, state: &State) -> Option<Item> {
        let Some(live) = &state.live else {
            // freed only for who has seen it live; others wait for it to be opened
            if let Self::At { .. } = self {
                *self = Self::Freed;
            }
            return matches!(self, Self::Freed).then_some(Item::Freed);
        };
        let wanted = match *self {
            Self::Start => Some(live.first),
            Self::After(seen) if seen.epoch == live.epoch => {
                let step = if failpoint::mutant("resume-off-by-one") { 2 } else { 1 };
                seen.seq.checked_add(step).and_then(|seq| u64::try_from(seq).ok())
            }
            Self::At { epoch, next } if epoch == live.epoch => Some(next),
            Self::After(_) | Self::At { .. } => None,
            Self::Freed => return Some(Item::Freed),
        };
        let Some(seq) = wanted.filter(|seq| (live.first..=live.next()).contains(seq)) else {
            *self = Self::At { epoch: live.epoch, next: live.first };
            return Some(Item::Lost { epoch: live.epoch, first: live.first, next: live.next() });
        };
        let batch = live.batch(seq);
        *self = Self::At { epoch: live.epoch, next: seq + batch.entries.len() as u64 };
        (!batch.entries.is_empty()).then_some(Item::Batch(batch))
    }
}

#[async_trait]
impl Reading for Reader {
    async fn next(&mut self) -> Result<Item> {
        let ended = || Error::unavailable("the streams of this server are shutting down");
        loop {
            // Made before the look: what changes after it wakes this.
            let changed = self.slot.changed.notified();
            {
                let state = self.slot.state();
                if let Some(item) = self.cursor.step(&state) {
                    return Ok(item);
                }
                if state.closed {
                    return Err(ended());
                }
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_goes_with_its_last_holder() {
        let slots = Arc::new(Slots::default());
        let reader = Reader::new(slots.slot(Uuid::nil()), None);
        let nudges = slots.slot(Uuid::nil()).nudges();
        assert_eq!(slots.len(), 1);
        drop(reader);
        assert_eq!(slots.len(), 1);
        drop(nudges);
        assert_eq!(slots.len(), 0);
    }

    #[test]
    fn a_batch_is_bounded_and_never_empty() {
        let entry = |length| Bytes::from(vec![0; length]);
        let live = |entries| Live { epoch: 1, first: 5, entries };
        assert_eq!(live(vec![entry(BATCH_BYTES + 1), entry(1)]).batch(5).entries.len(), 1);
        assert_eq!(live(vec![entry(0); 1000]).batch(6).entries.len(), BATCH_ENTRIES);
        assert_eq!(live(vec![entry(1); 3]).batch(7).entries[0].seq, 7);
    }
}
