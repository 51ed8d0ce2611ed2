//! What somebody may do now: asked by the gateway for each session and key, and before anything is
//! given to somebody else.

use super::Auth;
use crate::{
    domain::{Account, SecretKey},
    repository::keys,
};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    principal::{Permission, Permissions, Person, Role},
};
use proto::user::v1::ByIdRequest;
use uuid::Uuid;

/// Whoever acts with a key.
pub struct KeyHolder {
    pub key: Uuid,
    pub user: Uuid,
    pub role: Role,
    pub permissions: Permissions,
}

impl Auth {
    /// The role and the permissions of a person; none when they may not. Unless somebody only `looks`,
    /// the person makes a request, and their account is used.
    pub async fn authorize(&self, user: Uuid, looks: bool) -> Result<Option<(Role, Permissions)>> {
        let found = if looks { self.account(user).await? } else { self.recognise(user).await? };
        let Some(account) = found else { return Ok(None) };
        Ok(self.rights_of_account(&account).await?.map(|permissions| (account.role, permissions)))
    }

    /// Whose key this is, and what it may do now: never more than its person, whatever it was made
    /// with.
    pub async fn resolve_key(&self, secret: &str) -> Result<Option<KeyHolder>> {
        let Some(secret) = SecretKey::read(secret) else { return Ok(None) };
        let (owner, hash, now) = (secret.owner, secret.hash(), self.platform.clock.now());
        let found = self
            .platform
            .db
            .read(owner, move |tx| {
                let hash = hash.clone();
                async move { keys::find_by_secret(tx, owner, hash).await }.boxed()
            })
            .await?;
        let Some(key) = found.filter(|key| secret.has_hash(&key.secret_hash) && key.is_good(now)) else {
            return Ok(None);
        };
        let Some(account) = self.recognise(owner).await?.filter(Account::is_active) else { return Ok(None) };
        let Some(rights) = self.rights_of_account(&account).await? else { return Ok(None) };
        if key.is_used_again(now) {
            let id = key.id;
            let noted = self
                .platform
                .db
                .write(owner, move |tx| async move { keys::set_used(tx, owner, id, now).await }.boxed());
            if let Err(error) = noted.await {
                tracing::warn!(%error, "the use of an API key could not be noted");
            }
        }
        let permissions = rights.and(key.scopes());
        Ok(Some(KeyHolder { key: key.id, user: owner, role: account.role, permissions }))
    }

    /// What these roles allow; those that do not exist are left out.
    pub async fn rights_of_roles(&self, names: Vec<String>) -> Result<Vec<(Role, Permissions)>> {
        if names.len() > 100 {
            return Err(Error::invalid("roles", "are more than 100; ask for them in parts"));
        }
        let mut rights = Vec::new();
        for name in names {
            let role = Role::parse(&name)?;
            if let Some(permissions) = self.authorizer.permissions(&role).await? {
                rights.push((role, permissions));
            }
        }
        Ok(rights)
    }

    /// What the person of this account may do; none when nobody may sign in with it.
    pub(super) async fn rights_of_account(&self, account: &Account) -> Result<Option<Permissions>> {
        // a role that was removed allows nothing
        let role = self.authorizer.permissions(&account.role).await?.unwrap_or(Permissions::NONE);
        Ok(account.rights(role))
    }

    /// # Errors
    /// `invalid` when there is no such role, `forbidden` when it allows more than `person` may do.
    pub(super) async fn check_may_give(&self, person: &Person, role: &Role) -> Result<()> {
        let given = self.authorizer.permissions(role).await?;
        let given = given.ok_or_else(|| Error::invalid("role", "does not exist"))?;
        if within_reach(person).covers(given) {
            return Ok(());
        }
        Err(Error::forbidden("this role allows more than you may do yourself"))
    }

    /// The account of somebody whom `person` may sign out, or give a new password.
    ///
    /// # Errors
    /// `not_found`; `forbidden` when they may do more than `person`.
    pub(super) async fn within_reach_of(&self, person: &Person, id: Uuid) -> Result<Account> {
        let account = self.account(id).await?.ok_or_else(|| Error::not_found("account"))?;
        let rights = self.authorizer.permissions(&account.role).await?.unwrap_or(Permissions::NONE);
        if within_reach(person).covers(rights) {
            return Ok(account);
        }
        Err(Error::forbidden("this person may do more than you; somebody who may do the same has to"))
    }

    async fn recognise(&self, user: Uuid) -> Result<Option<Account>> {
        let found = self.users.clone().recognise(ByIdRequest { id: user.as_bytes().into() }).await?;
        found.into_inner().account.map(Account::try_from).transpose()
    }
}

/// What `person` may give to others. A key carries neither the security of an account nor keys, which
/// everybody has for themselves; what decides on roles it never reaches.
pub(super) fn within_reach(person: &Person) -> Permissions {
    if person.key.is_none() {
        return person.permissions;
    }
    person.permissions.iter().chain([Permission::AccountSecurity, Permission::KeysManage]).collect()
}
