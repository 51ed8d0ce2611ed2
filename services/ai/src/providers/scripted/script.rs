//! The script a message carries: how long the answer is, how fast it comes, and what goes wrong.

use serde::{Deserialize, Serialize};

use super::{Fault, FaultKind};
use std::time::Duration;

/// Longest answer, in tokens.
const MOST_TOKENS: usize = 100_000;
/// Longest delay, in milliseconds: longer than any timeout of ours.
const LONGEST_DELAY: u64 = 3_600_000;

/// What follows `script:` in a line of the message, as JSON. Every field may be left out; an unknown one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Length of the whole answer, at most 100,000.
    pub tokens: usize,
    /// Between two tokens, in milliseconds.
    pub delay_ms: u64,
    /// Before the first token of an attempt, in milliseconds.
    pub first_delay_ms: u64,
    /// Another seed, another text.
    pub seed: u64,
    /// The title that the conversation gets afterwards; none when absent.
    pub title: Option<String>,
    pub style: Style,
    /// After so many tokens of an attempt its stream ends without an end.
    pub cut_after: Option<usize>,
    /// Only attempts up to this number are cut.
    pub cut_attempts: u32,
    /// After so many tokens of an attempt the provider reports `error`; after 0 it refuses the request.
    pub error_after: Option<usize>,
    pub error: Failure,
    /// Only attempts up to this number fail.
    pub error_attempts: u32,
    /// After so many tokens of an attempt nothing comes any more.
    pub hang_after: Option<usize>,
    /// Only attempts up to this number hang.
    pub hang_attempts: u32,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            tokens: 200,
            delay_ms: 20,
            first_delay_ms: 0,
            seed: 1,
            title: None,
            style: Style::Words,
            cut_after: None,
            cut_attempts: 1,
            error_after: None,
            error: Failure::Provider,
            error_attempts: 1,
            hang_after: None,
            hang_attempts: 1,
        }
    }
}

/// What the answer consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Sentences of plain words.
    Words,
    /// Everything GitHub's Markdown has, and characters of several code points, cut anywhere.
    Markdown,
    /// Each token names itself ([`super::Named`]): loss, repetition and confusion show by themselves.
    Named,
}

/// What a scripted provider can report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    Overloaded,
    RateLimited,
    RefusedKey,
    Malformed,
    Provider,
}

impl Failure {
    pub(super) fn fault(self) -> Fault {
        let (kind, detail) = match self {
            Failure::Overloaded => (FaultKind::Overloaded, "The script says: overloaded."),
            Failure::RateLimited => (FaultKind::RateLimited, "The script says: too many requests."),
            Failure::RefusedKey => (FaultKind::RefusedKey, "The script says: the key is refused."),
            Failure::Malformed => (FaultKind::Malformed, "The script says: malformed."),
            Failure::Provider => (FaultKind::Provider, "The script says: the provider failed."),
        };
        let retry_after = (self == Failure::RateLimited).then_some(Duration::from_secs(1));
        Fault { retry_after, ..Fault::new(kind, detail) }
    }
}

impl Script {
    /// The script in a message; a short answer that depends on nothing but the message if there is none. One that cannot be read
    /// is [`FaultKind::BadRequest`] and says why.
    pub fn in_text(message: &str) -> Result<Self, Fault> {
        let Some(line) = message.lines().find_map(|line| line.trim().strip_prefix("script:")) else {
            return Ok(Self { tokens: 24, seed: hash(message), ..Self::default() });
        };
        let refuse = |why: &str| Fault::new(FaultKind::BadRequest, format!("The script line cannot be read: {why}."));
        let script: Self = serde_json::from_str(line.trim()).map_err(|error| refuse(&error.to_string()))?;
        if script.tokens > MOST_TOKENS {
            return Err(refuse("tokens is more than 100000"));
        }
        if script.delay_ms.max(script.first_delay_ms) > LONGEST_DELAY {
            return Err(refuse("a delay is more than 3600000 ms"));
        }
        Ok(script)
    }
}

/// FNV-1a, 64 bits: stable for ever, unlike the standard library's hashes.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
