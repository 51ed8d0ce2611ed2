//! The instance's name and look, and who may make an account.

use super::Auth;
use crate::{
    domain::{Look, LookChange},
    events,
    repository::instance,
};
use futures_util::FutureExt as _;
use platform::{Error, Result, db::Scope, principal::Person};
use proto::notification::v1::AbilityRequest;

impl Auth {
    pub async fn look(&self) -> Result<Look> {
        let overrides =
            self.platform.db.read(Scope::System, |tx| async move { instance::overrides(tx).await }.boxed()).await?;
        overrides.over(&self.config)
    }

    pub async fn change_look(&self, person: &Person, asked: LookChange) -> Result<Look> {
        let (asked, config, now, actor) = (asked.check()?, self.config.clone(), self.platform.clock.now(), person.user);
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let (asked, config) = (asked.clone(), config.clone());
                async move {
                    let before = instance::overrides(tx).await?;
                    if before.version != asked.version {
                        return Err(Error::stale("the settings were changed meanwhile; look at them again")
                            .with("current", before.over(&config)?));
                    }
                    let after = before.with(asked);
                    instance::set_overrides(tx, &after).await?;
                    let event = events::of_instance("instance.changed", actor, "", after.version);
                    events::TOPIC.append(tx, event, now).await?;
                    after.over(&config)
                }
                .boxed()
            })
            .await
    }

    /// Whether letters can be sent. Where that cannot be found out they cannot.
    pub(super) async fn has_mail(&self) -> bool {
        let answer = self.mail.clone().ability(AbilityRequest {}).await;
        answer.is_ok_and(|answer| answer.into_inner().configured)
    }
}
