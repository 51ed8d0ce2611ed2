//! Roles and the lines of their policies.

use crate::domain::RoleRow;
use platform::{Result, db::Tx, principal::Role};

/// Grows with each change.
pub async fn revision(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx.query("select revision from auth_revisions where id = 1").value().await?.unwrap_or(0))
}

async fn revise(tx: &mut Tx<'_>) -> Result<()> {
    tx.query("update auth_revisions set revision = revision + 1 where id = 1").run().await?;
    Ok(())
}

pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<RoleRow>> {
    tx.query("select * from auth_roles order by builtin desc, name").all().await
}

pub async fn find(tx: &mut Tx<'_>, role: &Role) -> Result<Option<RoleRow>> {
    tx.query("select * from auth_roles where name = $1").bind(role.name()).maybe().await
}

/// The names of the permissions that a role's lines give it.
pub async fn policies(tx: &mut Tx<'_>, role: &Role) -> Result<Vec<String>> {
    struct Line(String);
    impl platform::db::FromRow for Line {
        const COLUMNS: &'static [&'static str] = &["permission"];
        fn from_row(row: &platform::db::Row<'_>) -> Result<Self> {
            Ok(Self(row.get(0)?))
        }
    }
    let lines: Vec<Line> = tx
        .query("select permission from auth_policies where role = $1 order by permission")
        .bind(role.name())
        .all()
        .await?;
    Ok(lines.into_iter().map(|Line(permission)| permission).collect())
}

/// Stores a role, new or changed, with its lines.
pub async fn put(tx: &mut Tx<'_>, row: &RoleRow, permissions: &[String]) -> Result<()> {
    tx.query(
        "insert into auth_roles (name, label, builtin, version) values ($1, $2, $3, $4)
         on conflict (name) do update set label = excluded.label, version = excluded.version",
    )
    .bind(row.name.name())
    .bind(row.label.as_str())
    .bind(row.builtin)
    .bind(row.version)
    .run()
    .await?;
    tx.query("delete from auth_policies where role = $1").bind(row.name.name()).run().await?;
    for permission in permissions {
        tx.query("insert into auth_policies (role, permission) values ($1, $2)")
            .bind(row.name.name())
            .bind(permission.as_str())
            .run()
            .await?;
    }
    revise(tx).await
}

pub async fn remove(tx: &mut Tx<'_>, role: &Role) -> Result<()> {
    tx.query("delete from auth_policies where role = $1").bind(role.name()).run().await?;
    tx.query("delete from auth_roles where name = $1").bind(role.name()).run().await?;
    revise(tx).await
}
