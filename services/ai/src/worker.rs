//! Who produces answers: one worker a process. A lease belongs to the worker, the attempt number is
//! the fence of each answer. No answer is ever produced inside a consumer.

mod billing;
pub mod context;
mod ending;
mod generation;
mod places;
mod pump;
mod shown;
mod stop;

use crate::{catalogue::Catalogue, config::Config, domain::Lease, ledger::Ledger, repository, who::Who};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use places::{Place, Places};
use platform::{Error, Platform, Result, bus::Delivery, db::Scope, failpoint, peers::Peer};
use proto::{
    Message as _,
    chat::v1::{ReplyAsked, chat_client::ChatClient},
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use uuid::Uuid;

/// Longer than any answer.
const MESSAGE_LIMIT: usize = 64 << 20;

/// How long an attempt that was asked for waits for the one before it to give its own account, which knows
/// more than the one that is given in its place. Whatever that one is doing, it is fenced off then.
const FORMER: Duration = Duration::from_secs(1);

/// The worker of this process.
pub struct Worker {
    platform: Platform,
    catalogue: Catalogue,
    chat: ChatClient<Peer>,
    who: Who,
    id: Uuid,
    ledger: Ledger,
    system_prompt: String,
    running: watch::Sender<HashSet<(Uuid, u32)>>,
    places: Places,
    continue_when_asked: bool,
    beat: Duration,
    expiry: Duration,
    /// No other process can hold a lease: what one left behind is free at once, and ours never
    /// expire.
    alone: bool,
    last_beat: Mutex<Instant>,
}

impl Worker {
    pub fn new(platform: &Platform, catalogue: Catalogue, ledger: Ledger, id: Uuid, config: &Config) -> Arc<Self> {
        let chat = ChatClient::new(platform.peer("chat"));
        Arc::new(Self {
            chat: chat.max_decoding_message_size(MESSAGE_LIMIT).max_encoding_message_size(MESSAGE_LIMIT),
            who: Who::new(platform),
            id,
            ledger,
            system_prompt: config.system_prompt.clone(),
            running: watch::Sender::default(),
            places: Places::new(config.parallel),
            continue_when_asked: config.continue_when_asked,
            beat: Duration::from_secs(config.beat_seconds.max(1)),
            expiry: Duration::from_secs(config.expiry_seconds.max(2)),
            alone: platform.db.exclusive(),
            last_beat: Mutex::new(Instant::now()),
            platform: platform.clone(),
            catalogue,
        })
    }

    /// `message.sent`, `reply.regenerated` and `reply.continued`: takes the reply and lets the bus go on at once.
    pub async fn hear(self: Arc<Self>, delivery: Delivery) -> Result<()> {
        if !matches!(delivery.kind.as_str(), "message.sent" | "reply.regenerated" | "reply.continued") {
            return Ok(());
        }
        let asked = ReplyAsked::decode(delivery.payload.as_slice()).map_err(Error::internal)?;
        let lease = Arc::new(Lease {
            space_id: delivery.space,
            reply_id: Uuid::from_slice(&asked.reply).map_err(Error::internal)?,
            chat_id: Uuid::from_slice(&asked.chat).map_err(Error::internal)?,
            model: asked.model,
            attempt: asked.attempt,
            stalled: 0,
        });
        let ended = Arc::new(asked.ended);
        // A person who goes on at once comes before the attempt that just ended has closed.
        let mut running = self.running.subscribe();
        let before = |&(reply, attempt): &(Uuid, u32)| reply == lease.reply_id && attempt < lease.attempt;
        let former = running.wait_for(|running| !running.iter().any(before));
        let _ = timeout(FORMER, former).await;
        let (worker, now, alone) = (self.id, self.platform.clock.now(), self.alone);
        let taken = self
            .platform
            .db
            .write(lease.space_id, {
                let lease = lease.clone();
                move |tx| {
                    let (lease, ended) = (lease.clone(), ended.clone());
                    async move {
                        if !alone {
                            repository::beat(tx, worker, now).await?;
                        }
                        repository::lease(tx, &lease, &ended, worker, now).await
                    }
                    .boxed()
                }
            })
            .await?;
        failpoint::hit("A1");
        self.platform.pressure.note((self.platform.clock.now() - delivery.at).to_std().unwrap_or_default());
        if taken {
            self.spawn(Lease::clone(&lease));
        }
        Ok(())
    }

    /// Produces the answer of `lease` in a task of its own.
    fn spawn(self: &Arc<Self>, lease: Lease) {
        let Some(mut running) = Running::begin(self, lease) else { return };
        self.platform.background.spawn(async move {
            let worker = running.worker.clone();
            let _place = worker.place(&running.lease).await;
            worker.platform.metrics.generations.add(1, &[]);
            worker.produce(&mut running).await;
            worker.platform.metrics.generations.add(-1, &[]);
        });
    }

    /// A place to produce the answer in; none when a stop comes first, which needs none.
    async fn place(&self, lease: &Lease) -> Option<Place> {
        if let Some(place) = self.places.try_take(lease.space_id) {
            return Some(place);
        }
        // before the look: a stop that comes after it is heard, and one that came before it is seen
        let mut nudges = self.platform.streams.nudges(lease.reply_id);
        let stopped = async {
            if !self.shall_stop(lease).await {
                self.stopped(lease, &mut nudges).await;
            }
        };
        tokio::select! {
            biased;
            place = self.places.take(lease.space_id) => place,
            () = stopped => None,
        }
    }

    /// The sweeper, and the heart beat where there can be other workers.
    pub fn spawn_loops(self: &Arc<Self>) {
        let sweeper = self.clone();
        self.platform.background.spawn_until_drained(async move {
            loop {
                if let Err(error) = sweeper.sweep().await {
                    tracing::warn!(%error, "the sweep for abandoned answers failed; trying again");
                }
                tokio::time::sleep(sweeper.expiry / 2).await;
            }
        });
        if self.alone {
            return;
        }
        let heart = self.clone();
        self.platform.background.spawn_until_drained(async move {
            loop {
                tokio::time::sleep(heart.beat).await;
                if heart.running.borrow().is_empty() {
                    *heart.last_beat.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                    continue;
                }
                let (worker, now, asked) = (heart.id, heart.platform.clock.now(), Instant::now());
                let beaten = heart
                    .platform
                    .db
                    .write(Scope::System, move |tx| async move { repository::beat(tx, worker, now).await }.boxed())
                    .await;
                match beaten {
                    Ok(()) => *heart.last_beat.lock().unwrap_or_else(PoisonError::into_inner) = asked,
                    Err(error) => tracing::warn!(%error, "this worker could not say that it lives"),
                }
            }
        });
    }

    /// A worker whose heart beat came late has lost its leases, whatever it believes.
    fn is_late(&self) -> bool {
        !self.alone && self.last_beat.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= self.expiry
    }

    /// Takes over what nobody produces any more.
    async fn sweep(self: &Arc<Self>) -> Result<()> {
        let (worker, alone, now) = (self.id, self.alone, self.platform.clock.now());
        let expiry = TimeDelta::from_std(self.expiry).unwrap_or_default();
        let alive = (now - expiry, now + expiry);
        let (orphans, held) = self
            .platform
            .db
            .read(Scope::System, move |tx| {
                async move {
                    Ok((repository::orphans(tx, worker, alive, alone).await?, repository::held(tx, worker).await?))
                }
                .boxed()
            })
            .await?;
        // Held by this process but not worked on: its task has panicked.
        let dropped = held.into_iter().filter(|lease| !self.is_running(lease));
        for lease in orphans.into_iter().chain(dropped) {
            let lease = Arc::new(lease);
            let next = self.platform.db.write(lease.space_id, {
                let lease = lease.clone();
                move |tx| {
                    let lease = lease.clone();
                    async move { repository::next_attempt(tx, &lease, worker).await }.boxed()
                }
            });
            if let Some(next) = next.await? {
                tracing::info!(reply = %next.reply_id, attempt = next.attempt, "took over an abandoned answer");
                self.spawn(next);
            }
        }
        if !alone {
            let before = now - TimeDelta::days(1);
            self.platform
                .db
                .write(Scope::System, move |tx| async move { repository::forget_workers(tx, before).await }.boxed())
                .await?;
        }
        Ok(())
    }

    fn is_running(&self, lease: &Lease) -> bool {
        // a task that takes its next attempt stands in the table first and here a moment later
        let former = lease.attempt.saturating_sub(1);
        let running = self.running.borrow();
        running.contains(&(lease.reply_id, lease.attempt)) || running.contains(&(lease.reply_id, former))
    }
}

/// An attempt on the list of running ones; off it whatever ends its task.
struct Running {
    worker: Arc<Worker>,
    lease: Lease,
}

impl Running {
    /// None when the attempt is running already.
    fn begin(worker: &Arc<Worker>, lease: Lease) -> Option<Self> {
        let is_new = worker.running.send_if_modified(|running| running.insert((lease.reply_id, lease.attempt)));
        is_new.then(|| Self { worker: worker.clone(), lease })
    }

    fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The same task goes on with another attempt.
    fn becomes(&mut self, next: Lease) {
        self.worker.running.send_modify(|running| {
            running.remove(&(self.lease.reply_id, self.lease.attempt));
            running.insert((next.reply_id, next.attempt));
        });
        self.lease = next;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.running.send_modify(|running| {
            running.remove(&(self.lease.reply_id, self.lease.attempt));
        });
    }
}
