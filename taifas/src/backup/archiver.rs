//! Continuous archiving: every few seconds what was committed goes into the archive's folder, and every
//! day a whole copy of the database. Commits wait for none of it: the changes are read from the
//! write-ahead log beside those who write it.

use super::{
    Places, Staging,
    mirror::Mirror,
    sealed::Keys,
    segment::{self, Head, Segment},
    shelf::{self, Chain, FILES, LOCK},
    state::{Left, State},
    write,
};
use crate::settings::{Backup, Settings};
use anyhow::{Context as _, Result, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    Platform,
    audit::{self, SEALS},
    db::{
        Db,
        wal::{Changes, Place, Tail},
    },
    erased::{self, JOURNAL},
    storage::{self, LastBackup},
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// How often it is looked whether there is something to do.
const LOOK: Duration = Duration::from_secs(1);
/// The log is made to begin anew beyond this size.
const TURN: u64 = 4 << 20;
/// So much that has not been archived is archived at once.
const MUCH: u64 = 16 << 20;
/// So much may wait for an archive that cannot be written; then its chain ends, and another begins later.
const MOST: usize = 256 << 20;
/// How often the state is written when nothing happens.
const STILL: TimeDelta = TimeDelta::seconds(5);
/// The pause after a base that could not be made.
const AGAIN: Duration = Duration::from_secs(60);
/// What names of chains tell apart.
const STEP: TimeDelta = TimeDelta::milliseconds(1);

/// Archiving that goes on until it is ended.
pub struct Archiving {
    end: Sender<()>,
    ended: Receiver<()>,
}

impl Archiving {
    /// Begins in a thread of its own. A folder that cannot be written keeps nobody from working: it is
    /// tried again, and said in the log and by the doctor.
    pub fn start(platform: &Platform, settings: &Settings, keys: Option<Keys>) -> Result<Option<Self>> {
        let Some(shelf) = settings.backup.folder.clone() else { return Ok(None) };
        settings.backup.check(&settings.data)?;
        let places = Places::of(&Settings { data: platform.folder.to_path_buf(), ..settings.clone() })?;
        let (db, runtime, config) = (platform.db.clone(), Handle::current(), settings.backup.clone());
        let (end, asked) = channel();
        let (says, ended) = channel();
        let worker = Worker { db, runtime, places, shelf, keys, config, open: None, fault: None };
        std::thread::Builder::new().name("archiver".into()).spawn(move || {
            worker.run(&asked);
            let _ = says.send(());
        })?;
        Ok(Some(Self { end, ended }))
    }

    /// Archives the rest, and leaves the database in one file. A disk that does not answer is waited for so long.
    pub fn end(self, patience: Duration) {
        let _ = self.end.send(());
        match self.ended.recv_timeout(patience) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => {
                tracing::error!(
                    seconds = patience.as_secs(),
                    "the archive's folder does not answer; what it has not is archived after the next start"
                );
            }
            Err(RecvTimeoutError::Disconnected) => tracing::error!("archiving ended by a panic"),
        }
    }
}

struct Worker {
    db: Db,
    runtime: Handle,
    places: Places,
    shelf: PathBuf,
    keys: Option<Keys>,
    config: Backup,
    open: Option<Open>,
    fault: Option<String>,
}

/// A chain that is being written.
struct Open {
    chain: Chain,
    state: State,
    mirror: Mirror,
    /// Up to where the log was read.
    place: Option<Place>,
    /// Read from the log, not yet archived.
    pending: Changes,
    /// How large the log's file was then.
    size: u64,
    /// Whether the log was made to begin anew behind the place.
    turned: bool,
    /// The database file behind the last turn.
    left: Option<Left>,
    base: Option<JoinHandle<Result<Made>>>,
    base_due: Option<Instant>,
    /// The sizes of the journal of erasures and of the file of seals when they were carried.
    carried: [u64; 2],
    saved: DateTime<Utc>,
    /// Whether a file of changes is there that the state on the disk does not know.
    ahead: bool,
    /// A moment that has surely been: a clock that runs ahead must not have everything forgotten.
    reached: DateTime<Utc>,
    // held as long as this instance archives here
    _lock: File,
}

/// A base that has no name yet.
struct Made {
    part: PathBuf,
    from: u64,
}

impl Worker {
    fn run(mut self, asked: &Receiver<()>) {
        let every = Duration::from_secs(self.config.every_seconds);
        let mut last = Instant::now();
        loop {
            let ends = !matches!(asked.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout));
            let much = self.open.as_ref().is_some_and(|open| storage::size(&self.db.log()) > open.size + MUCH);
            if !ends && !much && self.open.is_some() && last.elapsed() < every {
                continue;
            }
            last = Instant::now();
            let done = self.begin().and_then(|()| self.round(ends, false)).and_then(|()| self.bases(ends));
            self.report(done.err());
            if ends {
                break;
            }
        }
        if let Err(error) = self.runtime.block_on(self.db.checkpoint()) {
            tracing::error!(%error, "the write-ahead log could not be moved into the database");
        }
        if let Some(open) = &mut self.open {
            open.leave(&self.places);
        }
    }

    /// Says what is wrong once, and bounds what waits.
    fn report(&mut self, error: Option<anyhow::Error>) {
        let fault = error.map(|error| format!("{error:#}"));
        if let Some(fault) = &fault {
            if self.fault.as_ref() != Some(fault) {
                tracing::error!(fault, folder = %self.shelf.display(), "changes are not archived; trying again");
            }
            let lost = self.open.as_ref().is_some_and(|open| open.pending.bytes() > MOST);
            if lost {
                tracing::error!("too much waits for the archive; it begins anew when its folder can be written");
                self.open = None;
            }
            if self.open.is_none() && storage::size(&self.db.log()) > TURN {
                // nobody else makes the log begin anew
                let _ = self.runtime.block_on(self.db.turn(None, false));
            }
        } else if self.fault.is_some() {
            tracing::info!(folder = %self.shelf.display(), "changes are archived again");
        }
        let changed = self.fault != fault;
        self.fault = fault;
        let Some(open) = &mut self.open else {
            if changed && let Some(mut state) = State::read(&self.places.folder) {
                state.fault.clone_from(&self.fault);
                let _ = state.write(&self.places.folder);
            }
            return;
        };
        let now = Utc::now();
        if self.fault.is_none() {
            open.state.at = now;
        }
        open.state.fault.clone_from(&self.fault);
        if (changed || now - open.saved > STILL)
            && let Err(error) = open.save(&self.places.folder, now)
        {
            tracing::warn!(error = format!("{error:#}"), "the state of archiving is not written");
        }
    }

    /// Goes on with the chain of before, or begins another one.
    fn begin(&mut self) -> Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.shelf);
        made.with_context(|| format!("{} cannot be made", self.shelf.display()))?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.shelf.join(LOCK));
        let lock = lock.with_context(|| format!("{} cannot be written", self.shelf.display()))?;
        ensure!(lock.try_lock().is_ok(), "another instance archives into {}", self.shelf.display());
        let known = State::read(&self.places.folder).filter(|state| state.shelf == self.shelf);
        let reached = shelf::latest(&self.shelf)?;
        let same_keys = known.as_ref().is_some_and(|state| self.opens(state));
        if let Some(known) = known.as_ref().filter(|known| !self.shelf.join(&known.chain).exists()) {
            let folder = self.shelf.display();
            tracing::warn!(%folder, chain = known.chain, "what was archived here before is gone; is its disk mounted?");
        }
        let (state, goes_on) = match &known {
            Some(state) if same_keys && self.continues(state)? => (state.clone(), true),
            _ => (self.new_state(reached)?, false),
        };
        // before anything is made: without a state the next try would begin yet another chain
        state.write(&self.places.folder).context("the state of archiving cannot be written")?;
        let folder = self.shelf.join(&state.chain);
        DirBuilder::new().recursive(true).mode(0o700).create(folder.join(FILES))?;
        if let Some(known) = known.filter(|_| same_keys && !goes_on) {
            Mirror::share(&self.shelf.join(known.chain).join(FILES), &folder.join(FILES))?;
        }
        let chain = Chain::open(&self.shelf, &state.chain)?;
        // what was written and then forgotten by a crash is written again
        if let Some(changes) = chain.changes.get(&state.next) {
            fs::remove_file(&changes.path)?;
        }
        let mirror = Mirror::open(self.places.objects.clone(), folder.join(FILES))?;
        let age = state.base_at.map(|at| (Utc::now() - at).to_std().unwrap_or_default());
        let base_due = match age {
            Some(age) => Instant::now().checked_add(self.config.base_every().saturating_sub(age)),
            None => Some(Instant::now()),
        };
        tracing::info!(chain = state.chain, goes_on, "changes are archived");
        let mut open = Open {
            chain,
            state: State { place: state.place.filter(|_| state.ended.is_none()), ended: None, fault: None, ..state },
            mirror,
            place: None,
            size: 0,
            pending: Changes::default(),
            turned: false,
            left: None,
            base: None,
            base_due,
            carried: [u64::MAX; 2],
            saved: Utc::now(),
            ahead: false,
            reached: reached.unwrap_or_else(Utc::now),
            _lock: lock,
        };
        open.place = open.state.place;
        open.save(&self.places.folder, Utc::now())?;
        self.open = Some(open);
        Ok(())
    }

    /// Whether what a chain ends with is there and was sealed as we would seal.
    fn opens(&self, state: &State) -> bool {
        let Ok(chain) = Chain::open(&self.shelf, &state.chain) else { return false };
        let Some(last) = state.next.checked_sub(1).and_then(|number| chain.changes.get(&number)) else { return false };
        let sealed = fs::read(&last.path).is_ok_and(|bytes| super::sealed::is_sealed(&bytes));
        let read = Segment::read(&last.path, self.keys.as_ref());
        sealed == self.keys.is_some() && read.is_ok_and(|read| read.sum == state.before)
    }

    /// Whether the log goes on from where it was archived.
    fn continues(&self, state: &State) -> Result<bool> {
        if state.base_at.is_none() {
            return Ok(false);
        }
        if self.is_behind(state)? {
            tracing::warn!(
                chain = state.chain,
                "the archive has more than the data folder: it was put back to an earlier state; what is archived stays, and another chain begins"
            );
            return Ok(false);
        }
        if let Some(left) = state.ended {
            return Ok(Left::of(&self.places.database)? == left);
        }
        let Some(place) = state.place else { return Ok(false) };
        Ok(!matches!(self.runtime.block_on(self.db.changes(Some(place)))?, Tail::Elsewhere))
    }

    /// Whether more is archived than a crash leaves ahead of the state: a copy of the data folder was put back.
    fn is_behind(&self, state: &State) -> Result<bool> {
        let chain = Chain::open(&self.shelf, &state.chain)?;
        let more = chain.changes.range(state.next + 1..).next().is_some();
        Ok(more || chain.bases.iter().any(|base| base.valid >= state.next))
    }

    /// A chain that begins with what the log holds now; the base that follows has what was before. Its name
    /// comes after all others, also when a clock that ran ahead was set back.
    fn new_state(&self, reached: Option<DateTime<Utc>>) -> Result<State> {
        let place = match self.runtime.block_on(self.db.changes(None))? {
            Tail::Changes(_, place) => place,
            Tail::Elsewhere => bail!("the write-ahead log cannot be read"),
        };
        let now = Utc::now();
        Ok(State {
            shelf: self.shelf.clone(),
            chain: Chain::begin(&self.shelf, reached.map_or(now, |reached| now.max(reached + STEP))).name,
            next: 1,
            before: String::new(),
            place,
            ended: None,
            at: now,
            base_at: None,
            began_at: Some(now),
            fault: None,
            base_fault: None,
        })
    }

    /// Archives what was committed since the last round.
    fn round(&mut self, at_end: bool, always: bool) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.size = storage::size(&self.db.log());
        let turn = at_end || open.place.is_some_and(|place| place.bytes() > TURN);
        let read = |place: Option<Place>| match turn {
            true => self.runtime.block_on(self.db.turn(place, at_end)),
            false => self.runtime.block_on(self.db.changes(place)),
        };
        let mut tail = read(open.place)?;
        if tail == Tail::Elsewhere && open.turned {
            tail = read(None)?;
            open.turned = false;
        }
        let Tail::Changes(changes, place) = tail else {
            self.open = None;
            bail!("the write-ahead log does not go on where it was archived; another chain begins");
        };
        if !changes.is_empty() {
            open.pending.extend(changes);
        }
        open.place = place;
        open.turned |= turn;
        if at_end {
            open.left = Left::of(&self.places.database).ok();
        }
        open.carry(&self.places, &self.shelf)?;
        if open.pending.is_empty() && !always && !at_end {
            return Ok(());
        }
        // behind the reading: nothing in it is from after this moment
        let now = Utc::now();
        open.mirror.round(self.keys.as_ref(), now)?;
        let (added, removed) = open.mirror.news();
        if open.pending.is_empty() && added.is_empty() && removed.is_empty() && !always {
            return Ok(());
        }
        let head = Head {
            chain: open.state.chain.clone(),
            number: open.state.next,
            at: now,
            before: open.state.before.clone(),
            page_size: open.pending.page_size,
            database_pages: open.pending.database_pages,
            pages: u32::try_from(open.pending.pages.len())?,
            added,
            removed,
        };
        // one file at most may be ahead of the state: of two, the next start could not tell whose they are
        if open.ahead {
            open.save(&self.places.folder, now)?;
        }
        let to = open.chain.changes(head.number, now);
        open.state.before = segment::write(&to, self.keys.as_ref(), &head, &open.pending)?;
        open.state.next += 1;
        open.state.place = open.place;
        open.state.at = now;
        open.pending = Changes::default();
        open.ahead = true;
        open.settle(&self.places.folder, now)
    }

    /// Begins a base when it is time, and gives one that is made its name.
    fn bases(&mut self, at_end: bool) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(base) = open.base.take_if(|base| base.is_finished()) {
            let made = base.join().map_err(|_| anyhow::anyhow!("the making of a base ended by a panic"));
            match made.flatten() {
                Ok(made) => return self.name_base(&made),
                Err(error) => {
                    // the changes go on; that no restore can use them is said until there is one
                    let fault = format!("{error:#}");
                    tracing::error!(fault, "no whole copy could be made for the archive; trying again");
                    open.base_due = Instant::now().checked_add(AGAIN);
                    open.state.base_fault = Some(fault);
                    return Ok(());
                }
            }
        }
        let due = open.base_due.is_some_and(|due| due <= Instant::now());
        if at_end || open.base.is_some() || !due {
            return Ok(());
        }
        open.mirror.round(self.keys.as_ref(), Utc::now())?;
        let from = open.state.next;
        let (places, keys, objects) = (self.places.clone(), self.keys.clone(), open.mirror.files().clone());
        let part = open.chain.folder.join("base.part");
        let made = move || {
            let staging = Staging::new(&places.folder)?;
            let (copy, mut manifest) = staging.copy(&places, Utc::now())?;
            manifest.beside = objects;
            write(&part, &mut manifest, &copy, &std::collections::BTreeMap::new(), &places, keys.as_ref())?;
            Ok(Made { part, from })
        };
        open.base = Some(std::thread::Builder::new().name("archive-base".into()).spawn(made)?);
        Ok(())
    }

    /// Changes that were read after the copy make the base whole.
    fn name_base(&mut self, made: &Made) -> Result<()> {
        self.round(false, true)?;
        let Some(open) = &mut self.open else { return Ok(()) };
        let (valid, now) = (open.state.next - 1, Utc::now());
        let to = open.chain.base(made.from, valid, now, self.keys.is_some());
        super::publish(&made.part, &to)?;
        open.state.base_at = Some(now);
        open.state.base_fault = None;
        open.base_due = Instant::now().checked_add(self.config.base_every());
        open.save(&self.places.folder, now)?;
        let (file, bytes) = (to.display().to_string(), storage::size(&to));
        LastBackup { at: now, file, bytes, secrets: self.keys.is_some() }.note(&self.places.folder)?;
        tracing::info!(bytes, "a whole copy of the database is in the archive");
        let later = TimeDelta::from_std(self.config.base_every().saturating_mul(2)).ok();
        let later = later.and_then(|later| open.reached.checked_add_signed(later));
        let surely = later.map_or(now, |later| now.min(later));
        open.reached = now;
        let horizon = surely - TimeDelta::days(self.config.keep_days.into());
        open.mirror.forget(horizon)?;
        shelf::forget(&self.shelf, &open.chain.name, horizon)
    }
}

impl Open {
    fn save(&mut self, data: &Path, now: DateTime<Utc>) -> Result<()> {
        self.saved = now;
        self.state.write(data).context("the state of archiving cannot be written")?;
        self.ahead = false;
        Ok(())
    }

    /// What was archived is known as archived. The state comes first: after a crash in between, the stored files
    /// that the changes brought are announced again.
    fn settle(&mut self, data: &Path, now: DateTime<Utc>) -> Result<()> {
        self.save(data, now)?;
        self.mirror.settle()
    }

    /// The journal of erasures and the seals of the audit trail lie beside what is archived.
    fn carry(&mut self, places: &Places, shelf: &Path) -> Result<()> {
        let files = [JOURNAL, SEALS].map(|name| places.folder.join(name));
        let sizes = [storage::size(&files[0]), storage::size(&files[1])];
        if sizes != self.carried {
            erased::copy(&files[0], &shelf.join(JOURNAL))?;
            audit::carry(&files[1], &shelf.join(SEALS))?;
            self.carried = sizes;
        }
        Ok(())
    }

    /// How the next start finds it.
    fn leave(&mut self, places: &Places) {
        // a base that is not done is begun again by the next start
        let _ = fs::remove_file(self.chain.folder.join("base.part"));
        if self.state.fault.is_none() && self.pending.is_empty() {
            self.state.ended = self.left;
        }
        if let Err(error) = self.save(&places.folder, Utc::now()) {
            tracing::error!(error = format!("{error:#}"), "the next start begins another chain");
        }
    }
}
