//! What a reply used: reserved before each attempt, settled with its end; what a dead attempt used is settled by the one after it.

use super::{Worker, shown::Shown};
use crate::{
    catalogue::Found,
    domain::Lease,
    events::Account,
    ledger::{Ledger, Room, Use},
    providers::Usage,
    repository, tokens,
};
use futures_util::FutureExt as _;
use platform::{Error, Result};
use std::sync::Arc;

/// The account of a running attempt.
pub struct Bill {
    ledger: Ledger,
    lease: Lease,
    room: Room,
    input: u64,
    /// Tokens of output so far, estimated.
    output: u64,
}

impl Bill {
    /// Counts a piece of the answer.
    ///
    /// # Errors
    /// `cap_reached` when there is no room for more.
    pub async fn count(&mut self, text: &str) -> Result<()> {
        self.output += tokens::of_text(text);
        if self.output <= self.room.output {
            return Ok(());
        }
        self.ledger.extend(self.lease.space_id, self.lease.reply_id, self.lease.attempt, &mut self.room).await
    }

    /// What counts: the provider's word, else the estimate, where anything was used at all.
    pub async fn close(&mut self, said: Option<Usage>, used: bool, account: &mut Account) {
        self.room.written().await;
        account.estimated = said.is_none();
        let estimate = Usage { input: self.input, output: self.output };
        account.usage = said.or_else(|| (used || self.output > 0).then_some(estimate));
    }
}

impl Worker {
    /// Settles what former attempts used, and makes room for this one.
    ///
    /// # Errors
    /// `cap_reached` when there is none.
    pub(super) async fn bill(&self, lease: &Lease, shown: &Shown, found: &Found, input: u64) -> Result<Bill> {
        let base = tokens::of_text(&shown.text);
        if lease.attempt > 1 {
            let (lease, total) = (Arc::new(lease.clone()), i64::try_from(base).unwrap_or(i64::MAX));
            let settled = self.platform.db.write(lease.space_id, move |tx| {
                let lease = lease.clone();
                async move { repository::settle_former(tx, &lease, total).await }.boxed()
            });
            settled.await?;
        }
        let wanted = Use {
            space: lease.space_id,
            id: lease.reply_id,
            attempt: lease.attempt,
            kind: "reply",
            key: None,
            input,
            longest: None,
            base,
        };
        let room = self.ledger.reserve(&wanted, found).await?;
        Ok(Bill { ledger: self.ledger.clone(), lease: lease.clone(), room, input, output: 0 })
    }
}

/// An error's message as a sentence of its own.
pub fn sentence(error: &Error) -> String {
    let message = error.message();
    let first = message.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let rest = message.char_indices().nth(1).map_or("", |(at, _)| &message[at..]);
    format!("{first}{}.", rest.trim_end_matches('.'))
}
