//! What goes by itself: remembered sends, and what lay in the trash long enough.

use super::{Chats, exports::place, trash::erase};
use crate::repository::{erasure, exports, imports, projects, sends, trash};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use platform::{Result, db::Scope, objects};
use std::time::Duration;

/// How long it is remembered who is gone: longer than anything of theirs is on its way.
const GONE: TimeDelta = TimeDelta::days(90);

/// A clock that jumps by a day and back, or the other way round, makes no send forgotten too early.
const JUMPS: TimeDelta = TimeDelta::days(2);

/// How much one transaction erases: others want to write as well.
const AT_ONCE: i64 = 20;

impl Chats {
    /// Sends are remembered for a while, not for ever.
    pub async fn forget_old_sends(self) {
        loop {
            let kept = TimeDelta::hours(self.config.remember_sends_hours.into()) + JUMPS;
            let oldest = self.platform.clock.now() - kept;
            let forgotten = self
                .platform
                .db
                .write(Scope::System, move |tx| async move { sends::forget(tx, oldest).await }.boxed())
                .await;
            match forgotten {
                Ok(1000..) => {}
                Ok(_) => tokio::time::sleep(Duration::from_secs(3600)).await,
                Err(error) => {
                    tracing::warn!(%error, "old sends could not be forgotten");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }

    /// Empties the trash of what lay there longer than the configured days.
    pub async fn empty_trash(self) {
        loop {
            let pause = match self.purge().await {
                Ok(0) => Duration::from_secs(3600),
                Ok(_) => Duration::from_millis(50),
                Err(error) => {
                    tracing::warn!(%error, "the trash could not be emptied; trying again");
                    Duration::from_secs(60)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Erases some of what is due; answers how much.
    async fn purge(&self) -> Result<usize> {
        let now = self.platform.clock.now();
        let before = now - TimeDelta::days(self.config.trash_days.into());
        let due = self
            .platform
            .db
            .read(Scope::System, move |tx| async move { trash::expired(tx, before, AT_ONCE).await }.boxed())
            .await?;
        let found = due.len();
        for chat in due {
            let (space, id) = (chat.space_id, chat.id);
            self.platform
                .db
                .write(space, move |tx| {
                    async move {
                        // restored meanwhile, or erased by its person
                        if trash::is_expired(tx, space, id, before).await? {
                            erase(tx, space, id, None, now).await?;
                        }
                        Ok(())
                    }
                    .boxed()
                })
                .await?;
        }
        let projects = self
            .platform
            .db
            .read(Scope::System, move |tx| async move { projects::expired(tx, before, AT_ONCE).await }.boxed())
            .await?;
        let found = found + projects.len();
        for project in projects {
            let (space, id) = (project.space_id, project.id);
            self.platform
                .db
                .write(space, move |tx| async move { projects::erase(tx, space, id, before).await }.boxed())
                .await?;
        }
        Ok(found + self.expire_exports().await?)
    }

    /// Archives whose day is over.
    async fn expire_exports(&self) -> Result<usize> {
        let now = self.platform.clock.now();
        let before = now - TimeDelta::days(1);
        let db = &self.platform.db;
        let due =
            db.read(Scope::System, move |tx| async move { exports::expired(tx, now, before).await }.boxed()).await?;
        let found = due.len();
        for export in due {
            let (space, id) = (export.space_id, export.id);
            objects::remove(&*self.platform.objects, &place(space, id)?).await?;
            db.write(space, move |tx| async move { exports::remove(tx, space, id).await }.boxed()).await?;
        }
        let before = now - TimeDelta::days(30);
        db.write(Scope::System, move |tx| {
            async move {
                imports::forget(tx, before).await?;
                erasure::forget_gone(tx, now - GONE).await
            }
            .boxed()
        })
        .await?;
        Ok(found)
    }
}
