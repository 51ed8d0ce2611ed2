//! Projects: begun, changed, and moved to the trash together with their chats.

use super::{Chats, replies};
use crate::{
    domain::{Project, check_color, check_instructions, check_name},
    events,
    repository::{messages, projects, trash},
};
use futures_util::FutureExt as _;
use platform::{Error, Result, db::Tx, principal::Person};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How many projects a person may have, those in the trash included.
const LIMIT: i64 = 500;

/// A project to begin.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// Made by the client (UUIDv7): the same request again begins nothing new. By the server when
    /// absent.
    #[serde(default)]
    pub id: Option<Uuid>,
    pub name: String,
    /// `slate` when absent.
    #[serde(default)]
    pub color: Option<String>,
    #[serde(default)]
    pub instructions: String,
}

/// A change of a project; what is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectChange {
    /// The version you saw.
    pub version: i64,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub color: Option<String>,
    #[serde(default)]
    pub instructions: Option<String>,
}

impl Chats {
    pub async fn projects(&self, person: &Person, in_trash: bool) -> Result<Vec<Project>> {
        let space = person.space();
        self.platform.db.read(space, move |tx| async move { projects::list(tx, space, in_trash).await }.boxed()).await
    }

    pub async fn project(&self, person: &Person, id: Uuid) -> Result<Project> {
        let space = person.space();
        self.platform.db.read(space, move |tx| async move { found(tx, space, id).await }.boxed()).await
    }

    pub async fn begin_project(&self, person: &Person, asked: NewProject) -> Result<Project> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let color = asked.color.unwrap_or_else(|| "slate".into());
        check_color(&color)?;
        check_instructions(&asked.instructions)?;
        let project = Project {
            id: asked.id.unwrap_or_else(|| self.platform.ids.id()),
            name: check_name(&asked.name)?,
            color,
            instructions: asked.instructions,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            chats: 0,
        };
        self.write(space, move |tx| {
            let project = project.clone();
            async move {
                if let Some(there) = projects::find_anywhere(tx, space, project.id).await? {
                    return Ok(there);
                }
                if projects::count(tx, space).await? >= LIMIT {
                    return Err(Error::conflict(format!(
                        "there are {LIMIT} projects; delete one before you begin another"
                    )));
                }
                projects::insert(tx, space, &project).await?;
                let event = events::project_changed(space, actor, "project.created", &project, None);
                events::TOPIC.append(tx, event, now).await?;
                Ok(project)
            }
            .boxed()
        })
        .await
    }

    /// Refuses a change that was based on an older version, with the newest state.
    pub async fn change_project(&self, person: &Person, id: Uuid, mut change: ProjectChange) -> Result<Project> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        change.name = change.name.as_deref().map(check_name).transpose()?;
        change.color.as_deref().map(check_color).transpose()?;
        change.instructions.as_deref().map(check_instructions).transpose()?;
        self.write(space, move |tx| {
            let change = change.clone();
            async move {
                let mut project = found(tx, space, id).await?;
                if project.version != change.version {
                    return Err(Error::stale("the project was changed meanwhile; look at it and decide again")
                        .with("current", &project));
                }
                let before = project.clone();
                project.name = change.name.unwrap_or(project.name);
                project.color = change.color.unwrap_or(project.color);
                project.instructions = change.instructions.unwrap_or(project.instructions);
                project.version += 1;
                project.updated_at = now;
                projects::update(tx, space, &project).await?;
                let event = events::project_changed(space, actor, "project.changed", &project, Some(&before));
                events::TOPIC.append(tx, event, now).await?;
                Ok(project)
            }
            .boxed()
        })
        .await
    }

    /// Moves a project to the trash, and its chats with it. Their answers stop.
    pub async fn delete_project(&self, person: &Person, id: Uuid) -> Result<()> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let stopped = self
            .write(space, move |tx| {
                async move {
                    let mut project = found(tx, space, id).await?;
                    let mut stopped = Vec::new();
                    for mut reply in messages::running_in_project(tx, space, id).await? {
                        replies::stop(tx, space, &mut reply, true, now).await?;
                        stopped.push(reply.message.id);
                    }
                    trash::put_with(tx, space, id, now).await?;
                    (project.deleted_at, project.version) = (Some(now), project.version + 1);
                    projects::update(tx, space, &project).await?;
                    let event = events::project_changed(space, actor, "project.deleted", &project, None);
                    events::TOPIC.append(tx, event, now).await?;
                    Ok(stopped)
                }
                .boxed()
            })
            .await?;
        self.nudge(stopped).await
    }

    /// Takes a project out of the trash, and the chats that went there with it.
    pub async fn restore_project(&self, person: &Person, id: Uuid) -> Result<Project> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        self.write(space, move |tx| {
            async move {
                let project = projects::find_anywhere(tx, space, id).await?;
                let mut project = project.ok_or_else(|| Error::not_found("project"))?;
                if project.deleted_at.is_some() {
                    trash::take_with(tx, space, id).await?;
                    (project.deleted_at, project.version) = (None, project.version + 1);
                    projects::update(tx, space, &project).await?;
                    let event = events::project_changed(space, actor, "project.restored", &project, None);
                    events::TOPIC.append(tx, event, now).await?;
                }
                found(tx, space, id).await
            }
            .boxed()
        })
        .await
    }
}

async fn found(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Project> {
    projects::find(tx, space, id).await?.ok_or_else(|| Error::not_found("project"))
}
