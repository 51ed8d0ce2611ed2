//! What somebody may do on an instance: a small closed set. A role is a set of permissions, an API
//! key a part of its owner's, and every route needs one.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Permission {
    /// Read one's own chats, projects, drafts and files, and search them.
    #[serde(rename = "chats:read")]
    ChatsRead,
    /// Write them: send, edit, move, delete, import.
    #[serde(rename = "chats:write")]
    ChatsWrite,
    /// Have models answer.
    #[serde(rename = "models:use")]
    ModelsUse,
    /// Read one's own account, notices and preferences.
    #[serde(rename = "account:read")]
    AccountRead,
    /// Change them.
    #[serde(rename = "account:write")]
    AccountWrite,
    /// One's password, sessions and the account's end: for a person at a browser, never for a key.
    #[serde(rename = "account:security")]
    AccountSecurity,
    /// Have API keys.
    #[serde(rename = "keys:manage")]
    KeysManage,
    /// Read one's own usage and limits.
    #[serde(rename = "usage:read")]
    UsageRead,
    /// Invite, change, disable and delete people.
    #[serde(rename = "people:manage")]
    PeopleManage,
    /// Decide what roles may do.
    #[serde(rename = "roles:manage")]
    RolesManage,
    /// Add providers, choose models and who may use them.
    #[serde(rename = "providers:manage")]
    ProvidersManage,
    /// See everybody's usage and set limits.
    #[serde(rename = "usage:manage")]
    UsageManage,
    /// The instance's name, look, registration, mail and health.
    #[serde(rename = "instance:manage")]
    InstanceManage,
}

impl Permission {
    pub const ALL: [Self; 13] = [
        Self::ChatsRead,
        Self::ChatsWrite,
        Self::ModelsUse,
        Self::AccountRead,
        Self::AccountWrite,
        Self::AccountSecurity,
        Self::KeysManage,
        Self::UsageRead,
        Self::PeopleManage,
        Self::RolesManage,
        Self::ProvidersManage,
        Self::UsageManage,
        Self::InstanceManage,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatsRead => "chats:read",
            Self::ChatsWrite => "chats:write",
            Self::ModelsUse => "models:use",
            Self::AccountRead => "account:read",
            Self::AccountWrite => "account:write",
            Self::AccountSecurity => "account:security",
            Self::KeysManage => "keys:manage",
            Self::UsageRead => "usage:read",
            Self::PeopleManage => "people:manage",
            Self::RolesManage => "roles:manage",
            Self::ProvidersManage => "providers:manage",
            Self::UsageManage => "usage:manage",
            Self::InstanceManage => "instance:manage",
        }
    }

    /// # Errors
    /// `invalid` for a name that no permission has.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|permission| permission.name()).collect();
            Error::invalid("permission", format!("\"{name}\" does not exist; there are {}", known.join(", ")))
        })
    }

    /// Whether an API key may carry it. What could make further keys, sessions or rights stays with
    /// the person.
    #[must_use]
    pub const fn is_for_keys(self) -> bool {
        !matches!(self, Self::AccountSecurity | Self::KeysManage | Self::RolesManage)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of permissions; the empty one allows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Permission>", into = "Vec<Permission>")]
pub struct Permissions(u32);

impl Permissions {
    pub const NONE: Self = Self(0);

    /// Every permission there is.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether `other` allows nothing that this does not.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |all, permission| all | permission.bit()))
    }
}

impl From<Vec<Permission>> for Permissions {
    fn from(permissions: Vec<Permission>) -> Self {
        permissions.into_iter().collect()
    }
}

impl From<Permissions> for Vec<Permission> {
    fn from(permissions: Permissions) -> Self {
        permissions.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_its_own_name_and_bit() {
        for (at, permission) in Permission::ALL.into_iter().enumerate() {
            assert_eq!(Permission::parse(permission.name()).unwrap(), permission);
            assert_eq!(permission.bit(), 1 << at);
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.name());
        }
        assert!(Permission::parse("chats:*").unwrap_err().to_string().contains("chats:read"));
    }

    #[test]
    fn a_part_never_allows_more_than_the_whole() {
        let some: Permissions = [Permission::ChatsRead, Permission::ModelsUse].into_iter().collect();
        assert!(Permissions::all().covers(some) && !some.covers(Permissions::all()));
        assert_eq!(some.and([Permission::ModelsUse, Permission::RolesManage].into_iter().collect()).iter().count(), 1);
        assert_eq!(Vec::from(Permissions::NONE), []);
        assert!(!Permissions::NONE.has(Permission::ChatsRead) && some.covers(Permissions::NONE));
    }
}
