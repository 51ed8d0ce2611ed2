//! Chats, messages and their states: types and rules, no input or output.

use chrono::{DateTime, Utc};
use platform::{
    Error, Result,
    db::{FromRow, Row},
    from_row,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A conversation, as lists show it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Chat {
    pub id: Uuid,
    pub title: String,
    /// The model that answers next, `provider/model`.
    pub model: String,
    /// Name it in a change; a stale one is refused.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    /// Last activity.
    pub updated_at: DateTime<Utc>,
    /// Whether an answer is being written.
    pub running: bool,
}
from_row!(Chat { id, title, model, version, created_at, updated_at, running });

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
}

/// A reply with what only the service needs to know of it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub message: Message,
    /// The next position of its stream behind the stored text.
    pub next_seq: i64,
    pub stop_asked: bool,
    pub continued: bool,
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
    ];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            message: Message::from_row(row)?,
            next_seq: row.get(13)?,
            stop_asked: row.get(14)?,
            continued: row.get(15)?,
        })
    }
}

/// What a person wrote, fit to be stored.
///
/// # Errors
/// `invalid` for an empty text or a NUL, `too_large` past `limit` characters.
pub fn check_text(text: &str, limit: usize) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid("text", "is empty"));
    }
    if text.contains('\0') {
        return Err(Error::invalid("text", "holds a NUL character, which cannot be stored; remove it"));
    }
    let length = text.chars().count();
    if length > limit {
        return Err(Error::too_large(format!(
            "the message has {length} characters; {limit} are possible, so send it in parts"
        )));
    }
    Ok(())
}

/// A title as it is stored: one line, at most 200 characters.
///
/// # Errors
/// `invalid` when nothing is left of it or it is too long.
pub fn check_title(title: &str) -> Result<String> {
    let title = title
        .split(|c: char| c.is_control())
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match title.chars().count() {
        0 => Err(Error::invalid("title", "is empty")),
        1..=200 => Ok(title),
        n => Err(Error::invalid("title", format!("has {n} characters; 200 are possible"))),
    }
}

/// A new chat's first title: the beginning of its first message, cut between words.
#[must_use]
pub fn first_title(text: &str) -> String {
    const LIMIT: usize = 60;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= LIMIT {
        return clean;
    }
    let cut: String = clean.chars().take(LIMIT).collect();
    let end = cut.rfind(' ').filter(|at| *at > LIMIT / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_title_is_cut_between_words() {
        assert_eq!(first_title("\n  Hello there\nmore"), "Hello there");
        let long = "We are moving invoicing from SQLite to Postgres and would like advice on it";
        assert_eq!(first_title(long), "We are moving invoicing from SQLite to Postgres and would…");
        assert_eq!(first_title(&"ă".repeat(80)), format!("{}…", "ă".repeat(60)));
    }

    #[test]
    fn a_title_is_one_line_of_something() {
        assert_eq!(check_title("  a\r\nb ").unwrap(), "a b");
        assert!(check_title(" \n ").is_err());
        assert!(check_title(&"x".repeat(201)).is_err());
    }

    #[test]
    fn a_text_is_counted_in_characters() {
        assert!(check_text(&"ș".repeat(10), 10).is_ok());
        assert!(check_text(&"ș".repeat(11), 10).is_err());
        assert!(check_text("a\0b", 10).is_err());
    }
}
