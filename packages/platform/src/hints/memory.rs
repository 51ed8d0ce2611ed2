//! `memory:`: one ring per person, one for everybody, and one count over all of them, so that a
//! listener's place is a single number. There is no queue per listener: a slow one falls behind in
//! its ring and is told so when it has fallen out of it.

use super::{Audience, Heard, Hearing, Hint, Hints};
use crate::{Result, streams::Position};
use async_trait::async_trait;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use uuid::Uuid;

/// What one call of a listener returns at most.
const BATCH: usize = 64;
/// Kinds come from code, so there are few; a program that makes them up must not fill the memory.
const KINDS: usize = 1024;

/// Bounds of the memory.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Hints kept for a person.
    pub per_person: usize,
    /// Hints kept that are for everybody.
    pub for_everybody: usize,
    /// People who are not connected and whose hints are kept all the same, for when they come back.
    pub absent: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { per_person: 256, for_everybody: 256, absent: 4096 }
    }
}

/// The embedded adapter. A restart is another epoch, so that everybody fetches everything.
pub struct MemoryHints(Arc<Mutex<Board>>);

struct Board {
    options: Options,
    epoch: u64,
    /// What the next hint gets.
    next: i64,
    everybody: Ring,
    people: HashMap<Uuid, Ring>,
    /// The last hint of any ring that was given up.
    given_up: i64,
    kinds: HashSet<Arc<str>>,
}

struct Ring {
    hints: VecDeque<(i64, Hint)>,
    /// The last hint that fell out.
    forgotten: i64,
    /// The last hint that came in.
    last: i64,
    woken: watch::Sender<()>,
}

impl Ring {
    fn new() -> Self {
        Self { hints: VecDeque::new(), forgotten: -1, last: -1, woken: watch::Sender::default() }
    }

    fn push(&mut self, seq: i64, hint: Hint, limit: usize) {
        while self.hints.len() >= limit.max(1)
            && let Some((forgotten, _)) = self.hints.pop_front()
        {
            self.forgotten = forgotten;
        }
        self.last = seq;
        self.hints.push_back((seq, hint));
        self.woken.send_replace(());
    }

    fn after(&self, seq: i64) -> impl Iterator<Item = &(i64, Hint)> {
        let first = self.hints.partition_point(|(at, _)| *at <= seq);
        self.hints.iter().skip(first).take(BATCH)
    }

    fn is_listened_to(&self) -> bool {
        self.woken.receiver_count() > 0
    }
}

impl MemoryHints {
    /// `epoch` tells this life of the memory from every other one; its lower 53 bits count, so that a
    /// JSON number carries it.
    #[must_use]
    pub fn new(epoch: u64, options: Options) -> Self {
        Self(Arc::new(Mutex::new(Board {
            options,
            epoch: epoch & ((1 << 53) - 1),
            next: 0,
            everybody: Ring::new(),
            people: HashMap::new(),
            given_up: -1,
            kinds: HashSet::new(),
        })))
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    fn now(&self) -> Position {
        Position { epoch: self.epoch, seq: self.next - 1 }
    }

    fn ring(&mut self, person: Uuid) -> &mut Ring {
        if !self.people.contains_key(&person) && self.people.len() >= 2 * self.options.absent {
            self.give_up();
        }
        self.people.entry(person).or_insert_with(Ring::new)
    }

    /// Gives up the rings of those who are absent, the longest untouched first, down to the limit.
    fn give_up(&mut self) {
        let mut absent: Vec<(i64, Uuid)> = self
            .people
            .iter()
            .filter(|(_, ring)| !ring.is_listened_to())
            .map(|(person, ring)| (ring.last, *person))
            .collect();
        absent.sort_unstable();
        absent.truncate(absent.len().saturating_sub(self.options.absent));
        for (last, person) in absent {
            self.people.remove(&person);
            self.given_up = self.given_up.max(last);
        }
    }

    /// One text for each kind, however many hints have it.
    fn kind(&mut self, kind: Arc<str>) -> Arc<str> {
        if let Some(known) = self.kinds.get(&kind) {
            return known.clone();
        }
        if self.kinds.len() < KINDS {
            self.kinds.insert(kind.clone());
        }
        kind
    }

    fn publish(&mut self, audience: Audience, hint: Hint) {
        let hint = Hint { kind: self.kind(hint.kind), ..hint };
        let seq = self.next;
        self.next += 1;
        let Options { per_person, for_everybody, .. } = self.options;
        match audience {
            Audience::Person(person) => self.ring(person).push(seq, hint, per_person),
            Audience::Everybody => self.everybody.push(seq, hint, for_everybody),
        }
    }
}

#[async_trait]
impl Hints for MemoryHints {
    async fn publish(&self, audience: Audience, hint: Hint) -> Result<()> {
        lock(&self.0).publish(audience, hint);
        Ok(())
    }

    fn subscribe(&self, person: Uuid, from: Option<Position>) -> Box<dyn Hearing> {
        let mut board = lock(&self.0);
        let own = board.ring(person).woken.subscribe();
        let all = board.everybody.woken.subscribe();
        let now = board.now();
        // A ring that was given up may have held something for this person.
        let connects = |from: &Position| from.epoch == now.epoch && (board.given_up..=now.seq).contains(&from.seq);
        let (place, lost) = match from {
            None => (now, false),
            Some(from) if connects(&from) => (from, false),
            Some(_) => (now, true),
        };
        Box::new(MemoryHearing { board: self.0.clone(), person, place, lost, own, all })
    }
}

struct MemoryHearing {
    board: Arc<Mutex<Board>>,
    person: Uuid,
    place: Position,
    /// What it came with does not connect, and it has not been told.
    lost: bool,
    own: watch::Receiver<()>,
    all: watch::Receiver<()>,
}

impl MemoryHearing {
    fn take(&mut self) -> Option<Heard> {
        let board = lock(&self.board);
        let now = board.now();
        let own = board.people.get(&self.person);
        let forgotten = own.map_or(-1, |ring| ring.forgotten).max(board.everybody.forgotten);
        if std::mem::take(&mut self.lost) || self.place.seq < forgotten {
            self.place = now;
            return Some(Heard::Lost(now));
        }
        let own = own.into_iter().flat_map(|ring| ring.after(self.place.seq));
        let mut hints: Vec<_> = own.chain(board.everybody.after(self.place.seq)).cloned().collect();
        if hints.is_empty() {
            // What was told to others meanwhile is behind this listener too.
            self.place = now;
            return None;
        }
        hints.sort_unstable_by_key(|(seq, _)| *seq);
        hints.truncate(BATCH);
        let epoch = now.epoch;
        let placed: Vec<_> = hints.into_iter().map(|(seq, hint)| (Position { epoch, seq }, hint)).collect();
        self.place = placed.last().map_or(self.place, |(place, _)| *place);
        Some(Heard::Hints(placed))
    }
}

#[async_trait]
impl Hearing for MemoryHearing {
    async fn next(&mut self) -> Result<Heard> {
        loop {
            // Marked seen before the look: what comes after it wakes again.
            self.own.borrow_and_update();
            self.all.borrow_and_update();
            if let Some(heard) = self.take() {
                return Ok(heard);
            }
            // The senders live as long as the board, which this listener holds.
            tokio::select! {
                _ = self.own.changed() => {}
                _ = self.all.changed() => {}
            }
        }
    }

    fn position(&self) -> Position {
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn hint(kind: &str) -> Hint {
        Hint { kind: kind.into(), id: Uuid::nil(), version: 1 }
    }

    #[tokio::test]
    async fn memory_is_bounded_by_who_is_connected_and_a_few_more() {
        let hints = MemoryHints::new(7, Options { per_person: 4, for_everybody: 4, absent: 8 });
        let connected: Vec<_> = (0..20).map(|_| hints.subscribe(Uuid::now_v7(), None)).collect();
        for number in 0..1000 {
            hints.publish(Audience::Person(Uuid::now_v7()), hint(&format!("kind {number}"))).await.unwrap();
        }
        let people = |hints: &MemoryHints| lock(&hints.0).people.len();
        assert!(people(&hints) <= 20 + 2 * 8 + 1, "{}", people(&hints));
        drop(connected);
        for _ in 0..100 {
            drop(hints.subscribe(Uuid::now_v7(), None));
        }
        assert!(people(&hints) <= 2 * 8, "{}", people(&hints));
        assert!(lock(&hints.0).kinds.len() <= KINDS);
    }

    #[tokio::test]
    async fn what_others_are_told_makes_nobody_who_listens_lose_their_place() {
        let hints = MemoryHints::new(7, Options { per_person: 4, for_everybody: 4, absent: 1 });
        let ana = Uuid::now_v7();
        let mut listening = hints.subscribe(ana, None);
        assert!(listening.next().now_or_never().is_none());
        for _ in 0..50 {
            hints.publish(Audience::Person(Uuid::now_v7()), hint("chat.renamed")).await.unwrap();
        }
        hints.publish(Audience::Person(ana), hint("chat.created")).await.unwrap();
        let heard = listening.next().await.unwrap();
        assert!(matches!(&heard, Heard::Hints(hints) if hints.len() == 1 && hints[0].0.seq == 50), "{heard:?}");
    }
}
