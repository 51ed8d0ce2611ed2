//! What can be done with notices: heard of, listed, read, chosen.

mod letters;

pub use letters::MailStanding;

use crate::{
    domain::{Kind, Kinds, Notice, Preferences},
    events::{self, Heard},
    mail::Post,
    repository,
};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use letters::{Job, To};
use platform::{Error, Platform, Result, bus::Delivery, db::Scope, failpoint, peers::Peer, sealed::Sealer, tasks};
use proto::{
    session::v1::{DeviceRequest, PresentRequest, sessions_client::SessionsClient},
    user::v1::{GetManyRequest, user_client::UserClient},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, sync::Arc, time::Duration};
use uuid::Uuid;

/// How long notices are kept, and who is gone is remembered.
const KEPT: TimeDelta = TimeDelta::days(90);

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Notices {
    platform: Platform,
    post: Post,
    sealer: Sealer,
    url: Arc<str>,
    users: UserClient<Peer>,
    sessions: SessionsClient<Peer>,
}

/// What is marked as read.
pub enum Reading {
    All,
    These(Vec<Uuid>),
}

impl Notices {
    pub async fn new(platform: &Platform, post: Post, url: &str) -> Result<Self> {
        Ok(Self {
            platform: platform.clone(),
            post,
            sealer: Sealer::open(platform, letters::SECRET).await?,
            url: url.trim_end_matches('/').into(),
            users: UserClient::new(platform.peer("user")),
            sessions: SessionsClient::new(platform.peer("session")),
        })
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.platform.db.check().await
    }

    pub async fn hear(self, delivery: Delivery) -> Result<()> {
        match events::read(&delivery)? {
            Heard::Notice { kind, person, data } => {
                let space = person.unwrap_or(delivery.space);
                // Whoever looks at Taifas now sees it end.
                if kind == Kind::ReplyFinished && self.is_present(space).await? {
                    return Ok(());
                }
                self.notify(space, kind, data, &delivery, None).await
            }
            Heard::Opened { session } => self.opened(session, &delivery).await,
            Heard::PersonGone => self.erase(delivery.space).await,
            Heard::Other => Ok(()),
        }
    }

    async fn is_present(&self, space: Uuid) -> Result<bool> {
        let request = PresentRequest { user: space.as_bytes().into() };
        Ok(self.sessions.clone().present(request).await.map_err(Error::from)?.into_inner().present)
    }

    /// A sign-in. A person's first device is theirs; any further one is worth a notice.
    async fn opened(&self, session: Uuid, delivery: &Delivery) -> Result<()> {
        let request = DeviceRequest { user: delivery.space.as_bytes().into(), session: session.as_bytes().into() };
        let answer = self.sessions.clone().device(request).await.map_err(Error::from)?.into_inner();
        let Some(device) = answer.device else { return Ok(()) };
        let data = json!({ "session_id": session, "device": device });
        self.notify(delivery.space, Kind::NewDevice, data, delivery, Some(hash(&device))).await
    }

    /// Stores a notice and asks for its letter, as the person wishes, once however often it is heard.
    /// With a device, only when that is new.
    async fn notify(
        &self,
        space: Uuid,
        kind: Kind,
        data: Value,
        delivery: &Delivery,
        device: Option<Vec<u8>>,
    ) -> Result<()> {
        let (id, at, now) = (self.platform.ids.id(), delivery.at, self.platform.clock.now());
        let source = format!("{}:{}", delivery.kind, delivery.position);
        let letter =
            Job { to: To::Person(space), template: kind.template().into(), data: data.clone(), sealed: Vec::new() };
        let letter = letter.task(source.clone(), space, now)?;
        let (data, has_mail) = (data.to_string(), self.has_mail());
        self.platform
            .db
            .write(space, move |tx| {
                let (data, source, letter, device) = (data.clone(), source.clone(), letter.clone(), device.clone());
                async move {
                    if repository::is_gone(tx, space).await? {
                        return Ok(());
                    }
                    if let Some(device) = device {
                        let (known, this) = repository::devices(tx, space, device.clone()).await?;
                        repository::remember_device(tx, space, device, at).await?;
                        if known == 0 || this {
                            return Ok(());
                        }
                    }
                    let ways = repository::preferences(tx, space).await?.kinds.ways(kind);
                    if ways.app && repository::insert(tx, space, id, kind, &data, &source, at).await? {
                        repository::trim(tx, space).await?;
                        events::TOPIC.append(tx, events::notice_created(space, id), now).await?;
                    }
                    if ways.mail && has_mail {
                        tasks::enqueue(tx, &letter).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await?;
        failpoint::hit("N1");
        Ok(())
    }

    async fn erase(&self, space: Uuid) -> Result<()> {
        let now = self.platform.clock.now();
        self.platform
            .db
            .write(space, move |tx| {
                async move {
                    repository::erase(tx, space, now).await?;
                    tasks::erase(tx, space).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// The newest notices before one, how many are not read, and where the next page begins.
    pub async fn list(
        &self,
        space: Uuid,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<Notice>, i64, Option<Uuid>)> {
        let before = before.unwrap_or(Uuid::max());
        let (mut notices, unread): (Vec<Notice>, i64) = self
            .platform
            .db
            .read(space, move |tx| {
                async move {
                    let notices = repository::list(tx, space, before, i64::from(limit) + 1).await?;
                    Ok((notices, repository::unread(tx, space).await?))
                }
                .boxed()
            })
            .await?;
        let more = notices.len() > limit as usize;
        notices.truncate(limit as usize);
        let next = notices.last().filter(|_| more).map(|last| last.id);
        self.name_people(&mut notices).await?;
        Ok((notices, unread, next))
    }

    /// All of a person's notices, the newest first. The names of others in them are others'.
    pub async fn all(&self, space: Uuid) -> Result<Vec<Notice>> {
        self.platform
            .db
            .read(space, move |tx| {
                async move { repository::list(tx, space, Uuid::max(), repository::KEPT).await }.boxed()
            })
            .await
    }

    /// A notice holds the id of another person; their name is theirs and may change or go.
    async fn name_people(&self, notices: &mut [Notice]) -> Result<()> {
        let person = |notice: &Notice| notice.data["person_id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        let ids: Vec<Uuid> = notices.iter().filter_map(person).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let names = self.names(&ids).await?;
        for notice in notices {
            if let Some(id) = person(notice) {
                notice.data["name"] = json!(names.get(&id));
            }
        }
        Ok(())
    }

    async fn names(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        let request = GetManyRequest { ids: ids.iter().map(|id| id.as_bytes().into()).collect() };
        let found = self.users.clone().get_many(request).await.map_err(Error::from)?.into_inner();
        let named = |account: proto::user::v1::Account| {
            Ok((Uuid::from_slice(&account.id).map_err(Error::internal)?, account.name))
        };
        found.accounts.into_iter().map(named).collect()
    }

    pub async fn read(&self, space: Uuid, reading: Reading) -> Result<()> {
        let (now, reading) = (self.platform.clock.now(), Arc::new(reading));
        self.platform
            .db
            .write(space, move |tx| {
                let reading = reading.clone();
                async move {
                    match &*reading {
                        Reading::All => {
                            if repository::read_all(tx, space, now).await? {
                                events::TOPIC.append(tx, events::notice_read(space, Uuid::nil()), now).await?;
                            }
                        }
                        Reading::These(ids) => {
                            for id in ids {
                                if repository::read(tx, space, *id, now).await? {
                                    events::TOPIC.append(tx, events::notice_read(space, *id), now).await?;
                                }
                            }
                        }
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    pub async fn preferences(&self, space: Uuid) -> Result<Preferences> {
        self.platform.db.read(space, move |tx| async move { repository::preferences(tx, space).await }.boxed()).await
    }

    pub async fn set_preferences(&self, space: Uuid, version: i64, kinds: Kinds) -> Result<Preferences> {
        let text = serde_json::to_string(&kinds).map_err(Error::internal)?;
        self.platform
            .db
            .write(space, move |tx| {
                let text = text.clone();
                async move {
                    let current = repository::preferences(tx, space).await?;
                    if current.version != version {
                        return Err(Error::stale("the preferences were changed meanwhile").with("current", current));
                    }
                    repository::set_preferences(tx, space, version + 1, text).await?;
                    Ok(Preferences { version: version + 1, kinds })
                }
                .boxed()
            })
            .await
    }

    /// Forgets what is too old, some at a time.
    pub async fn forget_old(self) {
        loop {
            let before = self.platform.clock.now() - KEPT;
            let forgotten = self
                .platform
                .db
                .write(Scope::System, move |tx| async move { repository::forget(tx, before).await }.boxed())
                .await;
            match forgotten {
                Ok(1000..) => {}
                Ok(_) => tokio::time::sleep(Duration::from_secs(3600)).await,
                Err(error) => {
                    tracing::warn!(%error, "old notices could not be forgotten");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }
}

/// A device without its versions: an update does not make it a new one.
fn hash(device: &str) -> Vec<u8> {
    let steady: String = device.chars().filter(|c| !c.is_ascii_digit() && !".;_".contains(*c)).collect();
    Sha256::digest(steady).to_vec()
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn an_updated_browser_is_the_same_device() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        assert_eq!(hash(firefox), hash(&firefox.replace("145.0", "146.0.1")));
        assert_ne!(hash(firefox), hash(&firefox.replace("X11; Linux", "Windows NT 10.0; Win64")));
    }
}
