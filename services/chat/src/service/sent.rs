//! Requests that are answered once: the same key with the same request gets the same answer.

use crate::repository::sends::{self, Send};
use chrono::{DateTime, Utc};
use platform::{Error, Result, db::Tx, failpoint};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A request that carries a key.
pub(super) struct Keyed {
    key: String,
    /// SHA-256 of what is asked.
    request: Vec<u8>,
}

impl Keyed {
    pub(super) fn new(key: &str, asked: &impl Serialize) -> Result<Self> {
        let request = Sha256::digest(serde_json::to_vec(asked).map_err(Error::internal)?).to_vec();
        Ok(Self { key: key.into(), request })
    }

    /// What this request was answered before.
    pub(super) async fn before(&self, tx: &mut Tx<'_>, space: Uuid) -> Result<Option<String>> {
        let Some(before) = sends::find(tx, space, &self.key).await? else { return Ok(None) };
        if before.request != self.request {
            return Err(Error::mismatch(
                "this Idempotency-Key was used for another message; make a new key for a new message",
            ));
        }
        if before.answer.is_empty() {
            return Err(Error::not_found("chat"));
        }
        Ok(Some(before.answer))
    }

    /// Remembers the answer in the transaction that makes it true.
    pub(super) async fn answer(
        &self,
        tx: &mut Tx<'_>,
        (space, chat): (Uuid, Uuid),
        answer: &impl Serialize,
        now: DateTime<Utc>,
    ) -> Result<String> {
        let answer = serde_json::to_string(answer).map_err(Error::internal)?;
        let send = Send { request: self.request.clone(), answer };
        if !failpoint::mutant("no-idempotency") {
            sends::insert(tx, space, chat, &self.key, &send, now).await?;
        }
        Ok(send.answer)
    }
}
