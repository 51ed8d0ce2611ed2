//! Roles: what there is, and what is changed of it while everything runs.

use super::{Auth, rights::within_reach};
use crate::{
    domain::{NewRole, RoleChange, RoleRow, RoleView, check_changeable, check_label},
    events,
    repository::roles,
};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Scope,
    principal::{Permission, Permissions, Person, Role},
};
use proto::user::v1::CountRoleRequest;

/// Roles that there may be at the same time.
const MOST: usize = 100;

impl Auth {
    pub async fn roles(&self) -> Result<Vec<RoleView>> {
        let rows = self.platform.db.read(Scope::System, |tx| async move { roles::all(tx).await }.boxed()).await?;
        let mut views = Vec::new();
        for row in rows {
            let permissions = self.authorizer.permissions(&row.name).await?.unwrap_or(Permissions::NONE);
            views.push(RoleView::new(row, permissions));
        }
        Ok(views)
    }

    pub async fn make_role(&self, person: &Person, asked: NewRole) -> Result<RoleView> {
        let label = check_label(&asked.label)?;
        let permissions = Permissions::from(asked.permissions);
        check_covered(person, permissions)?;
        let row = RoleRow { name: asked.name, label, builtin: false, version: 1 };
        let (view, actor, now) = (RoleView::new(row.clone(), permissions), person.user, self.platform.clock.now());
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let row = row.clone();
                async move {
                    if roles::find(tx, &row.name).await?.is_some() {
                        return Err(Error::conflict("there is a role of this name already"));
                    }
                    if roles::all(tx).await?.len() >= MOST {
                        return Err(Error::conflict(format!("there are {MOST} roles already; remove one first")));
                    }
                    roles::put(tx, &row, &names(permissions)).await?;
                    let event = events::of_instance("role.created", actor, row.name.name(), row.version);
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await?;
        Ok(view)
    }

    pub async fn change_role(&self, person: &Person, name: Role, asked: RoleChange) -> Result<RoleView> {
        check_changeable(&name)?;
        let label = asked.label.as_deref().map(check_label).transpose()?;
        let before = self.authorizer.permissions(&name).await?.ok_or_else(|| Error::not_found("role"))?;
        let permissions = asked.permissions.map_or(before, Permissions::from);
        check_covered(person, before)?;
        check_covered(person, permissions)?;
        let (version, actor, now) = (asked.version, person.user, self.platform.clock.now());
        let row = self
            .platform
            .db
            .write(Scope::System, move |tx| {
                let (name, label) = (name.clone(), label.clone());
                async move {
                    let mut row = roles::find(tx, &name).await?.ok_or_else(|| Error::not_found("role"))?;
                    if row.version != version {
                        let lines = roles::policies(tx, &name).await?;
                        let now = lines.iter().filter_map(|line| Permission::parse(line).ok()).collect();
                        return Err(Error::stale("the role was changed meanwhile; look at it and decide again")
                            .with("current", RoleView::new(row, now)));
                    }
                    row.label = label.unwrap_or(row.label);
                    row.version += 1;
                    roles::put(tx, &row, &names(permissions)).await?;
                    let event = events::of_instance("role.changed", actor, name.name(), row.version);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(row)
                }
                .boxed()
            })
            .await?;
        tracing::info!(user = %person.user, role = %row.name, "a role was changed");
        Ok(RoleView::new(row, permissions))
    }

    pub async fn remove_role(&self, person: &Person, name: Role) -> Result<()> {
        check_changeable(&name)?;
        let before = self.authorizer.permissions(&name).await?.ok_or_else(|| Error::not_found("role"))?;
        check_covered(person, before)?;
        let having = self.users.clone().count_role(CountRoleRequest { role: name.name().into() }).await?;
        let accounts = having.into_inner().accounts;
        if accounts > 0 {
            return Err(Error::conflict(format!("{accounts} people have this role; give them another one first")));
        }
        let (actor, now) = (person.user, self.platform.clock.now());
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let name = name.clone();
                async move {
                    let row = roles::find(tx, &name).await?.ok_or_else(|| Error::not_found("role"))?;
                    if row.builtin {
                        return Err(Error::conflict("this role comes with the program and cannot be removed"));
                    }
                    roles::remove(tx, &name).await?;
                    let event = events::of_instance("role.deleted", actor, name.name(), row.version + 1);
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await
    }
}

fn names(permissions: Permissions) -> Vec<String> {
    permissions.iter().map(|permission| permission.name().to_owned()).collect()
}

/// # Errors
/// `forbidden`, with what `person` may not do themselves.
fn check_covered(person: &Person, permissions: Permissions) -> Result<()> {
    let own = within_reach(person);
    match permissions.iter().find(|permission| !own.has(*permission)) {
        None => Ok(()),
        Some(more) => Err(Error::forbidden(format!(
            "you may not do {} yourself, so you cannot decide on a role that may",
            more.name()
        ))),
    }
}
