//! Who decides and writes: checks the fences of all commands of a tick, writes what they add at once, and
//! only then shows it to readers and answers.

mod room;

use super::{
    Prefix,
    log::Log,
    memory::{Live, Slot, Slots},
    options::Options,
    record::{self, Fact},
    replay::{Head, Released, Replayed, cost},
    sync::Syncer,
};
use crate::{Error, Result, failpoint};
use bytes::Bytes;
use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::Arc,
    time::Duration,
};
// tokio's clock: monotonic, and a test can move it
use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

/// What the buffer of one write keeps between two of them, in bytes.
const BUFFER: usize = 256 * 1024;
/// The longest time between two looks for streams to free.
const SWEEP: Duration = Duration::from_secs(60);

pub struct Command {
    pub stream: Uuid,
    pub action: Action,
}

pub enum Action {
    Open { attempt: u32, base: u64, answer: Answer<Prefix> },
    Append { attempt: u32, entries: Vec<Bytes>, answer: Answer<u64> },
    Release { attempt: u32, answer: Answer<()> },
}

pub type Answer<T> = oneshot::Sender<Result<T>>;

pub struct Writer {
    options: Options,
    log: Log,
    slots: Arc<Slots>,
    kept: HashMap<Uuid, Kept>,
    /// Sizes of all kept streams, and of the released ones among them, in bytes.
    kept_bytes: u64,
    released_bytes: u64,
    /// The released ones, by when they go.
    released: BTreeSet<(Instant, Uuid)>,
    /// Heads as they will be once this tick is written.
    staged: HashMap<Uuid, Head>,
    staged_bytes: u64,
    records: Vec<u8>,
    syncer: Option<Syncer>,
    swept: Instant,
    /// A segment was begun: old ones may be held by few streams.
    rolled: bool,
}

struct Kept {
    head: Head,
    slot: Arc<Slot>,
    /// The segments that hold records of it, ascending.
    segments: Vec<u64>,
}

impl Writer {
    pub fn new(options: Options, log: Log, streams: HashMap<Uuid, Replayed>, slots: Arc<Slots>) -> Result<Self> {
        let syncer = options.sync_every.map(Syncer::start).transpose()?;
        let mut writer = Self {
            options,
            log,
            slots,
            kept: HashMap::new(),
            kept_bytes: 0,
            released_bytes: 0,
            released: BTreeSet::new(),
            staged: HashMap::new(),
            staged_bytes: 0,
            records: Vec::new(),
            syncer,
            swept: Instant::now(),
            rolled: false,
        };
        for (stream, Replayed { head, entries, segments }) in streams {
            for number in &segments {
                writer.log.hold(*number);
            }
            writer.keep(stream, head, segments, entries);
        }
        writer.sweep();
        if writer.log.is_damaged() {
            writer.renew();
        }
        writer.log.clean();
        Ok(writer)
    }

    /// How long between two looks for streams to free.
    pub fn pause(&self) -> Duration {
        SWEEP.min(self.options.retention / 10).max(Duration::from_millis(1))
    }

    /// Whether there is something for [`Writer::tidy`] that does not come by itself with time.
    pub fn is_due(&self) -> bool {
        self.rolled
    }

    /// Frees what is over, and old segments. May wait for the disk.
    pub fn tidy(&mut self) {
        if self.swept.elapsed() >= self.pause() {
            self.sweep();
        }
        if std::mem::take(&mut self.rolled) {
            self.carry();
        }
    }

    /// Plans, writes, shows, answers: in this order for all commands together.
    pub fn tick(&mut self, commands: Vec<Command>) {
        self.records.clear();
        self.records.shrink_to(BUFFER);
        self.staged.clear();
        self.staged_bytes = 0;
        let before = self.log.file().map(|(number, _)| number);
        let planned: Vec<_> = commands.into_iter().map(|command| (self.plan(&command), command)).collect();
        if let Err(error) = self.write() {
            tracing::warn!(%error, "the streams log cannot be written");
            // refusals too: they may rest on what could not be written
            for (_, command) in planned {
                command.action.fail(not_written(&error));
            }
            return;
        }
        for (outcome, command) in planned {
            self.finish(command, outcome);
        }
        self.staged.clear();
        while self.released_bytes > self.options.released_bytes && self.free_oldest_released() {}
        let newest = self.log.file().map(|(number, _)| number);
        self.rolled |= newest != before;
    }

    /// Checks a command against what is kept and planned, and encodes what it adds. Returns the seq
    /// after its last entry.
    fn plan(&mut self, command: &Command) -> Result<u64> {
        let stream = command.stream;
        let head = self.staged.get(&stream).copied().or_else(|| self.kept.get(&stream).map(|kept| kept.head));
        let fenced = |head: &Head, attempt| !failpoint::mutant("no-fence") && head.fence != attempt;
        let mut head = match (&command.action, head) {
            (Action::Open { attempt, base, .. }, None) => {
                let head = Head::new(*attempt, *base, self.options.random());
                if !self.make_room(head.bytes, 0) {
                    return Err(Error::unavailable("too much text of unfinished replies is in memory"));
                }
                self.record(stream, Fact::Created { attempt: *attempt, base: *base, nonce: head.nonce });
                head
            }
            (Action::Open { attempt, .. }, Some(head)) if fenced(&head, *attempt) && *attempt < head.fence => {
                return Err(stale(*attempt, head.fence));
            }
            (Action::Open { attempt, .. }, Some(mut head)) => {
                if head.fence != *attempt || head.released.is_some() {
                    self.record(stream, Fact::Fenced { attempt: *attempt });
                    head.fence = *attempt;
                    head.released = None;
                }
                head
            }
            (Action::Append { .. }, None) => return Err(Error::not_found("stream (open it first)")),
            (Action::Append { attempt, .. }, Some(head)) if fenced(&head, *attempt) => {
                return Err(stale(*attempt, head.fence));
            }
            (Action::Append { attempt, entries, .. }, Some(mut head)) => {
                let added = entries.iter().map(|entry| cost(entry)).sum();
                if head.bytes + added > self.options.stream_bytes {
                    return Err(Error::too_large(format!(
                        "a stream holds at most {} bytes",
                        self.options.stream_bytes
                    )));
                }
                // a stream of this tick does not make way for itself
                self.staged.insert(stream, head);
                if !self.make_room(added, head.bytes) {
                    return Err(Error::too_large(
                        "too much text of unfinished replies is in memory for more of this one",
                    ));
                }
                for entry in entries {
                    self.record(stream, Fact::Appended { attempt: *attempt, seq: head.next, bytes: entry });
                    head.add(entry);
                }
                head
            }
            (Action::Release { .. }, None) => return Ok(0),
            (Action::Release { attempt, .. }, Some(head)) if fenced(&head, *attempt) && *attempt < head.fence => {
                return Err(stale(*attempt, head.fence));
            }
            (Action::Release { attempt, .. }, Some(mut head)) => {
                if head.fence < *attempt {
                    self.record(stream, Fact::Fenced { attempt: *attempt });
                    head.fence = *attempt;
                    head.released = None;
                }
                if head.released.is_none() {
                    let at = self.options.wall_millis();
                    self.record(stream, Fact::Released { at });
                    head.released = Some(Released::at(at, &self.options));
                }
                head
            }
        };
        head.touched = Instant::now();
        self.staged.insert(stream, head);
        Ok(head.next)
    }

    fn record(&mut self, stream: Uuid, fact: Fact<'_>) {
        record::encode(&mut self.records, stream, fact);
    }

    /// One write for the whole tick; then the heads of its streams are true.
    fn write(&mut self) -> io::Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        let number = self.log.write(&self.records)?;
        let mut staged = std::mem::take(&mut self.staged);
        for (stream, head) in staged.drain() {
            match self.kept.get_mut(&stream) {
                Some(kept) => {
                    let before = std::mem::replace(&mut kept.head, head);
                    if kept.segments.last() != Some(&number) {
                        kept.segments.push(number);
                        self.log.hold(number);
                    }
                    self.count(stream, Some(before), Some(head));
                }
                None => {
                    self.log.hold(number);
                    self.keep(stream, head, vec![number], Vec::new());
                }
            }
        }
        self.staged = staged;
        self.sync();
        Ok(())
    }

    /// Shows what was written and answers.
    fn finish(&mut self, command: Command, outcome: Result<u64>) {
        let next = match outcome {
            Ok(next) => next,
            Err(error) => return command.action.fail(error),
        };
        let slot = self.kept.get(&command.stream).map(|kept| &kept.slot);
        // a caller that went away is not interested in its answer
        match (command.action, slot) {
            (Action::Append { entries, answer, .. }, Some(slot)) => {
                slot.change(|state| {
                    if let Some(live) = &mut state.live {
                        // copies, so that a small entry does not hold the caller's large buffer
                        live.entries.extend(entries.iter().map(|entry| Bytes::copy_from_slice(entry)));
                    }
                });
                let _ = answer.send(Ok(next));
            }
            (Action::Open { answer, .. }, Some(slot)) => {
                let state = slot.state();
                let live = state.live.as_ref();
                let _ = answer.send(
                    live.map(|live| Prefix { epoch: live.epoch, entries: live.all(), next: live.next() })
                        .ok_or_else(freed),
                );
            }
            (Action::Release { answer, .. }, _) => {
                let _ = answer.send(Ok(()));
            }
            (action, None) => action.fail(freed()),
        }
    }

    /// Takes a stream into the books and shows it.
    fn keep(&mut self, stream: Uuid, head: Head, segments: Vec<u64>, entries: Vec<Bytes>) {
        let slot = self.slots.slot(stream);
        let live = Live { epoch: head.nonce ^ self.log.salt(), first: head.base, entries };
        slot.change(|state| state.live = Some(live));
        self.count(stream, None, Some(head));
        self.kept.insert(stream, Kept { head, slot, segments });
    }

    /// Takes out of the books what a stream was, and in what it is.
    fn count(&mut self, stream: Uuid, before: Option<Head>, after: Option<Head>) {
        if let Some(head) = before {
            self.kept_bytes -= head.bytes;
            if let Some(released) = head.released {
                self.released_bytes -= head.bytes;
                self.released.remove(&(released.free_at, stream));
            }
        }
        if let Some(head) = after {
            self.kept_bytes += head.bytes;
            if let Some(released) = head.released {
                self.released_bytes += head.bytes;
                self.released.insert((released.free_at, stream));
            }
        }
    }

    fn sync(&self) {
        if let (Some(syncer), Some((number, file))) = (&self.syncer, self.log.file()) {
            syncer.written(number, file);
        }
    }
}

impl Action {
    fn fail(self, error: Error) {
        match self {
            Self::Open { answer, .. } => drop(answer.send(Err(error))),
            Self::Append { answer, .. } => drop(answer.send(Err(error))),
            Self::Release { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

/// What a command takes of the queue, in bytes.
pub fn weight(action: &Action) -> usize {
    match action {
        Action::Append { entries, .. } => entries.iter().map(|entry| entry.len() + record::OVERHEAD).sum(),
        Action::Open { .. } | Action::Release { .. } => record::OVERHEAD,
    }
}

fn stale(attempt: u32, fence: u32) -> Error {
    Error::stale(format!("attempt {attempt} was replaced by attempt {fence}"))
}

fn freed() -> Error {
    Error::unavailable("the stream was freed meanwhile")
}

fn not_written(error: &io::Error) -> Error {
    Error::unavailable(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk of this server is full".to_owned(),
        _ => format!("the disk of this server cannot be written: {error}"),
    })
}
