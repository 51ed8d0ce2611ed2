//! Accounts and what people prefer: types and rules, no input or output.

mod choices;
mod instructions;
mod names;

pub use choices::{Accent, Language, State, Theme};
pub use instructions::{Instructions, Writing};
pub use names::{Email, Wrong, check_name};

use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    Result,
    db::{FromRow, Row},
    principal::Role,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How old the note of last use may become before it is written again.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(15);

/// A person of this instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub name: String,
    /// As the person wrote it.
    pub email: String,
    pub role: Role,
    pub state: State,
    pub language: Language,
    pub theme: Theme,
    pub accent: Accent,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    /// Last use, to the quarter of an hour.
    pub seen_at: Option<DateTime<Utc>>,
    /// When it is deleted, while it is leaving.
    pub deletes_at: Option<DateTime<Utc>>,
}

impl FromRow for Account {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "email",
        "role",
        "state",
        "language",
        "theme",
        "accent",
        "version",
        "created_at",
        "seen_at",
        "deletes_at",
    ];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            email: row.get(2)?,
            role: Role::parse(&row.get::<String>(3)?)?,
            state: State::read(&row.get::<String>(4)?)?,
            language: Language::read(&row.get::<String>(5)?)?,
            theme: Theme::read(&row.get::<String>(6)?)?,
            accent: Accent::read(&row.get::<String>(7)?)?,
            version: row.get(8)?,
            created_at: row.get(9)?,
            seen_at: row.get(10)?,
            deletes_at: row.get(11)?,
        })
    }
}

impl Account {
    #[must_use]
    pub fn new(id: Uuid, name: String, email: &Email, role: Role, now: DateTime<Utc>) -> Self {
        Self {
            id,
            name,
            email: email.written.clone(),
            role,
            state: State::Active,
            language: Language::System,
            theme: Theme::System,
            accent: Accent::Azurite,
            version: 1,
            created_at: now,
            seen_at: None,
            deletes_at: None,
        }
    }

    /// What the search of administrators looks in.
    #[must_use]
    pub fn search_key(&self) -> String {
        format!("{} {}", self.name, self.email).to_lowercase()
    }

    /// Whether its last use is to be written: not at every use.
    #[must_use]
    pub fn is_seen_again(&self, now: DateTime<Utc>) -> bool {
        self.seen_at.is_none_or(|seen| now - seen >= SEEN_EVERY)
    }
}

/// Your own account.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct Profile {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    /// A role's name.
    #[schema(value_type = String)]
    pub role: Role,
    pub language: Language,
    pub theme: Theme,
    pub accent: Accent,
    /// Name it with a change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    /// When the account is deleted, while it is leaving.
    pub deletes_at: Option<DateTime<Utc>>,
}

impl From<Account> for Profile {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            role: account.role,
            language: account.language,
            theme: account.theme,
            accent: account.accent,
            version: account.version,
            created_at: account.created_at,
            deletes_at: account.deletes_at,
        }
    }
}

/// An account as administrators see it: nothing of what the person prefers.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct Entry {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    /// A role's name.
    #[schema(value_type = String)]
    pub role: Role,
    pub state: State,
    /// Name it with a change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    /// Last use, to the quarter of an hour.
    pub seen_at: Option<DateTime<Utc>>,
    /// When the account is deleted, while it is leaving.
    pub deletes_at: Option<DateTime<Utc>>,
}

impl From<Account> for Entry {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            role: account.role,
            state: account.state,
            version: account.version,
            created_at: account.created_at,
            seen_at: account.seen_at,
            deletes_at: account.deletes_at,
        }
    }
}
