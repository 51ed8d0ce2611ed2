//! What can be done with sessions.

use crate::{
    config::Config,
    domain::{Seen, Session, Token, clean_address, clean_device, device_name},
    events,
    presence::Presence,
    repository::{self, Oldest},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Platform, Result,
    db::{Db, Scope, Tx},
    peers::Peer,
    principal::{Person, Role},
};
use proto::user::v1::{ByIdRequest, user_client::UserClient};
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
    users: UserClient<Peer>,
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
        Self {
            platform: platform.clone(),
            config: Arc::new(config),
            presence: Presence::new(platform),
            users: UserClient::new(platform.peer("user")),
        }
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

    /// Whose token this is, for a request that comes with it: the session is used.
    pub async fn resolve(&self, token: &str, address: &str) -> Result<Option<Session>> {
        let (found, now) = (self.look(token).await?, self.platform.clock.now());
        if let Some(session) = found.as_ref().filter(|session| session.is_seen_again(now)) {
            self.note_use(session.user, session.id, clean_address(address), now).await;
        }
        Ok(found)
    }

    /// Whose token this is; nobody's when it is unknown, altered, run out or ended.
    pub async fn look(&self, token: &str) -> Result<Option<Session>> {
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
        Ok(found.filter(alive))
    }

    /// What a session was opened with; none for one that is forgotten.
    pub async fn device(&self, user: Uuid, id: Uuid) -> Result<Option<String>> {
        self.platform.db.read(user, move |tx| async move { repository::device(tx, user, id).await }.boxed()).await
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

    /// The sessions of a person that are good now.
    pub async fn list(&self, person: &Person) -> Result<Vec<Seen>> {
        let (user, now) = (person.user, self.platform.clock.now());
        let sessions =
            self.platform.db.read(user, move |tx| async move { repository::alive(tx, user).await }.boxed()).await?;
        let present = self.presence.present(user).await?;
        let alive = sessions.into_iter().filter(|session| session.is_alive(&self.config, now));
        Ok(alive
            .map(|session| Seen {
                current: session.id == person.session,
                online: present.sessions.contains(&session.id),
                id: session.id,
                device: device_name(&session.device),
                address: session.address,
                created_at: session.created_at,
                seen_at: session.seen_at,
            })
            .collect())
    }

    /// Ends one of a person's sessions.
    pub async fn end(&self, person: &Person, id: Uuid) -> Result<()> {
        let (user, now) = (person.user, self.platform.clock.now());
        let ended = self.platform.db.write(user, move |tx| async move { end(tx, user, id, now).await }.boxed()).await?;
        if ended { Ok(()) } else { Err(Error::not_found("session")) }
    }

    /// The account may have changed: its role, whether anybody may use it, whether it is there.
    pub async fn follow_account(&self, user: Uuid, kind: &str, at: DateTime<Utc>) -> Result<()> {
        match kind {
            "user.deleted" => {
                self.platform.db.write(user, move |tx| async move { repository::erase(tx, user).await }.boxed()).await
            }
            // whoever signs in during the grace time has a session that stays
            "user.disabled" | "user.leaving" => self.close_opened_before(user, None, at).await.map(|_| ()),
            "user.updated" => self.take_role(user).await,
            _ => Ok(()),
        }
    }

    /// Sessions live as long as those of the role that the person has now.
    async fn take_role(&self, user: Uuid) -> Result<()> {
        let found = self.users.clone().by_id(ByIdRequest { id: user.as_bytes().into() }).await?;
        let Some(account) = found.into_inner().account else { return Ok(()) };
        let role = Role::parse(&account.role)?;
        let absolute = self.config.absolute(&role);
        self.platform
            .db
            .write(user, move |tx| {
                let role = role.clone();
                async move {
                    for session in repository::alive(tx, user).await? {
                        if session.role != role {
                            let ends_at = session.ends_at.min(session.created_at + absolute);
                            repository::set_role(tx, user, session.id, &role, ends_at).await?;
                        }
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

/// Ends a session that a restored database still holds for open; whether it did.
///
/// # Errors
/// As any transaction.
pub async fn close_again(db: &Db, user: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    db.write(user, move |tx| async move { end(tx, user, id, now).await }.boxed()).await
}

/// Ends a session and says so, unless it had been ended before.
async fn end(tx: &mut Tx<'_>, user: Uuid, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let ended = repository::revoke(tx, user, id, now).await?;
    if ended {
        events::TOPIC.append(tx, events::changed(user, "session.closed", id), now).await?;
    }
    Ok(ended)
}
