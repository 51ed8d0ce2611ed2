//! People, as sign-in knows them: what user says of an account, and what a browser needs to know.

use super::{Accent, AccountState, Instance, Language, Theme};
use chrono::{DateTime, Utc};
use platform::{
    Error, Result,
    principal::{Permission, Permissions, Role},
};
use proto::user::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// `active`, `disabled` or `leaving`.
    pub state: String,
    pub language: String,
    pub theme: String,
    pub accent: String,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    /// When it is deleted, while it is leaving.
    pub deletes_at: Option<DateTime<Utc>>,
}

impl TryFrom<pb::Account> for Account {
    type Error = Error;

    fn try_from(account: pb::Account) -> Result<Self> {
        let time = |millis| {
            DateTime::from_timestamp_millis(millis).ok_or_else(|| Error::internal("an account without a time"))
        };
        Ok(Self {
            id: Uuid::from_slice(&account.id).map_err(Error::internal)?,
            name: account.name,
            email: account.email,
            role: Role::parse(&account.role)?,
            state: account.state,
            language: account.language,
            theme: account.theme,
            accent: account.accent,
            version: account.version,
            created_at: time(account.created_at)?,
            deletes_at: if account.deletes_at == 0 { None } else { Some(time(account.deletes_at)?) },
        })
    }
}

impl Account {
    /// What its person may do of what the role allows; none when nobody may sign in with it. Whoever
    /// is leaving can look and keep the account, and nothing else.
    #[must_use]
    pub fn rights(&self, role: Permissions) -> Option<Permissions> {
        match self.state.as_str() {
            "active" => Some(role),
            "leaving" => {
                let keeping = [Permission::AccountRead, Permission::AccountSecurity].into_iter().collect();
                Some(keeping)
            }
            _ => None,
        }
    }

    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SignedInUser)]
pub struct User {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    /// A role's name.
    #[schema(value_type = String)]
    pub role: Role,
    /// What the person may do.
    pub permissions: Vec<Permission>,
    #[schema(value_type = Language)]
    pub language: String,
    #[schema(value_type = Theme)]
    pub theme: String,
    #[schema(value_type = Accent)]
    pub accent: String,
    /// When the account is deleted, while it is leaving; it can be kept until then.
    pub deletes_at: Option<DateTime<Utc>>,
}

impl User {
    #[must_use]
    pub fn new(account: Account, permissions: Permissions) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            role: account.role,
            permissions: permissions.into(),
            language: account.language,
            theme: account.theme,
            accent: account.accent,
            deletes_at: account.deletes_at,
        }
    }
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SessionState)]
pub enum State {
    /// Nobody has an account yet; the set-up link makes the first.
    Setup,
    SignedOut,
    SignedIn,
}

/// What a browser needs to know first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Standing {
    pub state: State,
    pub instance: Instance,
    /// Whether people reach the instance over HTTPS.
    pub secure: bool,
    /// `open`: anybody can make an account; `invite`: with an invitation; `closed`: nobody can.
    pub registration: super::Registration,
    /// Whether the instance can send e-mail: without, an administrator makes the links.
    pub mail: bool,
    /// Whoever is signed in.
    pub user: Option<User>,
}

/// An account that was made for somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct Entry {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    #[schema(value_type = String)]
    pub role: Role,
    #[schema(value_type = AccountState)]
    pub state: String,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub seen_at: Option<DateTime<Utc>>,
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
            seen_at: None,
            deletes_at: account.deletes_at,
        }
    }
}
