//! One browser's place in one reply. It pulls: a slow reader holds nothing but its own position.

use super::frame::{Door, Out, pause};
use crate::{Gateway, admission::Place};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use http::HeaderMap;
use platform::{
    Code, Error, Result,
    principal::{Caller, Person},
    streams::{Batch, Entry, Item, Reading},
};
use proto::{
    Message as _,
    ai::v1::{Chunk, chunk::Kind},
    chat::v1::{FollowRequest, Following, Mark, Reason},
};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use uuid::Uuid;

/// How often a quiet stream asks again where the reply stands and whether the session lives.
const TICK: Duration = Duration::from_secs(4);
const KEEP_ALIVE_TICKS: u32 = 4;
/// How much of what is kept goes into a first snapshot, in bytes; the rest follows piece by piece, so that
/// a reader that stands still holds no more than that.
const SNAPSHOT: usize = 16 << 10;

/// What is asked of a reply. All readers of an answer ask when it ends: with its text, which may be long, each
/// of them would hold it for that moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// With the text that is stored.
    Whole,
    /// Only where it stands.
    State,
}

/// Asks chat whether `person` may read `reply` and where it stands.
pub async fn ask(gateway: &Gateway, person: &Person, reply: Uuid, asked: Asked) -> Result<Following> {
    let without_text = asked == Asked::State;
    let mut request = tonic::Request::new(FollowRequest { reply: reply.as_bytes().into(), without_text });
    let principal = gateway.principal(&Caller::Person(person.clone()))?;
    let principal = tonic::metadata::MetadataValue::try_from(principal.as_bytes()).map_err(Error::internal)?;
    request.metadata_mut().insert(platform::principal::HEADER, principal);
    Ok(gateway.chat.clone().follow(request).await.map_err(Error::from)?.into_inner())
}

pub struct Follower {
    gateway: Gateway,
    person: Person,
    /// The headers that carried the session, to see whether it still lives; none where another looks.
    session: Option<HeaderMap>,
    door: Door,
    reply: Uuid,
    reading: Box<dyn Reading>,
    following: Following,
    stage: Stage,
    ticks: tokio::time::Interval,
    /// The end of the process. In a set, which looks at it only when it has called: all followers share
    /// the lock behind it, and each piece would take it.
    ending: FuturesUnordered<BoxFuture<'static, ()>>,
    quiet: u32,
    _place: Place,
}

enum Stage {
    /// The reader has nothing yet: it gets one snapshot.
    Fresh,
    /// The reader has everything up to its position.
    Live,
    Over,
}

#[derive(Serialize)]
struct Snapshot<'s> {
    text: &'s str,
    state: &'s str,
    reason: Option<ReasonOut<'s>>,
    marks: Vec<MarkOut<'s>>,
    attempt: u32,
}

#[derive(Serialize)]
struct ReasonOut<'s> {
    code: &'s str,
    detail: &'s str,
}

#[derive(Serialize)]
struct MarkOut<'s> {
    kind: &'s str,
    at: u32,
}

fn reason_out(reason: Option<&Reason>) -> Option<ReasonOut<'_>> {
    reason.map(|reason| ReasonOut { code: &reason.code, detail: &reason.detail })
}

fn is_terminal(state: &str) -> bool {
    !matches!(state, "queued" | "streaming")
}

impl Follower {
    #[expect(clippy::too_many_arguments, reason = "made in one place, of what that place has")]
    pub fn new(
        gateway: Gateway,
        person: Person,
        session: Option<HeaderMap>,
        reply: Uuid,
        reading: Box<dyn Reading>,
        resumes: bool,
        following: Following,
        place: Place,
    ) -> Self {
        gateway.platform.metrics.followers.add(1, &[]);
        let ending = gateway.platform.background.ending().cancelled_owned().boxed();
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        // who stood still for long is looked at once, not once for each tick of it
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            gateway,
            person,
            door: if session.is_some() { Door::Stream } else { Door::Feed },
            session,
            reply,
            reading,
            following,
            stage: if resumes { Stage::Live } else { Stage::Fresh },
            ticks,
            ending: FuturesUnordered::from_iter([ending]),
            quiet: 0,
            _place: place,
        }
    }

    /// The next events for the browser; none when the stream is over.
    pub async fn next(&mut self) -> Option<Out> {
        match self.stage {
            Stage::Over => return None,
            Stage::Live if is_terminal(&self.following.state) => return Some(self.rest().await),
            Stage::Fresh if is_terminal(&self.following.state) => return Some(self.whole().await),
            Stage::Fresh => return Some(self.snapshot(None, false).await),
            Stage::Live => {}
        }
        loop {
            tokio::select! {
                // What comes seldom first: an answer that comes fast must not put off the look at the session.
                biased;
                Some(()) = self.ending.next() => {
                    self.stage = Stage::Over;
                    let mut out = self.out();
                    out.come_again(pause(&*self.gateway.platform.ids));
                    return Some(out);
                }
                _ = self.ticks.tick() => match self.look().await {
                    Ok(Some(frames)) => return Some(frames),
                    Ok(None) => {}
                    Err(error) => return Some(self.break_off(&error)),
                },
                item = self.reading.next() => match self.take(item).await {
                    Ok(Some(frames)) => {
                        self.quiet = 0;
                        return Some(frames);
                    }
                    Ok(None) => {}
                    Err(error) => return Some(self.break_off(&error)),
                },
            }
        }
    }

    async fn ask(&mut self, asked: Asked) -> Result<()> {
        self.following = ask(&self.gateway, &self.person, self.reply, asked).await?;
        Ok(())
    }

    fn out(&self) -> Out {
        Out::new(self.door, self.reply)
    }

    async fn take(&mut self, item: Result<Item>) -> Result<Option<Out>> {
        match item? {
            Item::Batch(batch) => {
                if batch.entries.iter().any(is_padding) {
                    self.ask(Asked::Whole).await?;
                    let batch = Some(Ok(Item::Batch(batch)));
                    return Ok(Some(if is_terminal(&self.following.state) {
                        self.end(batch)
                    } else {
                        self.snapshot(batch, false).await
                    }));
                }
                let mut out = self.out();
                let done = write(&mut out, &batch)?;
                if done {
                    self.ask(Asked::State).await?;
                    let last = batch.entries.last().map(|entry| entry.seq);
                    if self.is_over(last) {
                        self.write_done(&mut out);
                        return Ok(Some(out));
                    }
                }
                Ok((!out.is_empty()).then_some(out))
            }
            // What the reader has does not connect with what is kept: it starts over from a snapshot.
            lost @ Item::Lost { .. } => {
                self.ask(Asked::Whole).await?;
                // with the epoch it names: the reader must know that it begins anew, though nothing be there yet
                let lost = Some(Ok(lost));
                Ok(Some(if is_terminal(&self.following.state) {
                    self.end(lost)
                } else {
                    self.snapshot(lost, false).await
                }))
            }
            Item::Freed => {
                self.ask(Asked::Whole).await?;
                if is_terminal(&self.following.state) {
                    return Ok(Some(self.end(None)));
                }
                // Another attempt has been asked for and its stream is not there yet.
                self.reading = self.gateway.platform.streams.read(self.reply, None);
                self.stage = Stage::Live;
                Ok(Some(self.snapshot(None, false).await))
            }
        }
    }

    /// A quiet while: is the session still good, and has the reply ended without a word on its
    /// stream?
    async fn look(&mut self) -> Result<Option<Out>> {
        if let Some(session) = &self.session
            && self.gateway.caller_lately(session).await? != Caller::Person(self.person.clone())
        {
            self.stage = Stage::Over;
            return Ok(Some(self.out()));
        }
        self.quiet += 1;
        if self.quiet > 1 {
            self.ask(Asked::State).await?;
            if is_terminal(&self.following.state) {
                return Ok(Some(self.rest().await));
            }
        }
        let mut out = self.out();
        if self.quiet.is_multiple_of(KEEP_ALIVE_TICKS) {
            out.keep_alive();
        }
        Ok((!out.is_empty()).then_some(out))
    }

    /// What there is now, or its beginning, in one event that replaces what was shown: what is stored and what
    /// is kept behind it, or (`kept`) only the latter, of which `first` was taken already.
    async fn snapshot(&mut self, mut first: Option<Result<Item>>, kept: bool) -> Out {
        self.stage = Stage::Live;
        // not held any longer: a reader may stand still for long
        let mut text = std::mem::take(&mut self.following.text);
        let (mut marks, mut stored) = (std::mem::take(&mut self.following.marks), self.following.next);
        if kept {
            (text, marks, stored) = (String::new(), Vec::new(), 0);
        }
        let (mut epoch, mut base, mut last, mut done, mut loading) = (None, None, None, false, None);
        // What is kept is ready at once; what is not ready, or too much, comes as events of its own.
        let enough = text.len() + SNAPSHOT;
        while text.len() < enough
            && let Some(item) = first.take().or_else(|| self.reading.next().now_or_never())
        {
            match item {
                // what is stored has it
                Ok(Item::Batch(batch)) if kept && batch.entries.iter().any(is_padding) => {
                    return match self.ask(Asked::Whole).await {
                        Ok(()) => self.end(Some(Ok(Item::Batch(batch)))),
                        Err(error) => self.break_off(&error),
                    };
                }
                Ok(Item::Batch(batch)) => {
                    epoch = Some(batch.epoch);
                    for entry in &batch.entries {
                        last = Some(entry.seq);
                        if entry.seq < stored {
                            continue;
                        }
                        let kind = kind(entry);
                        loading = kind.as_ref().ok().and_then(Option::as_ref).and_then(loading_attempt);
                        match kind {
                            Ok(Some(Kind::Text(piece))) => text.push_str(&piece),
                            Ok(Some(kind @ (Kind::Continued(_) | Kind::Trimmed(_)))) => {
                                let at = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
                                marks.push(Mark { kind: mark(&kind).into(), at });
                            }
                            Ok(Some(Kind::Done(_))) => done = true,
                            Ok(Some(Kind::End(_) | Kind::Loading(_)) | None) => {}
                            Err(error) => return self.break_off(&error),
                        }
                    }
                }
                // what comes first there stands behind what is stored
                Ok(Item::Lost { epoch: kept, first, .. }) => (epoch, base) = (Some(kept), first.checked_sub(1)),
                Ok(Item::Freed) => break,
                Err(error) => return self.break_off(&error),
            }
        }
        let mut out = self.out();
        let following = &self.following;
        let state = if last.is_some() { "streaming" } else { following.state.as_str() };
        let marks = marks.iter().map(|mark| MarkOut { kind: &mark.kind, at: mark.at }).collect();
        let snapshot = Snapshot { text: &text, state, reason: None, marks, attempt: following.attempt };
        match epoch {
            Some(epoch) => out.placed(epoch, last.or(base), "snapshot", &snapshot),
            None => out.plain("snapshot", &snapshot),
        }
        if let Some(attempt) = loading {
            write_loading(&mut out, attempt);
        }
        if done {
            match self.ask(Asked::State).await {
                Ok(()) if self.is_over(last) => self.write_done(&mut out),
                Ok(()) => {}
                Err(error) => return self.break_off(&error),
            }
        }
        out
    }

    /// What follows of a reply that has ended: piece by piece what is kept behind the reader's place, for one on
    /// a bad link; else the end as it is stored.
    async fn rest(&mut self) -> Out {
        match self.reading.next().now_or_never() {
            Some(item @ Ok(Item::Batch(_))) => match self.take(item).await {
                Ok(Some(out)) => out,
                Ok(None) => self.end(None),
                Err(error) => self.break_off(&error),
            },
            item => {
                if self.following.text.is_empty()
                    && let Err(error) = self.ask(Asked::Whole).await
                {
                    return self.break_off(&error);
                }
                if is_terminal(&self.following.state) {
                    self.end(item)
                } else {
                    // gone on with in this moment: it is followed on
                    self.following.text.clear();
                    match item {
                        Some(item) => match self.take(item).await {
                            Ok(out) => out.unwrap_or_else(|| self.out()),
                            Err(error) => self.break_off(&error),
                        },
                        None => self.out(),
                    }
                }
            }
        }
    }

    /// A reply that has ended, for somebody who has nothing of it. A long one comes in parts as long as its
    /// stream is kept, so that a reader that stands still does not hold all of it.
    async fn whole(&mut self) -> Out {
        let next = self.reading.next().now_or_never();
        let is_kept = |batch: &Batch| {
            batch.entries.first().is_some_and(|entry| entry.seq == 0) && !batch.entries.iter().any(is_padding)
        };
        if self.following.text.len() > SNAPSHOT && matches!(&next, Some(Ok(Item::Batch(batch))) if is_kept(batch)) {
            self.snapshot(next, true).await
        } else {
            self.end(next)
        }
    }

    /// The stored end: one snapshot, then `done`.
    fn end(&mut self, next: Option<Result<Item>>) -> Out {
        // The reader may come back for another attempt: behind the stored text, not behind what it
        // had seen before.
        let epoch = match next.or_else(|| self.reading.next().now_or_never()) {
            Some(Ok(Item::Batch(batch))) => Some(batch.epoch),
            Some(Ok(Item::Lost { epoch, .. })) => Some(epoch),
            Some(Ok(Item::Freed) | Err(_)) | None => None,
        };
        let text = std::mem::take(&mut self.following.text);
        let following = &self.following;
        let snapshot = Snapshot {
            text: &text,
            state: &following.state,
            reason: reason_out(following.reason.as_ref()),
            marks: following.marks.iter().map(|mark| MarkOut { kind: &mark.kind, at: mark.at }).collect(),
            attempt: following.attempt,
        };
        let mut out = self.out();
        match epoch {
            Some(epoch) => out.placed(epoch, following.next.checked_sub(1), "snapshot", &snapshot),
            None => out.plain("snapshot", &snapshot),
        }
        self.write_done(&mut out);
        out
    }

    /// Whether the reply ends behind the entry that was read `last`. An end that was gone on from is none: what
    /// came after it follows, from the stream or from what is stored.
    fn is_over(&self, last: Option<u64>) -> bool {
        is_terminal(&self.following.state) && last.is_some_and(|last| last >= self.following.next)
    }

    fn write_done(&mut self, out: &mut Out) {
        let following = &self.following;
        let finished_at = chrono_millis(following.finished_at);
        let done = json!({
            "state": following.state,
            "reason": reason_out(following.reason.as_ref()),
            "finished_at": finished_at,
        });
        out.plain("done", &done);
        self.stage = Stage::Over;
    }

    /// The reader reconnects with its position and loses nothing.
    fn break_off(&mut self, error: &Error) -> Out {
        self.stage = Stage::Over;
        let gone = matches!(error.code(), Code::NotFound | Code::Unauthenticated | Code::Forbidden);
        if !gone {
            tracing::warn!(reply = %self.reply, %error, "a live stream was broken off; its reader comes again");
        }
        let mut out = self.out();
        match self.door {
            _ if !gone => out.come_again(pause(&*self.gateway.platform.ids)),
            Door::Feed => refuse(&mut out, error),
            Door::Stream => {}
        }
        out
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.gateway.platform.metrics.followers.add(-1, &[]);
    }
}

fn kind(entry: &Entry) -> Result<Option<Kind>> {
    Ok(Chunk::decode(entry.bytes.clone()).map_err(Error::internal)?.kind)
}

/// What stands for entries that a power cut has taken, of text that is stored.
fn is_padding(entry: &Entry) -> bool {
    entry.bytes.is_empty()
}

/// What a mark says happened at its place.
fn mark(kind: &Kind) -> &'static str {
    if matches!(kind, Kind::Trimmed(_)) { "trimmed" } else { "continued" }
}

/// What the reader of a feed gets in place of an answer.
pub fn refuse(out: &mut Out, error: &Error) {
    out.plain("error", &json!({ "code": error.code().name(), "detail": error.message() }));
}

/// Nothing has come yet, and the model may be loading: until the next event that shows something.
fn write_loading(out: &mut Out, attempt: u32) {
    out.plain("state", &json!({ "state": "streaming", "attempt": attempt, "loading": true }));
}

fn loading_attempt(kind: &Kind) -> Option<u32> {
    if let Kind::Loading(loading) = kind { Some(loading.attempt) } else { None }
}

/// Writes the events of a batch; whether one says that the end is stored.
fn write(out: &mut Out, batch: &Batch) -> Result<bool> {
    #[derive(Serialize)]
    struct Text {
        text: String,
    }
    let mut done = false;
    for entry in &batch.entries {
        let kind = kind(entry)?;
        let loading = kind.as_ref().and_then(loading_attempt);
        let (event, data) = match kind {
            // nearly all there is: no tree of JSON for it
            Some(Kind::Text(text)) => {
                out.placed(batch.epoch, Some(entry.seq), "text", &Text { text });
                continue;
            }
            Some(kind @ (Kind::Continued(_) | Kind::Trimmed(_))) => ("mark", json!({ "kind": mark(&kind) })),
            Some(Kind::Done(_)) => {
                done = true;
                ("end", json!({}))
            }
            // Entries that show nothing still move the position: the count has no gap.
            Some(Kind::End(_) | Kind::Loading(_)) | None => ("end", json!({})),
        };
        out.placed(batch.epoch, Some(entry.seq), event, &data);
        if let Some(attempt) = loading {
            write_loading(out, attempt);
        }
    }
    Ok(done)
}

/// RFC 3339, as the rest of the API writes times.
fn chrono_millis(millis: i64) -> Option<chrono::DateTime<chrono::Utc>> {
    (millis > 0).then(|| chrono::DateTime::from_timestamp_millis(millis)).flatten()
}
