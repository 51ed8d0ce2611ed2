//! Conversations as lists show them, and where they are kept.

use chrono::{DateTime, Utc};
use platform::from_row;
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
    #[serde(default)]
    pub pinned: bool,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub project_id: Option<Uuid>,
    /// Whether an answer ended that was not looked at yet, on any device.
    #[serde(default)]
    pub unread: bool,
    /// Since when it is in the trash.
    #[serde(default)]
    pub deleted_at: Option<DateTime<Utc>>,
}
from_row!(Chat {
    id,
    title,
    model,
    version,
    created_at,
    updated_at,
    running,
    pinned,
    archived,
    project_id,
    unread,
    deleted_at
});

/// Which chats a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shelf {
    /// Those that are neither pinned nor archived nor in a project.
    #[default]
    Recent,
    Pinned,
    Archived,
    Trash,
}
