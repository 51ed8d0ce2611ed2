//! What can be done with sessions.

use crate::{
    config::Config,
    domain::{Session, Token, clean_device},
    events,
    repository::{self, Oldest},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{Platform, Result, db::Scope, principal::Role};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// How long an ended session is still in the table.
const KEEP_ENDED: TimeDelta = TimeDelta::days(1);

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    platform: Platform,
    config: Arc<Config>,
}

/// A session that has just begun. The token is in here and nowhere else.
pub struct Opened {
    pub id: Uuid,
    pub token: SecretString,
    /// How long it lives at most.
    pub absolute: TimeDelta,
}

impl Sessions {
    pub fn new(platform: &Platform, config: Config) -> Self {
        Self { platform: platform.clone(), config: Arc::new(config) }
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// Signs `user` in on a device. Past the limit of sessions, those used longest ago end.
    pub async fn open(&self, user: Uuid, role: Role, device: &str) -> Result<Opened> {
        let (id, token, now) =
            (self.platform.ids.id(), Token::new(user, &*self.platform.ids), self.platform.clock.now());
        let absolute = self.config.absolute(&role);
        let (token_hash, device, per_person) = (token.hash(), clean_device(device), self.config.per_person);
        self.platform
            .db
            .write(user, move |tx| {
                let session = Session {
                    id,
                    user,
                    token_hash: token_hash.clone(),
                    role: role.clone(),
                    device: device.clone(),
                    created_at: now,
                    seen_at: now,
                    ends_at: now + absolute,
                    revoked_at: None,
                };
                async move {
                    for old in repository::surplus(tx, user, per_person - 1).await? {
                        repository::revoke(tx, user, old.id, now).await?;
                        events::TOPIC.append(tx, events::changed(user, "session.closed", old.id), now).await?;
                    }
                    repository::insert(tx, &session).await?;
                    events::TOPIC.append(tx, events::changed(user, "session.opened", id), now).await
                }
                .boxed()
            })
            .await?;
        Ok(Opened { id, token: token.text(), absolute })
    }

    /// Whose token this is; nobody's when it is unknown, altered, run out or ended.
    pub async fn resolve(&self, token: &str) -> Result<Option<Session>> {
        let Some(token) = Token::read(token) else { return Ok(None) };
        let (user, hash, now) = (token.user(), token.hash(), self.platform.clock.now());
        let found = self
            .platform
            .db
            .read(user, move |tx| {
                let hash = hash.clone();
                async move { repository::find_by_token(tx, user, hash).await }.boxed()
            })
            .await?;
        let alive = |session: &Session| token.has_hash(&session.token_hash) && session.is_alive(&self.config, now);
        let Some(session) = found.filter(alive) else { return Ok(None) };
        if session.is_seen_again(now) {
            self.note_use(user, session.id, now).await;
        }
        Ok(Some(session))
    }

    /// A full disk must not sign people out, so a failure is only told to the log.
    async fn note_use(&self, user: Uuid, id: Uuid, now: DateTime<Utc>) {
        let noted = self
            .platform
            .db
            .write(user, move |tx| async move { repository::set_seen(tx, user, id, now).await }.boxed());
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    }

    /// Ends a session; one that is over already stays over.
    pub async fn close(&self, user: Uuid, id: Uuid) -> Result<()> {
        let now = self.platform.clock.now();
        self.platform
            .db
            .write(user, move |tx| {
                async move {
                    if repository::revoke(tx, user, id, now).await? {
                        events::TOPIC.append(tx, events::changed(user, "session.closed", id), now).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Sessions that are over are forgotten after a day.
    pub async fn forget_ended(self) {
        loop {
            let ended = self.platform.clock.now() - KEEP_ENDED;
            let oldest = Oldest {
                ended,
                user_seen: ended - self.config.idle(&Role::USER),
                admin_seen: ended - self.config.idle(&Role::ADMIN),
            };
            let forgotten = self
                .platform
                .db
                .write(Scope::System, move |tx| async move { repository::forget(tx, oldest).await }.boxed())
                .await;
            match forgotten {
                Ok(1000..) => {}
                Ok(_) => tokio::time::sleep(Duration::from_secs(3600)).await,
                Err(error) => {
                    tracing::warn!(%error, "ended sessions could not be forgotten");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }
}
