//! Drafts follow a person from device to device; a device that did not see the newest one is told.

use super::Chats;
use crate::{
    domain::{Draft, DraftKey},
    events,
    repository::{chats, drafts, projects},
};
use futures_util::FutureExt as _;
use platform::{Error, Result, db::Tx, principal::Person};
use uuid::Uuid;

impl Chats {
    pub async fn draft(&self, person: &Person, key: DraftKey) -> Result<Draft> {
        let space = person.space();
        self.platform
            .db
            .read(space, move |tx| {
                async move {
                    check(tx, space, key).await?;
                    Ok(drafts::find(tx, space, &key.stored()).await?.unwrap_or(Draft::NONE))
                }
                .boxed()
            })
            .await
    }

    /// Refuses a text that was based on an older one, with the newest.
    pub async fn write_draft(&self, person: &Person, key: DraftKey, text: String, version: i64) -> Result<Draft> {
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let (length, limit) = (text.chars().count(), self.config.message_limit);
        if length > limit {
            return Err(Error::too_large(format!("the draft has {length} characters; {limit} are possible")));
        }
        if text.contains('\0') {
            return Err(Error::invalid("text", "holds a NUL character, which cannot be stored; remove it"));
        }
        self.write(space, move |tx| {
            let text = text.clone();
            async move {
                check(tx, space, key).await?;
                let stored = key.stored();
                let before = drafts::find(tx, space, &stored).await?.unwrap_or(Draft::NONE);
                if before.text == text && before.version >= version {
                    return Ok(before);
                }
                if before.version != version {
                    return Err(Error::stale("the draft was changed on another device; look at it first")
                        .with("current", &before));
                }
                let draft = Draft { text, version: version + 1, updated_at: Some(now) };
                drafts::put(tx, space, &stored, &draft).await?;
                let event = events::draft_changed(space, actor, key, draft.version);
                events::TOPIC.append(tx, event, now).await?;
                Ok(draft)
            }
            .boxed()
        })
        .await
    }
}

/// A draft belongs to what is there: so there are no more of them than chats.
async fn check(tx: &mut Tx<'_>, space: Uuid, key: DraftKey) -> Result<()> {
    let DraftKey::Of(id) = key else { return Ok(()) };
    if chats::find(tx, space, id).await?.is_some() || projects::find(tx, space, id).await?.is_some() {
        return Ok(());
    }
    Err(Error::not_found("chat or project"))
}
