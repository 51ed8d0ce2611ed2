//! Roles: a name, a label, and what it allows.

use super::line;
use platform::{
    Error, Result,
    db::{FromRow, Row},
    principal::{Permission, Permissions, Role},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const LABEL_LIMIT: usize = 60;

/// A role as it is stored; its permissions are lines of their own.
#[derive(Clone, Debug)]
pub struct RoleRow {
    pub name: Role,
    pub label: String,
    pub builtin: bool,
    pub version: i64,
}

impl FromRow for RoleRow {
    const COLUMNS: &'static [&'static str] = &["name", "label", "builtin", "version"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            name: Role::parse(&row.get::<String>(0)?)?,
            label: row.get(1)?,
            builtin: row.get(2)?,
            version: row.get(3)?,
        })
    }
}

/// What people may do who have it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub struct RoleView {
    #[schema(value_type = String)]
    pub name: Role,
    pub label: String,
    pub permissions: Vec<Permission>,
    /// Comes with the program: cannot be removed; `admin` cannot be changed either.
    pub builtin: bool,
    /// Name it with a change.
    pub version: i64,
}

impl RoleView {
    #[must_use]
    pub fn new(row: RoleRow, permissions: Permissions) -> Self {
        Self {
            name: row.name,
            label: row.label,
            permissions: permissions.into(),
            builtin: row.builtin,
            version: row.version,
        }
    }
}

/// A further role.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// a-z, 0-9 and -, beginning with a letter, at most 32.
    #[schema(value_type = String)]
    pub name: Role,
    /// One line of 1 to 60 characters.
    pub label: String,
    /// Nothing that you may not do yourself.
    pub permissions: Vec<Permission>,
}

/// What is to be different; what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// The version you saw.
    pub version: i64,
    /// One line of 1 to 60 characters.
    #[serde(default)]
    pub label: Option<String>,
    /// Nothing that you may not do yourself.
    #[serde(default)]
    pub permissions: Option<Vec<Permission>>,
}

/// # Errors
/// `invalid` for a label that will not do.
pub fn check_label(label: &str) -> Result<String> {
    line("label", label, LABEL_LIMIT)
}

/// # Errors
/// `conflict` for the one role that stays as it is.
pub fn check_changeable(role: &Role) -> Result<()> {
    if *role == Role::ADMIN {
        return Err(Error::conflict("administrators may do everything; this role cannot be changed or removed"));
    }
    Ok(())
}
