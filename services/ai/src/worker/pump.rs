//! From the provider onto the reply's stream. The first piece goes at once, later ones as soon as
//! the append before them has returned, so they gather only under pressure.

use super::{
    Worker,
    billing::Bill,
    shown::{Shown, encode},
};
use crate::{
    domain::Lease,
    providers::{ANSWER_LIMIT, End, EndReason, Fault, Piece, Pieces},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, future::OptionFuture};
use platform::{Code, Error, Result, failpoint};
use proto::ai::v1 as pb;
use std::time::Duration;
use tokio::time::Instant;

/// Text held back at most before the provider is read no further.
const HELD: usize = 128 << 10;
/// The longest answer, in bytes, however many attempts say it. One that goes on for ever must end; in very small pieces the stream is
/// full before.
const LONGEST: usize = ANSWER_LIMIT + (2 << 20);
/// The longest text of one entry: what a reader that stands still holds.
const ENTRY: usize = 12 << 10;
/// How long an append is tried again while the log cannot be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the provider's part ended.
#[derive(Debug)]
pub enum Ended {
    Said(End),
    /// The person asked to stop.
    Stopped,
    /// What may be used today is used up.
    Capped(Error),
    Failed(Fault),
}

/// Text (and the end) that waits for the append before it.
#[derive(Default)]
struct Held {
    text: String,
    end: Option<pb::End>,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.end.is_none()
    }

    /// What is held, as entries; the text comes back to be counted as shown once it is stored.
    fn take(&mut self) -> (Vec<Bytes>, String) {
        let text = std::mem::take(&mut self.text);
        let mut entries = Vec::with_capacity(2);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(ENTRY));
            entries.push(encode(pb::chunk::Kind::Text(piece.into())));
            rest = behind;
        }
        entries.extend(self.end.take().map(|end| encode(pb::chunk::Kind::End(end))));
        (entries, text)
    }
}

/// Runs until the provider ends, fails or is `stopped`, and everything it said is on the stream.
/// `first` hears when the first piece came.
///
/// # Errors
/// `stale` when a later attempt has begun; `unavailable` when the stream cannot be written.
pub async fn pump(
    worker: &Worker,
    lease: &Lease,
    shown: &mut Shown,
    mut pieces: Pieces,
    stopped: &mut BoxFuture<'_, ()>,
    bill: &mut Bill,
    mut first: impl FnMut(),
) -> Result<Ended> {
    let mut held = Held::default();
    let mut ended = None;
    let mut writing: OptionFuture<BoxFuture<'_, Result<u64>>> = None.into();
    let mut is_writing = false;
    let mut in_flight = String::new();
    loop {
        if !is_writing {
            if !held.is_empty() {
                let (entries, text) = held.take();
                in_flight = text;
                writing = Some(append(worker, lease, entries)).into();
                is_writing = true;
            } else if let Some(ended) = ended.take() {
                return Ok(ended);
            }
        }
        tokio::select! {
            biased;
            Some(next) = &mut writing, if is_writing => {
                shown.next = next?;
                shown.text.push_str(&in_flight);
                writing = None.into();
                is_writing = false;
                failpoint::hit("A4");
            }
            () = &mut *stopped, if ended.is_none() => ended = Some(Ended::Stopped),
            piece = pieces.next(), if ended.is_none() && held.text.len() < HELD => match piece {
                Some(Ok(Piece::Text(text))) => {
                    first();
                    failpoint::hit("A3");
                    held.text.push_str(&text);
                    match bill.count(&text).await {
                        Err(error) if error.code() == Code::CapReached => ended = Some(Ended::Capped(error)),
                        counted => counted?,
                    }
                    // of all attempts together
                    if ended.is_none() && shown.text.len() + in_flight.len() + held.text.len() > LONGEST {
                        let end = End { reason: EndReason::Length, usage: None };
                        held.end = Some(end_out(&end));
                        ended = Some(Ended::Said(end));
                    }
                }
                // No tools were offered.
                Some(Ok(Piece::Call(_))) => {}
                Some(Ok(Piece::End(end))) => {
                    failpoint::hit("A5");
                    held.end = Some(end_out(&end));
                    ended = Some(Ended::Said(end));
                }
                Some(Err(fault)) => ended = Some(Ended::Failed(fault)),
                None => {
                    let fault = Fault::new(crate::providers::FaultKind::Cut, "The model stopped answering.");
                    ended = Some(Ended::Failed(fault));
                }
            },
        }
    }
}

/// Appends, and again for a while when the log cannot be written: a full disk may be freed.
fn append<'a>(worker: &'a Worker, lease: &'a Lease, entries: Vec<Bytes>) -> BoxFuture<'a, Result<u64>> {
    Box::pin(async move {
        let start = Instant::now();
        loop {
            if worker.is_late() {
                return Err(Error::stale("this worker's heart beat came late"));
            }
            failpoint::pause("append").await;
            match worker.platform.streams.append(lease.reply_id, lease.attempt, entries.clone()).await {
                Err(error) if error.code() == Code::Unavailable && start.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                outcome => return outcome,
            }
        }
    })
}

/// The end as the stream carries it.
pub fn end_out(end: &End) -> pb::End {
    let reason = match &end.reason {
        EndReason::Stop => "stop",
        EndReason::Length => "length",
        EndReason::Filtered => "filtered",
        EndReason::Calls | EndReason::Other(_) => "other",
    };
    pb::End {
        reason: reason.into(),
        usage: end.usage.map(|usage| pb::Usage { input: usage.input, output: usage.output, estimated: false }),
    }
}
