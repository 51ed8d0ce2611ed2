//! Chats as they travel: our own export's shape, and what an import becomes before it is stored.

use super::File;
use chrono::{DateTime, Utc};
use platform::from_row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The name of our own format, in each of its files.
pub const FORMAT: &str = "taifas-chat";

/// A chat in full, as it is exported.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExportedChat {
    pub format: String,
    pub version: u32,
    pub id: Uuid,
    pub title: String,
    pub model: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[serde(default)]
    pub pinned: bool,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub project_id: Option<Uuid>,
    pub active_leaf: Uuid,
    /// Since when it lies in the trash, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// All branches: each message behind the one it follows, else the oldest first.
    pub messages: Vec<ExportedMessage>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ExportedMessage {
    pub id: Uuid,
    pub parent_id: Option<Uuid>,
    pub role: String,
    pub text: String,
    pub state: String,
    #[serde(default)]
    pub model: Option<String>,
    pub created_at: DateTime<Utc>,
    #[serde(default)]
    pub attachments: Vec<File>,
}

/// All data of a person on its way out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Export {
    pub id: Uuid,
    /// `queued`, `running`, `ready` or `failed`.
    pub state: String,
    /// In bytes, once it is ready.
    pub size: Option<i64>,
    pub created_at: DateTime<Utc>,
    /// It can be fetched until then.
    pub expires_at: Option<DateTime<Utc>>,
}
from_row!(Export { id, state, size, created_at, expires_at });

/// Chats of another system on their way in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Import {
    pub id: Uuid,
    /// `queued`, `running`, `ready` or `failed`.
    pub state: String,
    /// `chatgpt`, `claude`, `open-webui`, `librechat` or `taifas`, once it is known.
    pub source: Option<String>,
    /// How many came in until now.
    pub chats: i64,
    pub messages: i64,
    /// What could not be kept, and why.
    pub problems: Vec<Problem>,
    pub created_at: DateTime<Utc>,
}

impl platform::db::FromRow for Import {
    const COLUMNS: &'static [&'static str] = &["id", "state", "source", "chats", "messages", "problems", "created_at"];

    fn from_row(row: &platform::db::Row<'_>) -> platform::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            state: row.get(1)?,
            source: row.get(2)?,
            chats: row.get(3)?,
            messages: row.get(4)?,
            problems: serde_json::from_str(&row.get::<String>(5)?).map_err(platform::Error::internal)?,
            created_at: row.get(6)?,
        })
    }
}

/// Something that could not be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A chat's title, or a file's name.
    pub what: String,
    pub why: String,
}

impl Problem {
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into().chars().take(120).collect(), why: why.into() }
    }
}

/// A chat that was read out of an import and mended: each parent comes before its children.
#[derive(Debug)]
pub struct Incoming {
    pub source: &'static str,
    /// What the other system calls it.
    pub key: String,
    pub title: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub pinned: bool,
    pub archived: bool,
    pub project: Option<Uuid>,
    /// The model that it was to go on with, by the name it has here.
    pub model: Option<String>,
    pub turns: Vec<Turn>,
    /// Where the shown path ends.
    pub active: Option<String>,
}

/// A turn of it.
#[derive(Clone, Debug)]
pub struct Turn {
    pub key: String,
    pub parent: Option<String>,
    pub by_person: bool,
    pub text: String,
    pub model: Option<String>,
    pub created_at: DateTime<Utc>,
    pub attachments: Vec<File>,
}
