//! The table of projects.

use crate::domain::Project;
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, name, color, instructions, version, created_at, updated_at, deleted_at, (
                 select count(*) from chat_chats c
                 where c.space_id = chat_projects.space_id and c.project_id = chat_projects.id
                     and c.project_id is not null and c.deleted_at is null and c.archived = 0
             ) as chats
             from chat_projects ",
            $rest
        )
    };
}

/// By name.
pub async fn list(tx: &mut Tx<'_>, space: Uuid, in_trash: bool) -> Result<Vec<Project>> {
    let sql = if in_trash {
        select!("where space_id = $1 and deleted_at is not null order by deleted_at desc, id desc")
    } else {
        select!("where space_id = $1 and deleted_at is null order by lower(name), id")
    };
    tx.query(sql).bind(space).all().await
}

/// A project that is not in the trash.
pub async fn find(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Project>> {
    tx.query(select!("where space_id = $1 and id = $2 and deleted_at is null")).bind(space).bind(id).maybe().await
}

/// How many there are, with those in the trash.
pub async fn count(tx: &mut Tx<'_>, space: Uuid) -> Result<i64> {
    let count: Option<i64> =
        tx.query("select count(*) from chat_projects where space_id = $1").bind(space).value().await?;
    Ok(count.unwrap_or(0))
}

/// What the models are told in the chats of a project that is there.
pub async fn instructions(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<Option<String>> {
    tx.query(
        "select p.instructions from chat_chats c
         join chat_projects p on p.space_id = $1 and p.id = c.project_id and p.deleted_at is null
         where c.space_id = $1 and c.id = $2",
    )
    .bind(space)
    .bind(chat)
    .value()
    .await
}

pub async fn insert(tx: &mut Tx<'_>, space: Uuid, project: &Project) -> Result<()> {
    tx.query(
        "insert into chat_projects (space_id, id, name, color, instructions, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(space)
    .bind(project.id)
    .bind(project.name.as_str())
    .bind(project.color.as_str())
    .bind(project.instructions.as_str())
    .bind(project.version)
    .bind(project.created_at)
    .bind(project.updated_at)
    .run()
    .await?;
    Ok(())
}

pub async fn update(tx: &mut Tx<'_>, space: Uuid, project: &Project) -> Result<()> {
    tx.query(
        "update chat_projects set name = $3, color = $4, instructions = $5, version = $6, updated_at = $7,
             deleted_at = $8
         where space_id = $1 and id = $2",
    )
    .bind(space)
    .bind(project.id)
    .bind(project.name.as_str())
    .bind(project.color.as_str())
    .bind(project.instructions.as_str())
    .bind(project.version)
    .bind(project.updated_at)
    .bind(project.deleted_at)
    .run()
    .await?;
    Ok(())
}

/// A project, in the trash or not.
pub async fn find_anywhere(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Option<Project>> {
    tx.query(select!("where space_id = $1 and id = $2")).bind(space).bind(id).maybe().await
}

/// A project that nobody took out of the trash in time.
pub struct Expired {
    pub space_id: Uuid,
    pub id: Uuid,
}
from_row!(Expired { space_id, id });

/// Of all spaces.
pub async fn expired(tx: &mut Tx<'_>, before: DateTime<Utc>, limit: i64) -> Result<Vec<Expired>> {
    tx.query(
        "select space_id, id from chat_projects where deleted_at is not null and deleted_at < $1
         order by deleted_at limit $2",
    )
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// Erases a project that lay in the trash since before then, and what was begun to be written in it.
/// Its chats came there with it and go by themselves.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid, id: Uuid, before: DateTime<Utc>) -> Result<()> {
    let gone = tx
        .query(
            "delete from chat_projects where space_id = $1 and id = $2 and deleted_at is not null and deleted_at < $3",
        )
        .bind(space)
        .bind(id)
        .bind(before)
        .run()
        .await?;
    if gone == 0 {
        return Ok(());
    }
    super::drafts::erase(tx, space, id).await?;
    tx.query("update chat_events set change = null where space_id = $1 and aggregate_id = $2 and change is not null")
        .bind(space)
        .bind(id)
        .run()
        .await?;
    Ok(())
}
