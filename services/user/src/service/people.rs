//! What administrators do with the accounts of others. Nobody touches somebody who may do more than
//! they, and nobody gives what they have not.

use super::Users;
use crate::{
    domain::{Account, Entry, State, check_name},
    events, repository,
};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Scope,
    principal::{Permission, Permissions, Person, Role},
};
use proto::auth::v1::RightsOfRequest;
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// What is to be different; what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Administering {
    /// The version you saw.
    version: i64,
    /// One line of 1 to 100 characters.
    #[serde(default)]
    name: Option<String>,
    /// A role's name; it may allow nothing that you may not do yourself.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// `active` or `disabled`.
    #[serde(default)]
    state: Option<State>,
}

/// Which accounts to list.
#[derive(Clone, Debug)]
pub struct Listing {
    /// A part of the name or the address; empty for all.
    pub text: String,
    pub state: Option<State>,
    /// The last account of the page before.
    pub before: Option<Uuid>,
    pub limit: i64,
}

impl Users {
    /// A page of accounts, newest first, and whether there are more.
    pub async fn list(&self, listing: Listing) -> Result<(Vec<Account>, bool)> {
        let limit = usize::try_from(listing.limit).map_err(Error::internal)?;
        let mut accounts = self
            .platform
            .db
            .read(Scope::System, move |tx| {
                let Listing { text, state, before, limit } = listing.clone();
                async move { repository::page(tx, &text.to_lowercase(), state, before, limit + 1).await }.boxed()
            })
            .await?;
        let more = accounts.len() > limit;
        accounts.truncate(limit);
        Ok((accounts, more))
    }

    pub async fn administer(&self, person: &Person, id: Uuid, asked: Administering) -> Result<Account> {
        let name = asked.name.as_deref().map(check_name).transpose()?;
        if asked.state == Some(State::Leaving) {
            return Err(Error::invalid("state", "cannot be set to leaving; delete the account instead"));
        }
        let rights = self.check_may_touch(person, id, asked.role.as_ref()).await?;
        if person.user == id && asked.state == Some(State::Disabled) {
            return Err(Error::conflict("that is your own account; somebody else has to disable it"));
        }
        let (actor, now) = (person.user, self.platform.clock.now());
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let (asked, name, rights) = (asked.clone(), name.clone(), rights.clone());
                async move {
                    let found = repository::find(tx, id).await?.ok_or_else(|| Error::not_found("account"))?;
                    // the role may have been changed since it was judged
                    if found.version != asked.version || found.role != rights {
                        return Err(Error::stale("the account was changed meanwhile; look at it and decide again")
                            .with("current", Entry::from(found)));
                    }
                    let mut account = found.clone();
                    account.name = name.unwrap_or(account.name);
                    account.role = asked.role.clone().unwrap_or(account.role);
                    account.state = match (account.state, asked.state) {
                        (State::Leaving, Some(_)) => {
                            return Err(Error::conflict("the account is being deleted; keep it first"));
                        }
                        (state, None) => state,
                        (_, Some(state)) => state,
                    };
                    if account == found {
                        return Ok(found);
                    }
                    let acts = |account: &Account| account.role == Role::ADMIN && account.state == State::Active;
                    if acts(&found) && !acts(&account) {
                        keep_an_admin(tx, id).await?;
                    }
                    account.version += 1;
                    repository::update(tx, &account).await?;
                    let disabled = account.state == State::Disabled && found.state != State::Disabled;
                    let kind = if disabled { "user.disabled" } else { "user.updated" };
                    let event = events::changed(&account, kind, Some(actor), now);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(account)
                }
                .boxed()
            })
            .await
    }

    /// Begins the grace time of somebody else's account.
    pub async fn remove(&self, person: &Person, id: Uuid) -> Result<Account> {
        self.check_may_touch(person, id, None).await?;
        if person.user == id {
            return Err(Error::conflict("that is your own account; delete it in your settings"));
        }
        self.leave(id, person.user).await
    }

    /// Ends the grace time of somebody's account.
    pub async fn keep_other(&self, person: &Person, id: Uuid) -> Result<Account> {
        self.check_may_touch(person, id, None).await?;
        self.keep(id, person.user).await
    }

    /// Whether `person` may change this account, and give it `role`; answers the role it has now.
    async fn check_may_touch(&self, person: &Person, id: Uuid, role: Option<&Role>) -> Result<Role> {
        let account = self.by_id(id).await?.ok_or_else(|| Error::not_found("account"))?;
        let mut roles = vec![account.role.name().to_owned()];
        roles.extend(role.map(|role| role.name().to_owned()));
        let rights = self.rights_of(roles).await?;
        let own = within_reach(person);
        // a role that was removed allows nothing
        if !own.covers(rights.get(account.role.name()).copied().unwrap_or_default()) {
            return Err(Error::forbidden("this person may do more than you; somebody who may do the same has to"));
        }
        if let Some(role) = role {
            let given = rights.get(role.name()).ok_or_else(|| Error::invalid("role", "does not exist"))?;
            if !own.covers(*given) {
                return Err(Error::forbidden("this role allows more than you may do yourself"));
            }
        }
        Ok(account.role)
    }

    async fn rights_of(&self, roles: Vec<String>) -> Result<HashMap<String, Permissions>> {
        let answer = self.auth.clone().rights_of(RightsOfRequest { roles }).await?.into_inner();
        let read = |rights: proto::auth::v1::Rights| {
            let permissions = rights.permissions.iter().map(|name| Permission::parse(name)).collect::<Result<_>>()?;
            Ok((rights.role, permissions))
        };
        answer.rights.into_iter().map(read).collect()
    }
}

/// What `person` may give to others. A key carries neither the security of an account nor keys, which
/// everybody has for themselves; with roles to decide on it reaches nobody.
fn within_reach(person: &Person) -> Permissions {
    if person.key.is_none() {
        return person.permissions;
    }
    person.permissions.iter().chain([Permission::AccountSecurity, Permission::KeysManage]).collect()
}

/// # Errors
/// `conflict` when nobody else administers the instance.
pub(super) async fn keep_an_admin(tx: &mut platform::db::Tx<'_>, but: Uuid) -> Result<()> {
    if repository::other_admins(tx, but).await? == 0 {
        return Err(Error::conflict("this is the last administrator; make somebody else one first"));
    }
    Ok(())
}
