//! What the rest of this crate knows about model providers: one neutral way to ask, one to read the answer, one to fail.
//!
//! Everything particular to a provider (its wire format, its errors, its timeouts) ends inside its adapter below.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use uuid::Uuid;

pub mod guide;
mod lines;
mod live;
pub mod ollama;
pub mod openai;
mod refusal;
pub mod scripted;
mod sse;
mod wire;

pub use lines::Lines;
pub use live::Reading;
pub use sse::{Event, Sse, SseItem};
pub use wire::{Timeouts, Wire};

/// Longest line or event taken from a provider, in bytes. A real chunk has a few hundred; beyond this it is an attack or a fault.
pub const EVENT_LIMIT: usize = 1 << 20;

/// The last user turn by which a model that does not go on from a prefix is asked to go on. The turn before it is the partial answer.
pub const GO_ON: &str = "Go on exactly where your last message stopped. Do not repeat anything and do not comment.";

/// Who says a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    User,
    Assistant,
}

impl Role {
    /// The name every chat protocol uses for the role.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One turn of the conversation, oldest first in [`Ask::turns`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub role: Role,
    pub text: String,
}

/// One request to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The provider's own name of the model.
    pub model: String,
    pub turns: Vec<Turn>,
    /// Text the reply already has; the provider must go on right after it. Only given to models whose continuation is `Prefix`.
    pub prefix: String,
    /// The reply this answer belongs to: correlation, and self-describing streams of the scripted provider.
    pub reply: Uuid,
    /// Which attempt at the reply this is; the first is 1.
    pub attempt: u32,
}

/// How a model can go on after a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuation {
    /// Goes on from a given prefix as if nothing had happened.
    Prefix,
    /// Goes on when asked in an extra turn ([`GO_ON`]); the seam may show.
    Asked,
    /// Cannot: the answer stays interrupted.
    None,
}

/// Where the words of a conversation go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// They stay on this machine or in its private network.
    Server,
    /// They leave for somebody else's machine.
    Outside,
}

/// A model a person can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The provider's own name.
    pub id: String,
    pub name: String,
    pub description: String,
    pub place: Place,
    pub continuation: Continuation,
}

/// A part of an answer, in the order of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// The provider said its end. Always the last item of a stream.
    End(End),
}

/// The end as the provider said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub reason: EndReason,
    /// `None` where the provider does not count.
    pub usage: Option<Usage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    Stop,
    /// The model's or server's limit of length was reached.
    Length,
    /// A content filter of the provider ended the answer.
    Filtered,
    /// Anything else, in the provider's word (at most 60 characters).
    Other(String),
}

/// Tokens as the provider counts them; `input` includes what it had cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
}

/// Why a provider did not answer, or not to the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Fault {
    pub kind: FaultKind,
    /// A sentence for people. Never has a key, a URL or the text of a conversation in it.
    pub detail: String,
    /// How long the provider asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A fault without a wish for when to come back.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), retry_after: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The key is wrong, not allowed to do this, or out of credit.
    RefusedKey,
    RateLimited,
    Overloaded,
    /// No connection came about.
    Unreachable,
    /// The provider took longer than [`Timeouts`] allows.
    Timeout,
    /// No such model, or no such service at the configured address.
    NotFound,
    /// The provider understood, and refuses this request.
    BadRequest,
    /// What came is not what the protocol says.
    Malformed,
    /// The answer stopped before the provider said its end.
    Cut,
    /// The provider reports a failure of its own.
    Provider,
}

impl FaultKind {
    /// The stable code of the kind, as the HTTP interface spells it in a reply's reason.
    pub fn code(self) -> &'static str {
        match self {
            FaultKind::RefusedKey => "refused_key",
            FaultKind::RateLimited => "rate_limited",
            FaultKind::Overloaded => "overloaded",
            FaultKind::Unreachable => "unreachable",
            FaultKind::Timeout => "timeout",
            FaultKind::NotFound => "not_found",
            FaultKind::BadRequest => "bad_request",
            FaultKind::Malformed => "malformed",
            FaultKind::Cut => "cut",
            FaultKind::Provider => "provider",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The pieces of one answer as they come.
///
/// It ends after [`Piece::End`] or after one `Err`; an answer that stops without its end yields [`FaultKind::Cut`] as its last item.
/// Dropping the stream cancels the answer at the provider.
pub type Pieces = BoxStream<'static, Result<Piece, Fault>>;

/// Somebody who answers.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The provider's short name, the first part of a model's id in the product: `guide`, `ollama`, or what the configuration says.
    fn name(&self) -> &str;

    /// The models to choose from, in the provider's order.
    async fn models(&self) -> Result<Vec<Model>, Fault>;

    /// Asks, and returns when the provider has begun to answer (or to refuse).
    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault>;
}
