//! What the rest of this crate knows about model providers: one neutral way to ask, one to read the answer, one to fail.
//!
//! Everything particular to a provider (its wire format, its errors, its timeouts) ends inside its adapter below.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use platform::principal::Person;
use serde_json::Value;
use uuid::Uuid;

pub mod anthropic;
mod breaker;
mod guarded;
pub mod guide;
mod lines;
mod live;
pub mod ollama;
pub mod openai;
mod refusal;
pub mod scripted;
mod sse;
pub(crate) mod wire;

pub use breaker::Breaker;
pub use guarded::Guarded;
pub use lines::Lines;
pub use live::Reading;
pub use sse::{Event, Sse, SseItem};
pub use wire::{Timeouts, Wire};

/// Longest line or event taken from a provider, in bytes. A real chunk has a few hundred; beyond this it is an attack or a fault.
pub const EVENT_LIMIT: usize = 1 << 20;

/// Longest answer taken, in bytes: several times what the longest real ones have. One that goes on for ever must end.
pub const ANSWER_LIMIT: usize = 4 << 20;

/// The last user turn by which a model that does not go on from a prefix is asked to go on. The turn before it is the partial answer.
pub const GO_ON: &str = "Go on exactly where your last message stopped. Do not repeat anything and do not comment.";

/// Who says a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    User,
    Assistant,
    /// What a called tool answered.
    Tool,
}

impl Role {
    /// The name every chat protocol uses for the role.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One turn of the conversation, oldest first in [`Ask::turns`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub role: Role,
    pub text: String,
    /// Only given to models that see.
    pub images: Vec<Image>,
    /// The tools an assistant called in this turn.
    pub calls: Vec<Call>,
    /// The id of the call that a turn of role [`Role::Tool`] answers; empty elsewhere.
    pub answers: String,
}

impl Turn {
    /// A turn of nothing but text.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), images: Vec::new(), calls: Vec::new(), answers: String::new() }
    }
}

/// A picture beside a turn's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `image/png` and the like.
    pub kind: String,
    pub bytes: Bytes,
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub id: String,
    pub name: String,
    /// JSON, as the model wrote it.
    pub arguments: String,
}

/// A tool a model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// A JSON schema.
    pub parameters: Value,
}

/// Which tools the model is to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Auto,
    None,
    Required,
    Named(String),
}

/// How the answer is wanted. What is not said is the provider's to decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub stop: Vec<String>,
    pub seed: Option<i64>,
    pub tools: Vec<Tool>,
    pub choice: Option<Choice>,
    /// The answer is to be one JSON object.
    pub json: bool,
    /// How many tokens of context the server is to make room for, where it can be told.
    pub window: Option<u64>,
}

/// Whose request it is; nil where nobody knows. No provider outside is told: only the scripted one names it, in its tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    pub space: Uuid,
    pub person: Uuid,
    pub chat: Uuid,
}

impl Origin {
    /// A person's, in no chat that is kept.
    pub fn of(person: &Person) -> Self {
        Self { space: person.space(), person: person.user, chat: Uuid::nil() }
    }
}

/// One request to a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The provider's own name of the model.
    pub model: String,
    pub turns: Vec<Turn>,
    /// Text the reply already has; the provider must go on right after it. Only given to models whose continuation is `Prefix`.
    pub prefix: String,
    /// Whose request it is.
    pub origin: Origin,
    /// The reply this answer belongs to: correlation, and self-describing streams of the scripted provider.
    pub reply: Uuid,
    /// Which attempt at the reply this is; the first is 1.
    pub attempt: u32,
    pub wishes: Wishes,
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
    pub purpose: Purpose,
    /// Whether it takes pictures.
    pub vision: bool,
    /// Tokens that question and answer may have together, where the provider says it.
    pub window: Option<u64>,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    #[default]
    Chat,
    /// Turns texts into vectors; has no words.
    Embedding,
}

/// A part of an answer, in the order of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// A part of a call of a tool; only where tools were offered.
    Call(CallPart),
    /// The provider said its end. Always the last item of a stream.
    End(End),
}

/// A call of a tool as it comes: id and name with its first part, then more and more of its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPart {
    /// Which of the answer's calls, from 0.
    pub index: usize,
    pub id: String,
    pub name: String,
    pub arguments: String,
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
    /// The model waits for the answers of the tools it called.
    Calls,
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

    /// How long it may take to its first word. A long time means that it may have to load a model first.
    fn first_byte(&self) -> Duration {
        Timeouts::default().first_byte
    }

    /// What leaves it alone while it is away; none for what is no network.
    fn breaker(&self) -> Option<&Breaker> {
        None
    }

    /// Itself, where it takes requests of OpenAI's protocol as they are.
    fn passes(&self) -> Option<&dyn Passes> {
        None
    }

    /// Turns texts into vectors.
    async fn embed(&self, model: &str, texts: Vec<String>, dimensions: Option<u64>) -> Result<Embedded, Fault> {
        let _ = (texts, dimensions);
        Err(Fault::new(FaultKind::BadRequest, format!("The model {model} makes no embeddings.")))
    }

    /// How a conversation that began with `question` gets its title.
    fn titles(&self, question: &str) -> Titles {
        let _ = question;
        Titles::Asked
    }
}

/// A server of OpenAI's own protocol: requests go to it as they came.
#[async_trait]
pub trait Passes: Send + Sync {
    /// The provider's name, for sentences.
    fn called(&self) -> &str;

    fn timeouts(&self) -> Timeouts;

    /// Whether it counts tokens in a stream when it is asked to.
    fn counts(&self) -> bool;

    /// Sends a body to a path below the base, and returns when the answer has begun before `deadline`. A server that does not know the
    /// count in streams is asked again with what `without` makes.
    async fn pass(
        &self,
        path: &str,
        body: Vec<u8>,
        without: Option<&(dyn Fn() -> Option<Vec<u8>> + Sync)>,
        deadline: tokio::time::Instant,
    ) -> Result<reqwest::Response, Fault>;
}

/// Texts as vectors, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    pub vectors: Vec<Vec<f32>>,
    pub usage: Option<Usage>,
}

/// Where titles come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Titles {
    /// The model is asked for one.
    Asked,
    /// It makes none.
    None,
    /// Known beforehand.
    Fixed(String),
}
