//! Who used how much, and who may still: every use of a model is reserved before it begins and settled when it ends, also when its
//! client goes away, and after a crash by the next worker.

use crate::{
    catalogue::Found,
    domain::place_in_day,
    events,
    providers::Usage,
    repository::ledger::{self, Refusal, Reservation},
    tokens,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{Code, Error, Platform, Result, bus::Delivery, db::Scope};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Tokens of output that are reserved at a time, while nobody knows how long an answer becomes.
pub const SLICE: i64 = 1_000;
/// How often what a dead process left behind is looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// How long sums are kept: analytics keeps them for longer.
const KEPT_DAYS: i64 = 40;
/// A reservation younger than this may be of a process that has not said yet that it lives.
const YOUNG: TimeDelta = TimeDelta::seconds(30);

/// The books. Cheap to clone.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    platform: Platform,
    worker: Uuid,
    /// Some cap is in force: nobody is asked before there is room.
    capped: AtomicBool,
}

/// Who uses what.
#[derive(Clone, Debug)]
pub struct Use {
    pub space: Uuid,
    pub id: Uuid,
    pub attempt: u32,
    pub kind: &'static str,
    pub key: Option<Uuid>,
    /// Tokens of the question, estimated.
    pub input: u64,
    /// The longest answer wanted, where it is known; 0 for none.
    pub longest: Option<u64>,
    /// Tokens the reply has already.
    pub base: u64,
}

/// Room for an answer.
#[derive(Debug, Default)]
pub struct Room {
    /// Tokens of output it may have now; more on request.
    pub output: u64,
    /// The reservation while it is still being written: nobody waits for it where there is no cap.
    writing: Option<JoinHandle<Result<()>>>,
}

impl Room {
    /// The reservation is stored, or could not be.
    pub async fn written(&mut self) {
        if let Some(writing) = self.writing.take()
            && let Ok(Err(error)) = writing.await
        {
            tracing::warn!(%error, "a use of a model could not be reserved; it is not counted");
        }
    }
}

impl Ledger {
    /// # Errors
    /// Any of the database.
    pub async fn open(platform: &Platform, worker: Uuid) -> Result<Self> {
        let ledger = Self(Arc::new(Inner { platform: platform.clone(), worker, capped: AtomicBool::new(true) }));
        ledger.look().await?;
        Ok(ledger)
    }

    /// Whether any cap is in force, from now on.
    ///
    /// # Errors
    /// Any of the database.
    pub async fn look(&self) -> Result<()> {
        let read = self.0.platform.db.read(Scope::System, |tx| async move { ledger::any_cap(tx).await }.boxed());
        self.0.capped.store(read.await?, Ordering::Relaxed);
        Ok(())
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.platform.clock.now()
    }

    fn reservation(&self, wanted: &Use, found: &Found) -> Reservation {
        let (now, prices) = (self.now(), found.settings.prices());
        let longest = wanted.longest.map_or(SLICE, signed).min(SLICE);
        Reservation {
            space_id: wanted.space,
            id: wanted.id,
            attempt: wanted.attempt,
            kind: wanted.kind.into(),
            model: found.id.clone(),
            api_key: wanted.key,
            worker: self.0.worker,
            day: place_in_day(now).0,
            input: signed(wanted.input),
            output: longest,
            price_input: prices.input,
            price_output: prices.output,
            base: signed(wanted.base),
            at: now,
        }
    }

    /// Reserves; where there is no cap this goes on beside the request.
    ///
    /// # Errors
    /// `cap_reached` when there is no room; any of the database.
    pub async fn reserve(&self, wanted: &Use, found: &Found) -> Result<Room> {
        let reservation = Arc::new(self.reservation(wanted, found));
        let work = self.clone().store(reservation);
        if !self.0.capped.load(Ordering::Relaxed) {
            // A cap that came into force meanwhile is met by the next use.
            let writing = tokio::spawn(async move { work.await.map(|_| ()) });
            return Ok(Room { output: u64::MAX, writing: Some(writing) });
        }
        match work.await? {
            Ok(output) => Ok(Room { output: unsigned(output), writing: None }),
            Err(refusal) => Err(refused(refusal, self.now())),
        }
    }

    async fn store(self, reservation: Arc<Reservation>) -> Result<Result<i64, Refusal>> {
        let now = self.now();
        let write = self.0.platform.db.write(reservation.space_id, move |tx| {
            let reservation = reservation.clone();
            async move {
                let outcome = ledger::reserve(tx, &reservation).await?;
                if let Err(refusal) = outcome
                    && ledger::tell_once(tx, reservation.space_id, reservation.day).await?
                {
                    events::TOPIC.append(tx, events::cap_reached(reservation.space_id, refusal, now), now).await?;
                }
                Ok(outcome)
            }
            .boxed()
        });
        write.await
    }

    /// Makes room for more of an answer.
    ///
    /// # Errors
    /// `cap_reached` when there is none; any of the database.
    pub async fn extend(&self, space: Uuid, id: Uuid, attempt: u32, room: &mut Room) -> Result<()> {
        room.written().await;
        let now = self.now();
        let more = self.0.platform.db.write(space, move |tx| {
            async move {
                let more = ledger::extend(tx, space, id, attempt, SLICE).await?;
                if let Err(refusal) = more
                    && ledger::tell_once(tx, space, place_in_day(now).0).await?
                {
                    events::TOPIC.append(tx, events::cap_reached(space, refusal, now), now).await?;
                }
                Ok(more)
            }
            .boxed()
        });
        match more.await? {
            Ok(more) => {
                room.output = room.output.saturating_add(unsigned(more));
                Ok(())
            }
            Err(refusal) => Err(refused(refusal, now)),
        }
    }

    /// Begins a use that is no reply: it settles itself, whatever becomes of it.
    ///
    /// # Errors
    /// As [`Ledger::reserve`].
    pub async fn begin(&self, wanted: Use, found: &Found) -> Result<Tab> {
        let room = self.reserve(&wanted, found).await?;
        let mut open = self.reservation(&wanted, found);
        open.output = 0;
        Ok(Tab {
            ledger: self.clone(),
            open: Some(open),
            room,
            begun: Instant::now(),
            first: None,
            output: 0,
            said: None,
        })
    }

    /// `user.deleted`: nothing of the person stays.
    ///
    /// # Errors
    /// Any of the database; the event comes again.
    pub async fn hear(self, delivery: Delivery) -> Result<()> {
        if delivery.kind != "user.deleted" {
            return Ok(());
        }
        let space = delivery.aggregate;
        self.0.platform.db.write(space, move |tx| async move { ledger::erase(tx, space).await }.boxed()).await
    }

    /// What dead processes left behind, sums nobody needs, and whether there is a cap.
    pub async fn keep(self) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "the sweep for unsettled uses failed; trying again");
            }
            tokio::time::sleep(SWEEP).await;
        }
    }

    /// # Errors
    /// Any of the database.
    pub async fn sweep(&self) -> Result<()> {
        self.look().await?;
        let (worker, alone, now) = (self.0.worker, self.0.platform.db.exclusive(), self.now());
        let since = if alone { now + TimeDelta::seconds(1) } else { now - YOUNG };
        let orphans = self
            .0
            .platform
            .db
            .read(Scope::System, move |tx| async move { ledger::orphans(tx, worker, since, alone).await }.boxed());
        for open in orphans.await? {
            // Nobody knows how far it came: what was reserved is what may have been used.
            let (input, output) = (open.input, open.output);
            let account = events::RequestAccount {
                state: "interrupted",
                usage: Usage { input: unsigned(input), output: unsigned(output) },
                estimated: true,
                first_piece: None,
                took: Duration::ZERO,
            };
            self.settle(open, account).await?;
        }
        let before = place_in_day(now).0 - KEPT_DAYS;
        let forget = self
            .0
            .platform
            .db
            .write(Scope::System, move |tx| async move { ledger::forget_days(tx, before).await }.boxed());
        forget.await
    }

    async fn settle(&self, open: Reservation, account: events::RequestAccount) -> Result<()> {
        let (now, open) = (self.now(), Arc::new((open, account)));
        let write = self.0.platform.db.write(open.0.space_id, move |tx| {
            let open = open.clone();
            async move {
                let (open, account) = (&open.0, &open.1);
                let (input, output) = (signed(account.usage.input), signed(account.usage.output));
                let Some(cost) = ledger::settle(tx, open, input, output).await? else { return Ok(()) };
                events::TOPIC.append(tx, events::request_finished(open, account, cost), now).await
            }
            .boxed()
        });
        write.await
    }
}

/// The refusal as everybody is told it.
fn refused(refusal: Refusal, now: DateTime<Utc>) -> Error {
    let whose = if refusal.scope == "person" { "your" } else { "the instance's" };
    let what = if refusal.measure == "tokens" { "tokens" } else { "costs" };
    let (_, resets_at) = place_in_day(now);
    let wait = (resets_at - now).to_std().unwrap_or_default();
    Error::new(
        Code::CapReached,
        format!("{whose} limit of {what} for today is reached; it begins anew at midnight UTC"),
    )
    .with("scope", refusal.scope)
    .with("measure", refusal.measure)
    .with("resets_at", resets_at)
    .retry_after(wait)
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn unsigned(tokens: i64) -> u64 {
    u64::try_from(tokens).unwrap_or(0)
}

/// One use that is no reply. Dropped, it is settled as what it came to: the client went away.
pub struct Tab {
    ledger: Ledger,
    open: Option<Reservation>,
    room: Room,
    begun: Instant,
    first: Option<Duration>,
    /// Tokens of output so far, estimated.
    output: u64,
    /// The provider's own count.
    said: Option<Usage>,
}

impl Tab {
    /// Counts a piece of the answer.
    ///
    /// # Errors
    /// `cap_reached` when there is no room for more.
    pub async fn count(&mut self, text: &str) -> Result<()> {
        self.count_tokens(tokens::of_text(text)).await
    }

    /// As [`Tab::count`], for who has counted.
    ///
    /// # Errors
    /// As [`Tab::count`].
    pub async fn count_tokens(&mut self, tokens: u64) -> Result<()> {
        self.first.get_or_insert_with(|| self.begun.elapsed());
        self.output += tokens;
        let Some(open) = self.open.as_ref().filter(|_| self.output > self.room.output) else { return Ok(()) };
        let (space, id, attempt) = (open.space_id, open.id, open.attempt);
        self.ledger.extend(space, id, attempt, &mut self.room).await
    }

    /// Whether nothing was counted yet.
    pub fn is_fresh(&self) -> bool {
        self.first.is_none()
    }

    /// What the provider says was used.
    pub fn said(&mut self, usage: Option<Usage>) {
        self.said = usage.or(self.said);
    }

    /// What counts: the provider's word, else the estimate.
    pub fn usage(&self) -> Usage {
        let estimate = || Usage {
            // A provider that refused before its first word has used nothing.
            input: if self.first.is_some() { self.open.as_ref().map_or(0, |open| unsigned(open.input)) } else { 0 },
            output: self.output,
        };
        self.said.unwrap_or_else(estimate)
    }

    /// Ends it.
    pub fn close(mut self, state: &'static str) {
        self.end(state);
    }

    fn end(&mut self, state: &'static str) {
        let usage = self.usage();
        let Some(open) = self.open.take() else { return };
        let account = events::RequestAccount {
            state,
            usage,
            estimated: self.said.is_none(),
            first_piece: self.first,
            took: self.begun.elapsed(),
        };
        let (ledger, mut room) = (self.ledger.clone(), std::mem::take(&mut self.room));
        // In a task of its own: whoever ends it may be going away. It is waited for when the process drains.
        let platform = ledger.0.platform.clone();
        platform.background.spawn(async move {
            room.written().await;
            if let Err(error) = ledger.settle(open, account).await {
                tracing::warn!(%error, "a use of a model could not be settled; the next start does it");
            }
        });
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.end("stopped");
    }
}
