//! What a role allows: policies in auth's own tables, evaluated by casbin. Everything that depends
//! on a role asks here, so that a change is in force with the next question.

use crate::repository::roles;
use async_trait::async_trait;
use casbin::{CoreApi as _, DefaultModel, Enforcer, MgmtApi as _, NullAdapter};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::{Db, Scope},
    principal::{Permission, Permissions, Role},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Decides what roles allow.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// What `role` allows; none when there is no such role.
    async fn permissions(&self, role: &Role) -> Result<Option<Permissions>>;
}

/// Role-based access: a role, and whatever it inherits from, has permissions.
const MODEL: &str = "
[request_definition]
r = role, permission

[policy_definition]
p = role, permission

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.role, p.role) && r.permission == p.permission
";

/// Roles whose permissions are remembered at most.
const REMEMBERED: usize = 256;

/// Casbin over the tables of roles and policies. An evaluation takes casbin some milliseconds, so
/// what came of it is remembered for as long as the tables have the same revision.
pub struct CasbinAuthorizer {
    db: Db,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    revision: i64,
    roles: HashMap<Role, Option<Permissions>>,
}

impl CasbinAuthorizer {
    pub fn new(db: Db) -> Self {
        Self { db, known: Mutex::default() }
    }

    fn remembered(&self, role: &Role, revision: i64) -> Option<Option<Permissions>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        (known.revision == revision).then(|| known.roles.get(role).copied()).flatten()
    }

    fn remember(&self, role: &Role, revision: i64, permissions: Option<Permissions>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // an older answer must not take the place of a newer one
        if known.revision > revision {
            return;
        }
        if known.revision < revision || known.roles.len() >= REMEMBERED {
            *known = Known { revision, roles: HashMap::new() };
        }
        known.roles.insert(role.clone(), permissions);
    }
}

#[async_trait]
impl Authorizer for CasbinAuthorizer {
    async fn permissions(&self, role: &Role) -> Result<Option<Permissions>> {
        let revision = self.db.read(Scope::System, |tx| async move { roles::revision(tx).await }.boxed()).await?;
        if let Some(known) = self.remembered(role, revision) {
            return Ok(known);
        }
        let asked = role.clone();
        let (revision, lines) = self
            .db
            .read(Scope::System, move |tx| {
                let role = asked.clone();
                async move {
                    let exists = roles::find(tx, &role).await?.is_some();
                    let lines = if exists { Some(roles::policies(tx, &role).await?) } else { None };
                    Ok((roles::revision(tx).await?, lines))
                }
                .boxed()
            })
            .await?;
        let permissions = match lines {
            None => None,
            Some(lines) => Some(evaluate(role, &lines).await?),
        };
        self.remember(role, revision, permissions);
        Ok(permissions)
    }
}

/// Asks casbin for each permission there is whether these lines give it to `role`.
async fn evaluate(role: &Role, lines: &[String]) -> Result<Permissions> {
    let model = DefaultModel::from_str(MODEL).await.map_err(Error::internal)?;
    let mut enforcer = Enforcer::new(model, NullAdapter).await.map_err(Error::internal)?;
    let all = Permission::ALL.map(|permission| permission.name().to_owned());
    // an administrator may do what later versions of the program add as well
    let lines = if *role == Role::ADMIN { &all[..] } else { lines };
    let policies = lines.iter().map(|permission| vec![role.name().to_owned(), permission.clone()]).collect();
    enforcer.add_policies(policies).await.map_err(Error::internal)?;
    let mut permissions = Vec::new();
    for permission in Permission::ALL {
        if enforcer.enforce((role.name(), permission.name())).map_err(Error::internal)? {
            permissions.push(permission);
        }
    }
    Ok(permissions.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_role_has_what_its_policies_say_and_nothing_else() {
        let team = Role::parse("team").unwrap();
        let lines = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let some = evaluate(&team, &lines(&["chats:read", "usage:manage"])).await.unwrap();
        assert_eq!(Vec::from(some), [Permission::ChatsRead, Permission::UsageManage]);
        assert_eq!(evaluate(&team, &[]).await.unwrap(), Permissions::NONE);
        // a line of a later version means nothing here, and patterns are no permissions
        for odd in ["chats:*", "*", "chats:read || true", "r.permission", ""] {
            assert_eq!(evaluate(&team, &lines(&[odd])).await.unwrap(), Permissions::NONE, "{odd}");
        }
        assert_eq!(evaluate(&Role::ADMIN, &[]).await.unwrap(), Permissions::all());
    }
}
