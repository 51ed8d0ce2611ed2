//! How replies end, and what people are told about an end that is none of the model's.

use super::{billing::sentence, context::Told, shown::Shown};
use crate::providers::Fault;
use platform::Error;
use proto::{ai::v1 as pb, chat::v1::Reason};

/// How a reply ends.
pub struct Ending {
    pub state: &'static str,
    pub reason: Option<Reason>,
}

impl Ending {
    pub const COMPLETE: Self = Self { state: "complete", reason: None };
    pub const STOPPED: Self = Self { state: "stopped", reason: None };

    /// With text to keep it is an interruption, without it a failure.
    pub fn broken(shown: &Shown, code: &str, detail: impl Into<String>) -> Self {
        let state = if shown.text.is_empty() { "failed" } else { "interrupted" };
        Self { state, reason: Some(Reason { code: code.into(), detail: detail.into() }) }
    }

    /// The stream takes no more: this answer is as long as it gets, or all of them together are.
    pub fn full(shown: &Shown) -> Self {
        Self::broken(shown, "length", "The answer is longer than this server can keep now.")
    }

    pub fn no_progress() -> Self {
        let detail = "Several tries brought no new text. The text above is kept.";
        Self { state: "failed", reason: Some(Reason { code: "no_progress".into(), detail: detail.into() }) }
    }

    pub fn fault(shown: &Shown, fault: &Fault) -> Self {
        Self::broken(shown, fault.kind.code(), fault.detail.clone())
    }

    /// The text is kept, and so is the question: it can be asked again tomorrow.
    pub fn capped(error: &Error) -> Self {
        Self { state: "failed", reason: Some(Reason { code: "cap_reached".into(), detail: sentence(error) }) }
    }

    pub fn untold(shown: &Shown, why: &Told) -> Self {
        let (code, detail) = match why {
            Told::TooLong => (
                "too_long",
                "The message is longer than this model takes. Shorten it, or choose a model with a larger context.",
            ),
            Told::Blind => {
                ("no_vision", "This model does not take pictures. Choose one that does, or leave the pictures out.")
            }
            Told::CannotGoOn | Told::Ask(..) => (
                "restart",
                "The server was restarted while the model was answering, and this model cannot go on by itself.",
            ),
        };
        Self::broken(shown, code, detail)
    }

    pub fn said(shown: &Shown, end: &pb::End) -> Self {
        match end.reason.as_str() {
            "length" => Self::broken(shown, "length", "The model reached the longest answer it may give."),
            "filtered" => Self::broken(shown, "filtered", "The provider's content filter ended the answer."),
            _ => Self::COMPLETE,
        }
    }
}
