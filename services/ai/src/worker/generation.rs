//! One answer from its lease to its stored end. Every step may be the last one of this process: the
//! next worker finds how far it came and finishes it.

use super::{
    Running, Worker,
    billing::sentence,
    context::Told,
    ending::Ending,
    pump::{Ended, end_out, pump},
    shown::{Shown, encode, ends_done},
};
use crate::{
    catalogue::Found,
    domain::Lease,
    events::Account,
    providers::{Continuation, Fault, FaultKind, Pieces, Usage},
    repository,
};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use opentelemetry::KeyValue;
use platform::{Code, Error, Result, failpoint, streams::Nudges, telemetry};
use proto::{
    ai::v1 as pb,
    chat::v1::{self as chat, Going, Outcome, context_answer::Answer},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Takeovers in a row that brought no new text.
const STALLED: i64 = 3;
/// Times one process goes on after a provider's break before it leaves the rest to the person.
const BREAKS: u32 = 10;
/// Faults of ours in one attempt after which it is left to the sweeper, which ends a reply that gets no
/// further.
const FAULTS: u32 = 5;
/// A provider that may take this long to its first word may have to load the model…
const LONG: Duration = Duration::from_secs(60);
/// …which is said after this long without one.
const QUIET: Duration = Duration::from_secs(3);
/// Chunks appended at a time to keep the count of a shortened log.
const PADDING: u64 = 1000;

/// What comes after an attempt.
enum Step {
    /// The end is stored, or the answer is somebody else's now.
    Over,
    /// The provider broke off; another attempt goes on.
    Again,
}

impl Worker {
    /// Until the end is stored, the lease is lost, or the process drains.
    pub(super) async fn produce(&self, running: &mut Running) {
        let mut lease = running.lease().clone();
        let id = lease.reply_id.simple().to_string();
        telemetry::correlated(id, async move {
            let (mut breaks, mut faults, mut pause) = (0, 0, Duration::from_millis(100));
            loop {
                match self.attempt(&lease, breaks < BREAKS).await {
                    Ok(Step::Over) => return,
                    Ok(Step::Again) => {
                        breaks += 1;
                        tokio::time::sleep(Duration::from_millis(250)).await;
                        match self.next_attempt(&lease).await {
                            Ok(Some(next)) => {
                                running.becomes(next.clone());
                                lease = next;
                            }
                            Ok(None) => return,
                            Err(error) => tracing::warn!(%error, "the next attempt could not be taken; trying again"),
                        }
                    }
                    Err(error) if matches!(error.code(), Code::Stale | Code::NotFound) => {
                        tracing::info!(reply = %lease.reply_id, attempt = lease.attempt, %error, "left the answer to others");
                        return;
                    }
                    Err(error) => {
                        if !matches!(error.code(), Code::Unavailable | Code::Timeout) {
                            faults += 1;
                        }
                        if faults >= FAULTS {
                            tracing::error!(reply = %lease.reply_id, attempt = lease.attempt, %error, "an attempt was given up");
                            return;
                        }
                        tracing::warn!(reply = %lease.reply_id, attempt = lease.attempt, %error, "an answer stands still; trying again");
                        let ending = self.platform.background.ending();
                        if ending.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                            return;
                        }
                        pause = (pause * 2).min(Duration::from_secs(5));
                    }
                }
            }
        })
        .await;
    }

    async fn attempt(&self, lease: &Lease, may_break: bool) -> Result<Step> {
        let start = Instant::now();
        // Before the look at the flag: a stop that comes after it is heard.
        let mut nudges = self.platform.streams.nudges(lease.reply_id);
        // After many tries without new text it may be the turns that cannot be had.
        let answer = match self.context(lease, lease.stalled > STALLED).await {
            Ok(answer) => answer,
            Err(error) if error.code() == Code::NotFound => return self.abandon(lease, start).await,
            Err(error) => return Err(error),
        };
        let going = match answer {
            Answer::Settled(outcome) => {
                let account = Account { took: start.elapsed(), ..Account::default() };
                return self.settle(lease, &outcome, account).await;
            }
            Answer::Going(going) => going,
        };
        let prefix = self.platform.streams.open(lease.reply_id, lease.attempt, going.next).await?;
        let mut shown = Shown::read(&going, &prefix.entries, prefix.next.max(going.next))?;
        let mut account = Account::default();
        let answered = match self.pad(lease, prefix.next, going.next).await {
            Ok(()) => self.answer(lease, &going, &mut shown, &mut nudges, &mut account, may_break).await,
            Err(error) => Err(error),
        };
        let ending = match answered {
            Err(error) if error.code() == Code::TooLarge => Some(Ending::full(&shown)),
            answered => answered?,
        };
        account.took = start.elapsed();
        match ending {
            Some(ending) => self.finish(lease, &shown, ending, account).await,
            None => Ok(Step::Again),
        }
    }

    /// What chat knows of the reply, with the turns to answer or without.
    pub(super) async fn context(&self, lease: &Lease, without_turns: bool) -> Result<Answer> {
        let asked = chat::ContextRequest {
            space: lease.space_id.as_bytes().into(),
            reply: lease.reply_id.as_bytes().into(),
            attempt: lease.attempt,
            without_turns,
        };
        let answer = self.chat.clone().context(asked).await.map_err(Error::from)?;
        answer.into_inner().answer.ok_or_else(|| Error::internal("an empty context"))
    }

    /// Produces what is missing; none when another attempt shall go on.
    async fn answer(
        &self,
        lease: &Lease,
        going: &Going,
        shown: &mut Shown,
        nudges: &mut Nudges,
        account: &mut Account,
        may_break: bool,
    ) -> Result<Option<Ending>> {
        if let Some(end) = &shown.end {
            account.usage = end.usage.map(|usage| Usage { input: usage.input, output: usage.output });
            return Ok(Some(Ending::said(shown, end)));
        }
        if going.stop {
            return Ok(Some(Ending::STOPPED));
        }
        if lease.attempt > 1 && self.note_takeover(lease, shown).await? > STALLED {
            return Ok(Some(Ending::no_progress()));
        }
        let whole;
        let going = if lease.stalled > STALLED {
            // there was new text after all
            let Answer::Going(going) = self.context(lease, false).await? else {
                return Err(Error::unavailable("the reply was ended meanwhile"));
            };
            whole = going;
            &whole
        } else {
            going
        };
        let found = match self.catalogue.find(&going.model, "").await {
            Ok(found) => found,
            Err(error) => {
                let code = if error.code() == Code::NotFound { "not_found" } else { "unreachable" };
                let detail =
                    format!("The model {} cannot be had now: {}.", going.model, error.message().trim_end_matches('.'));
                return Ok(Some(Ending::broken(shown, code, detail)));
            }
        };
        match self.who.allow(lease.space_id, &found.settings).await {
            Err(error) if error.code() == Code::Forbidden => {
                return Ok(Some(Ending::broken(shown, "forbidden", sentence(&error))));
            }
            other => other?,
        }
        let (ask, input) = match self.tell(lease, going, shown, &found).await? {
            Told::Ask(ask, input) => (*ask, input),
            untold => return Ok(Some(Ending::untold(shown, &untold))),
        };
        let mut bill = match self.bill(lease, shown, &found, input).await {
            Err(error) if error.code() == Code::CapReached => return Ok(Some(Ending::capped(&error))),
            bill => bill?,
        };
        let provider = found.provider.name().to_owned();
        let start = Instant::now();
        let goes_on = !shown.text.is_empty();
        let begun = async {
            if goes_on && let Some(breaker) = found.provider.breaker() {
                breaker.wait().await;
            }
            // one that ends without a piece is asked again below
            let mut pieces = found.provider.stream(ask).await?.fuse();
            failpoint::hit("A2");
            let first = pieces.next().await;
            Ok::<Pieces, Fault>(stream::iter(first).chain(pieces).boxed())
        };
        let mut stopped = self.stopped(lease, nudges).boxed();
        let asked = self.begin(lease, shown, &mut stopped, found.provider.first_byte(), Box::pin(begun)).await;
        let ended = match asked {
            None => Ended::Stopped,
            Some(Ok(pieces)) => {
                let first = || {
                    if account.first_piece.is_none() {
                        account.first_piece = Some(start.elapsed());
                        let labels = [KeyValue::new("provider", provider.clone())];
                        self.platform.metrics.first_piece.record(start.elapsed().as_secs_f64(), &labels);
                    }
                };
                match pump(self, lease, shown, pieces, &mut stopped, &mut bill, first).await {
                    Err(error) if error.code() == Code::TooLarge => {
                        bill.close(None, true, account).await;
                        return Err(error);
                    }
                    ended => ended?,
                }
            }
            Some(Err(fault)) => Ended::Failed(fault),
        };
        let said = if let Ended::Said(end) = &ended { end.usage } else { None };
        bill.close(said, !matches!(ended, Ended::Failed(_)), account).await;
        Ok(match ended {
            Ended::Stopped => Some(Ending::STOPPED),
            Ended::Capped(error) => Some(Ending::capped(&error)),
            Ended::Said(end) => Some(Ending::said(shown, &end_out(&end))),
            Ended::Failed(fault) => {
                // Before the first word one more try costs nobody anything; after it, as long as it helps.
                let can = if shown.text.is_empty() { lease.attempt == 1 } else { self.goes_on(&found, going) };
                let again = can && may_break && is_passing(&fault) && {
                    let waits = !shown.text.is_empty();
                    found.provider.breaker().is_none_or(|breaker| breaker.may_retry(waits))
                };
                (!again).then(|| Ending::fault(shown, &fault))
            }
        })
    }

    /// Waits for the provider's first piece; none when a stop came first, which does not wait for a provider that takes long.
    /// Readers are told once when it may be that the model is loaded first.
    async fn begin(
        &self,
        lease: &Lease,
        shown: &mut Shown,
        stopped: &mut BoxFuture<'_, ()>,
        first_byte: Duration,
        mut begun: BoxFuture<'_, Result<Pieces, Fault>>,
    ) -> Option<Result<Pieces, Fault>> {
        let mut tell = first_byte >= LONG && shown.text.is_empty();
        let quiet = tokio::time::sleep(QUIET);
        tokio::pin!(quiet);
        loop {
            tokio::select! {
                biased;
                () = &mut *stopped => return None,
                begun = &mut begun => return Some(begun),
                () = &mut quiet, if tell => {
                    tell = false;
                    let loading = vec![encode(pb::chunk::Kind::Loading(pb::Loading { attempt: lease.attempt }))];
                    // Nothing is lost without it: whoever cannot write finds out with the first piece.
                    if let Ok(next) = self.platform.streams.append(lease.reply_id, lease.attempt, loading).await {
                        shown.next = next;
                    }
                }
            }
        }
    }

    /// Whether the model can go on from shown text: by itself, or asked in words, by policy or because
    /// the person wants it.
    pub(super) fn goes_on(&self, found: &Found, going: &Going) -> bool {
        match found.model.continuation {
            Continuation::Prefix => true,
            Continuation::Asked => self.continue_when_asked || going.continued,
            Continuation::None => going.continued,
        }
    }

    /// Stores the end, then says so on the stream, then closes the lease.
    async fn finish(&self, lease: &Lease, shown: &Shown, ending: Ending, account: Account) -> Result<Step> {
        failpoint::hit("A6");
        let finished = self
            .chat
            .clone()
            .finish(chat::FinishRequest {
                space: lease.space_id.as_bytes().into(),
                reply: lease.reply_id.as_bytes().into(),
                attempt: lease.attempt,
                state: ending.state.into(),
                reason: ending.reason,
                text: shown.text.clone(),
                next: shown.next,
                marks: shown.marks.clone(),
            })
            .await
            .map_err(Error::from);
        match finished {
            Ok(outcome) => self.settle(lease, &outcome.into_inner(), account).await,
            Err(error) if error.code() == Code::NotFound => self.abandon(lease, Instant::now()).await,
            Err(error) => Err(error),
        }
    }

    /// The end is stored: readers hear of it, and the lease is closed with its account. A stream that
    /// takes no more stops nothing: its readers ask chat by themselves (decision 0004).
    async fn settle(&self, lease: &Lease, outcome: &Outcome, mut account: Account) -> Result<Step> {
        match self.say_done(lease, outcome.next).await {
            Err(error) if error.code() == Code::Stale => return Err(error),
            Err(error) => tracing::info!(reply = %lease.reply_id, %error, "readers find the end by themselves"),
            Ok(()) => {}
        }
        self.platform.streams.release(lease.reply_id, lease.attempt).await?;
        failpoint::hit("A8");
        let labels = [KeyValue::new("model", lease.model.clone()), KeyValue::new("state", outcome.state.clone())];
        self.platform.metrics.generations_ended.add(1, &labels);
        account.state.clone_from(&outcome.state);
        self.close(lease, account).await
    }

    async fn say_done(&self, lease: &Lease, next: u64) -> Result<()> {
        let prefix = self.platform.streams.open(lease.reply_id, lease.attempt, next).await?;
        if !ends_done(&prefix.entries) {
            let done = vec![encode(pb::chunk::Kind::Done(pb::Done {}))];
            self.platform.streams.append(lease.reply_id, lease.attempt, done).await?;
        }
        Ok(())
    }

    /// The reply is gone for good: nothing is left to store.
    async fn abandon(&self, lease: &Lease, start: Instant) -> Result<Step> {
        self.platform.streams.release(lease.reply_id, lease.attempt).await?;
        self.close(lease, Account { state: "gone".into(), took: start.elapsed(), ..Account::default() }).await
    }

    async fn close(&self, lease: &Lease, account: Account) -> Result<Step> {
        let (now, closing) = (self.platform.clock.now(), Arc::new((lease.clone(), account)));
        self.platform
            .db
            .write(lease.space_id, move |tx| {
                let closing = closing.clone();
                async move { repository::close(tx, &closing.0, &closing.1, now).await }.boxed()
            })
            .await?;
        Ok(Step::Over)
    }

    async fn next_attempt(&self, lease: &Lease) -> Result<Option<Lease>> {
        let (worker, lease) = (self.id, Arc::new(lease.clone()));
        self.platform
            .db
            .write(lease.space_id, move |tx| {
                let lease = lease.clone();
                async move { repository::next_attempt(tx, &lease, worker).await }.boxed()
            })
            .await
    }

    async fn note_takeover(&self, lease: &Lease, shown: &Shown) -> Result<i64> {
        let (next, lease) = (i64::try_from(shown.text.len()).unwrap_or(i64::MAX), Arc::new(lease.clone()));
        self.platform
            .db
            .write(lease.space_id, move |tx| {
                let lease = lease.clone();
                async move { repository::note_takeover(tx, &lease, next).await }.boxed()
            })
            .await
    }

    /// After a power cut the log may end before what chat has stored: empty entries keep every later
    /// one behind it.
    async fn pad(&self, lease: &Lease, mut next: u64, end: u64) -> Result<()> {
        while next < end {
            let entries = (0..(end - next).min(PADDING)).map(|_| Bytes::new()).collect();
            next = self.platform.streams.append(lease.reply_id, lease.attempt, entries).await?;
        }
        Ok(())
    }
}

/// Whether another try soon may not meet the fault.
fn is_passing(fault: &Fault) -> bool {
    let lasting = matches!(fault.kind, FaultKind::RefusedKey | FaultKind::NotFound | FaultKind::BadRequest);
    !lasting && fault.retry_after.is_none_or(|wait| wait <= Duration::from_secs(2))
}
