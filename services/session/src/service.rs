//! What can be done with sessions.

use crate::{
    config::Config,
    domain::{Session, Token, clean_address, clean_device},
    events,
    presence::Presence,
    repository::{self, Oldest},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Platform, Result,
    db::{Scope, Tx},
    principal::Role,
};
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
    pub presence: Presence,
}

/// What a session is opened with.
#[derive(Clone)]
pub struct Opening {
    pub user: Uuid,
    pub role: Role,
    pub device: String,
    pub address: String,
    /// The session this one takes the place of.
    pub instead_of: Option<Uuid>,
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
        Self { platform: platform.clone(), config: Arc::new(config), presence: Presence::new(platform) }
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// Signs a person in on a device. Past the limit of sessions, those used longest ago end.
    pub async fn open(&self, asked: Opening) -> Result<Opened> {
        let Opening { user, role, device, address, instead_of } = asked;
        let (id, token, now) =
            (self.platform.ids.id(), Token::new(user, &*self.platform.ids), self.platform.clock.now());
        let absolute = self.config.absolute(&role);
        let per_person = self.config.per_person;
        let session = Session {
            id,
            user,
            token_hash: token.hash(),
            role,
            device: clean_device(&device),
            address: clean_address(&address),
            created_at: now,
            seen_at: now,
            ends_at: now + absolute,
            revoked_at: None,
        };
        self.platform
            .db
            .write(user, move |tx| {
                let session = session.clone();
                async move {
                    if let Some(before) = instead_of {
                        end(tx, user, before, now).await?;
                    }
                    for old in repository::surplus(tx, user, per_person - 1).await? {
                        end(tx, user, old.id, now).await?;
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
    pub async fn resolve(&self, token: &str, address: &str) -> Result<Option<Session>> {
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
            self.note_use(user, session.id, clean_address(address), now).await;
        }
        Ok(Some(session))
    }

    /// A full disk must not sign people out, so a failure is only told to the log.
    async fn note_use(&self, user: Uuid, id: Uuid, address: Option<String>, now: DateTime<Utc>) {
        let noted = self.platform.db.write(user, move |tx| {
            let address = address.clone();
            async move { repository::set_seen(tx, user, id, address, now).await }.boxed()
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    }

    /// Ends a session; one that is over already stays over.
    pub async fn close(&self, user: Uuid, id: Uuid) -> Result<()> {
        let now = self.platform.clock.now();
        self.platform.db.write(user, move |tx| async move { end(tx, user, id, now).await.map(|_| ()) }.boxed()).await
    }

    /// Ends all sessions of a person, but for the one that stays; answers how many there were.
    pub async fn close_all(&self, user: Uuid, but: Option<Uuid>) -> Result<u32> {
        let now = self.platform.clock.now();
        self.close_opened_before(user, but, now).await
    }

    /// Ends the sessions of a person that were opened up to `until`.
    pub async fn close_opened_before(&self, user: Uuid, but: Option<Uuid>, until: DateTime<Utc>) -> Result<u32> {
        let now = self.platform.clock.now();
        self.platform
            .db
            .write(user, move |tx| {
                async move {
                    let mut closed = 0;
                    for session in repository::alive(tx, user).await? {
                        if Some(session.id) != but && session.created_at <= until {
                            closed += u32::from(end(tx, user, session.id, now).await?);
                        }
                    }
                    Ok(closed)
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

/// Ends a session and says so, unless it had been ended before.
async fn end(tx: &mut Tx<'_>, user: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let ended = repository::revoke(tx, user, id, now).await?;
    if ended {
        events::TOPIC.append(tx, events::changed(user, "session.closed", id), now).await?;
    }
    Ok(ended)
}
