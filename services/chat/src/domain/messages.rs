//! Messages, replies and their states.

use super::{File, order::Follows};
use chrono::{DateTime, Utc};
use platform::{
    Error, Result,
    db::{FromRow, Row},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a message stands. A reply goes `queued → streaming →` one of the others; a person's
/// message is always `complete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MessageState)]
pub enum State {
    Queued,
    Streaming,
    Complete,
    Stopped,
    Interrupted,
    Failed,
}

impl State {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Streaming => "streaming",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    /// # Errors
    /// `internal` for a state this program does not know.
    pub fn parse(name: &str) -> Result<Self> {
        [Self::Queued, Self::Streaming, Self::Complete, Self::Stopped, Self::Interrupted, Self::Failed]
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| Error::internal(format!("unknown state {name}")))
    }

    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Streaming)
    }

    /// Whether a person may ask to go on from here.
    #[must_use]
    pub const fn may_continue(self) -> bool {
        matches!(self, Self::Stopped | Self::Interrupted | Self::Failed)
    }
}

/// Why a reply ended as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// For programs: `cut`, `refused_key`, `restart`…
    pub code: String,
    /// For people: one sentence.
    pub detail: String,
}

/// Something that happened at a place in a reply's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mark {
    /// `continued`: from here the model went on because it was asked to, after a break.
    pub kind: String,
    /// The place, in characters (Unicode code points).
    pub at: u32,
}

/// A turn of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Message {
    pub id: Uuid,
    pub chat_id: Uuid,
    pub parent_id: Option<Uuid>,
    /// `user` or `assistant`.
    pub role: String,
    pub text: String,
    pub state: State,
    pub reason: Option<Reason>,
    pub model: Option<String>,
    /// How many times this reply was begun.
    pub attempt: u32,
    pub marks: Vec<Mark>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// All answers to the same turn, or all versions of the same question: oldest first, this one
    /// among them.
    #[serde(default)]
    pub siblings: Vec<Uuid>,
    #[serde(default)]
    pub attachments: Vec<File>,
}

/// A reply with what only the service needs to know of it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub message: Message,
    /// The next position of its stream behind the stored text.
    pub next_seq: i64,
    pub stop_asked: bool,
    pub continued: bool,
    /// How the person wanted this answer to differ from the one before.
    pub instruction: Option<String>,
}

impl Follows for Message {
    fn id(&self) -> Uuid {
        self.id
    }

    fn parent(&self) -> Option<Uuid> {
        self.parent_id
    }
}

impl FromRow for Message {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "chat_id",
        "parent_id",
        "role",
        "text",
        "state",
        "reason_code",
        "reason_detail",
        "model",
        "attempt",
        "marks",
        "created_at",
        "finished_at",
    ];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        let code: Option<String> = row.get(6)?;
        let detail: Option<String> = row.get(7)?;
        Ok(Self {
            id: row.get(0)?,
            chat_id: row.get(1)?,
            parent_id: row.get(2)?,
            role: row.get(3)?,
            text: row.get(4)?,
            state: State::parse(&row.get::<String>(5)?)?,
            reason: code.map(|code| Reason { code, detail: detail.unwrap_or_default() }),
            model: row.get(8)?,
            attempt: row.get(9)?,
            marks: serde_json::from_str(&row.get::<String>(10)?).map_err(Error::internal)?,
            created_at: row.get(11)?,
            finished_at: row.get(12)?,
            siblings: Vec::new(),
            attachments: Vec::new(),
        })
    }
}

impl FromRow for Reply {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "chat_id",
        "parent_id",
        "role",
        "text",
        "state",
        "reason_code",
        "reason_detail",
        "model",
        "attempt",
        "marks",
        "created_at",
        "finished_at",
        "next_seq",
        "stop_asked",
        "continued",
        "instruction",
    ];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            message: Message::from_row(row)?,
            next_seq: row.get(13)?,
            stop_asked: row.get(14)?,
            continued: row.get(15)?,
            instruction: row.get(16)?,
        })
    }
}

/// A message as the picture of a chat's branches shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Node {
    pub id: Uuid,
    pub parent_id: Option<Uuid>,
    /// `user` or `assistant`.
    pub role: String,
    /// The beginning of its text.
    pub excerpt: String,
    pub state: State,
    pub model: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl Follows for Node {
    fn id(&self) -> Uuid {
        self.id
    }

    fn parent(&self) -> Option<Uuid> {
        self.parent_id
    }
}

impl FromRow for Node {
    const COLUMNS: &'static [&'static str] = &["id", "parent_id", "role", "excerpt", "state", "model", "created_at"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            parent_id: row.get(1)?,
            role: row.get(2)?,
            excerpt: row.get(3)?,
            state: State::parse(&row.get::<String>(4)?)?,
            model: row.get(5)?,
            created_at: row.get(6)?,
        })
    }
}
