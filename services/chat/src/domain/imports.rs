//! Reading what other systems export: each chat by its shape, whatever its file is called. The
//! formats are nobody's standard and change; what is not understood is counted and said.

mod formats;
mod mend;

pub use mend::mend;

use super::{Incoming, Problem};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A chat as it stands in an export, before it is mended.
pub(super) struct Raw {
    pub incoming: Incoming,
    /// Parts that a chat here cannot hold: pictures, tools, thoughts.
    pub dropped: usize,
}

/// One chat of an export.
///
/// # Errors
/// What is wrong, when there is nothing to be kept of it.
pub fn read(value: &Value, now: DateTime<Utc>) -> Result<(Incoming, Vec<Problem>), Problem> {
    let raw = formats::read(value, now)?;
    Ok(mend(raw))
}
