//! Turns the body of a provider's answer into pieces: the same clock, the same end and the same faults for every wire format.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use reqwest::Response;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{ANSWER_LIMIT, End, EndReason, Fault, FaultKind, Piece, Pieces, Timeouts};

/// After the provider said how the answer ended only its count of tokens can still come; nobody waits longer than this for it.
const COUNT_GRACE: Duration = Duration::from_secs(3);

/// Bytes without a word of the answer, after which none is expected any more. Long thoughts of a model are a tenth of it.
const SILENT_LIMIT: usize = 64 << 20;

/// One wire format: reads the bytes of an answer as they come, cut anywhere.
pub trait Reading: Send + Unpin + 'static {
    /// Takes bytes and appends the pieces they complete. Says whether a whole event was among them, a sign of life. After
    /// [`Piece::End`] or an error nothing more is pushed.
    fn push(&mut self, bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<bool, Fault>;

    /// Whether the provider has said how its answer ended, though [`Piece::End`] may still wait for the count of tokens.
    fn ended(&self) -> bool;

    /// No more bytes will come. Appends [`Piece::End`] if the provider had said its end, otherwise it was cut.
    fn close(&mut self, out: &mut VecDeque<Piece>) -> Result<(), Fault>;
}

type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

struct Live<R> {
    name: String,
    /// Gone as soon as nothing more is wanted: dropping it closes the connection.
    body: Option<Body>,
    reading: R,
    ready: VecDeque<Piece>,
    fault: Option<Fault>,
    idle: Duration,
    /// Until when the next whole event must be here.
    patience: Instant,
    total: Instant,
    /// Bytes of text so far, and of anything since the last of it.
    said: usize,
    silent: usize,
    /// One timer for the whole answer: set anew when it rings too early, not with each event.
    alarm: Pin<Box<Sleep>>,
}

/// The pieces of the answer in `response`, for a request sent at `sent`.
pub(super) fn pieces<R: Reading>(
    name: &str,
    response: Response,
    reading: R,
    timeouts: Timeouts,
    sent: Instant,
) -> Pieces {
    let (patience, total) = (sent + timeouts.first_byte, sent + timeouts.total);
    let live = Live {
        name: name.to_owned(),
        body: Some(response.bytes_stream().boxed()),
        reading,
        ready: VecDeque::new(),
        fault: None,
        idle: timeouts.idle,
        patience,
        total,
        alarm: Box::pin(sleep_until(patience.min(total))),
        said: 0,
        silent: 0,
    };
    stream::unfold(live, |mut live| async move { live.next().await.map(|item| (item, live)) }).boxed()
}

impl<R: Reading> Live<R> {
    async fn next(&mut self) -> Option<Result<Piece, Fault>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                match &piece {
                    Piece::Text(_) if self.said >= ANSWER_LIMIT => {
                        (self.body, self.fault) = (None, None);
                        self.ready.clear();
                        return Some(Ok(Piece::End(End { reason: EndReason::Length, usage: None })));
                    }
                    Piece::Text(text) => self.said += text.len(),
                    Piece::Call(_) => {}
                    Piece::End(_) => {
                        self.ready.clear();
                        self.fault = None;
                        self.let_go();
                    }
                }
                return Some(Ok(piece));
            }
            if let Some(fault) = self.fault.take() {
                self.body = None;
                return Some(Err(fault));
            }
            let body = self.body.as_mut()?;
            let until = self.patience.min(self.total);
            if until < self.alarm.deadline() {
                self.alarm.as_mut().reset(until);
            }
            let heard = tokio::select! {
                biased;
                heard = body.next() => Some(heard),
                () = &mut self.alarm => None,
            };
            match heard {
                Some(Some(Ok(bytes))) => self.take(&bytes),
                Some(Some(Err(_))) => self.close(FaultKind::Cut, |name| {
                    format!("The connection to {name} broke in the middle of the answer.")
                }),
                Some(None) => self.close(FaultKind::Cut, |name| format!("{name} stopped in the middle of the answer.")),
                None if Instant::now() < until => self.alarm.as_mut().reset(until),
                None => self.give_up(),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.silent += bytes.len();
        let heard = self.reading.push(bytes, &mut self.ready).unwrap_or_else(|fault| {
            self.fault = Some(fault);
            false
        });
        let now = Instant::now();
        if heard {
            let wait = if self.reading.ended() { COUNT_GRACE.min(self.idle) } else { self.idle };
            self.patience = now + wait;
        }
        if !self.ready.is_empty() {
            self.silent = 0;
        }
        if self.fault.is_some() {
            return;
        }
        if self.silent > SILENT_LIMIT {
            let detail = format!("{} sent {} MiB without a word of the answer.", self.name, SILENT_LIMIT >> 20);
            self.fault = Some(Fault::new(FaultKind::Malformed, detail));
        } else if now >= self.patience.min(self.total) {
            // Bytes that always are there already would never let the alarm ring.
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        if self.patience < self.total {
            self.close(FaultKind::Timeout, |name| format!("{name} fell silent in the middle of the answer."));
        } else {
            self.close(FaultKind::Timeout, |name| format!("The answer of {name} took longer than an answer may."));
        }
    }

    fn close(&mut self, kind: FaultKind, detail: impl Fn(&str) -> String) {
        self.body = None;
        if let Err(mut fault) = self.reading.close(&mut self.ready) {
            // The reading knows only that it was cut; why is known here.
            if fault.kind == FaultKind::Cut {
                fault = Fault::new(kind, detail(&self.name));
            }
            self.fault = Some(fault);
        }
    }

    /// A connection can only be used again when its answer was read to the last byte, which usually is there already.
    fn let_go(&mut self) {
        let Some(mut body) = self.body.take() else {
            return;
        };
        for _ in 0..4 {
            if !matches!(body.next().now_or_never(), Some(Some(Ok(_)))) {
                return;
            }
        }
    }
}
