//! Whether an answer shall stop. A nudge is a hint to look and no more: it may come late, when the answer that it was
//! meant for has ended and another attempt goes on with it. What the person wants is stored with chat.

use super::Worker;
use crate::domain::Lease;
use platform::{Code, streams::Nudges};
use proto::chat::v1::context_answer::Answer;
use std::time::Duration;

/// Between two looks while chat cannot be asked.
const PAUSE: Duration = Duration::from_millis(100);

impl Worker {
    /// Returns when the answer shall end: somebody has asked for it, or it is nobody's or somebody else's by now, which
    /// storing its end finds out.
    pub(super) async fn stopped(&self, lease: &Lease, nudges: &mut Nudges) {
        loop {
            nudges.next().await;
            if self.shall_stop(lease).await {
                return;
            }
        }
    }

    /// Whether that is so now; asked until chat answers.
    pub(super) async fn shall_stop(&self, lease: &Lease) -> bool {
        loop {
            match self.context(lease, true).await {
                Ok(Answer::Going(going)) => return going.stop,
                Ok(_) => return true,
                Err(error) if matches!(error.code(), Code::NotFound | Code::Stale) => return true,
                Err(error) => tracing::debug!(reply = %lease.reply_id, %error, "a stop is looked for again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
