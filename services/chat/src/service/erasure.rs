//! When an account has ended, everything of its space is erased.

use super::{Chats, files::folder};
use crate::repository::{erasure, messages, trash};
use futures_util::FutureExt as _;
use platform::{Result, bus::Delivery, objects, tasks};
use uuid::Uuid;

/// How many chats one transaction erases: others want to write as well.
const AT_ONCE: i64 = 20;

impl Chats {
    /// `user.deleted`: erases the space. Again after a crash, it goes on where it was.
    pub async fn forget_person(self, delivery: Delivery) -> Result<()> {
        if delivery.kind != "user.deleted" {
            return Ok(());
        }
        let (space, now) = (delivery.aggregate, self.platform.clock.now());
        let db = &self.platform.db;
        // Before anything else: what is still on its way is refused from here on.
        db.write(space, move |tx| async move { erasure::mark_gone(tx, space, now).await }.boxed()).await?;
        while self.erase_some(space).await? > 0 {}
        db.write(space, move |tx| {
            async move {
                erasure::rest(tx, space).await?;
                tasks::erase(tx, space).await
            }
            .boxed()
        })
        .await?;
        let files = objects::remove_below(&*self.platform.objects, &folder(space)?).await?;
        tracing::info!(files, "the chats of an account that ended are erased");
        Ok(())
    }

    async fn erase_some(&self, space: Uuid) -> Result<usize> {
        let (erased, running) = self
            .platform
            .db
            .write(space, move |tx| {
                async move {
                    let running = messages::running_anywhere(tx, space).await?;
                    let chats = erasure::chats(tx, space, AT_ONCE).await?;
                    for chat in &chats {
                        trash::erase(tx, space, *chat).await?;
                    }
                    Ok((chats.len(), running))
                }
                .boxed()
            })
            .await?;
        // Whoever writes an answer asks where it stands, and finds nothing.
        self.nudge(running.into_iter().map(|reply| reply.message.id).collect()).await?;
        Ok(erased)
    }
}
