//! What a person has begun to write and not sent.

use chrono::{DateTime, Utc};
use platform::{Error, Result, from_row};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A text on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Draft {
    /// Empty when there is none.
    pub text: String,
    /// Name it in the next change; 0 when there never was one.
    pub version: i64,
    pub updated_at: Option<DateTime<Utc>>,
}
from_row!(Draft { text, version, updated_at });

impl Draft {
    pub const NONE: Self = Self { text: String::new(), version: 0, updated_at: None };
}

/// What a draft belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftKey {
    /// A chat that is not begun yet.
    New,
    /// A chat, or a chat of a project that is not begun yet.
    Of(Uuid),
}

impl DraftKey {
    /// # Errors
    /// `not_found` for what cannot be one.
    pub fn read(key: &str) -> Result<Self> {
        match key {
            "new" => Ok(Self::New),
            id => id.parse().map(Self::Of).map_err(|_| Error::not_found("draft")),
        }
    }

    pub fn stored(self) -> String {
        match self {
            Self::New => "new".into(),
            Self::Of(id) => id.to_string(),
        }
    }
}
