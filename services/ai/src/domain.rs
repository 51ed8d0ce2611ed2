//! Models as people see them, and leases of answers.

use crate::providers::{Continuation, Place};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{Error, Result, from_row};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A model to choose.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Model {
    /// `provider/model`
    pub id: String,
    pub name: String,
    pub description: String,
    /// `server`: the words stay on this machine or its private network. `outside`: they leave.
    pub place: &'static str,
    /// What it can do after a break: `prefix` goes on by itself, `asked` goes on when asked (and is
    /// marked), `none` cannot.
    pub continuation: &'static str,
    /// Answers in new chats.
    pub default: bool,
    /// It takes pictures.
    pub vision: bool,
    /// Tokens that question and answer may have together, where it is known.
    pub context_window: Option<u64>,
}

#[must_use]
pub const fn place_name(place: Place) -> &'static str {
    match place {
        Place::Server => "server",
        Place::Outside => "outside",
    }
}

#[must_use]
pub const fn continuation_name(continuation: Continuation) -> &'static str {
    match continuation {
        Continuation::Prefix => "prefix",
        Continuation::Asked => "asked",
        Continuation::None => "none",
    }
}

/// The right to produce one reply.
#[derive(Clone, Debug)]
pub struct Lease {
    pub space_id: Uuid,
    pub reply_id: Uuid,
    pub chat_id: Uuid,
    pub model: String,
    pub attempt: u32,
    /// Takeovers in a row, this one among them, since there was new text.
    pub stalled: i64,
}
from_row!(Lease { space_id, reply_id, chat_id, model, attempt, stalled });

/// The day of a time (days since 1970, UTC), and when the next one begins.
pub fn place_in_day(now: DateTime<Utc>) -> (i64, DateTime<Utc>) {
    let day = now.timestamp().div_euclid(86_400);
    let next = DateTime::from_timestamp((day + 1) * 86_400, 0).unwrap_or(now + TimeDelta::days(1));
    (day, next)
}

/// The protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProviderKind)]
pub enum Kind {
    /// OpenAI's, as many servers speak it: vLLM, llama.cpp, LM Studio, OpenRouter, Mistral and OpenAI itself.
    Openai,
    Anthropic,
    Ollama,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Openai, Self::Anthropic, Self::Ollama];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Ollama => "ollama",
        }
    }

    /// # Errors
    /// `invalid` for a kind that this program does not know.
    pub fn parse(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| Error::invalid("kind", "is openai, anthropic or ollama"))
    }
}
