//! What can be done with usage: counted, added up, forgotten.

use crate::{
    Config,
    domain::{By, Day, Grouped, Span, Used},
    events::{self, Heard},
    repository,
};
use chrono::{Days, TimeDelta};
use futures_util::FutureExt as _;
use platform::{Error, Platform, Result, bus::Delivery, db::Scope, failpoint, peers::Peer};
use proto::user::v1::{GetManyRequest, user_client::UserClient};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// How long it is remembered which events were counted, and who is gone. What comes again does so
/// within minutes, and what waits for a provider within a day.
const REMEMBERED: TimeDelta = TimeDelta::days(30);
/// How many people are asked for by name at a time.
const NAMES: usize = 500;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Usage {
    platform: Platform,
    config: Config,
    users: UserClient<Peer>,
}

/// The usage of the instance, with the names of those who still have an account.
pub struct Instance {
    pub rows: Vec<Grouped>,
    pub names: HashMap<Uuid, String>,
    pub totals: Used,
    pub active_people: i64,
}

impl Usage {
    pub fn new(platform: &Platform, config: Config) -> Self {
        Self { platform: platform.clone(), config, users: UserClient::new(platform.peer("user")) }
    }

    pub async fn check_ready(&self) -> Result<()> {
        self.platform.db.check().await
    }

    /// The span that was asked for.
    pub fn span(&self, from: Option<&str>, to: Option<&str>) -> Result<Span> {
        Span::read(from, to, self.platform.clock.now())
    }

    /// Counts an event once, however often it comes.
    pub async fn hear(self, delivery: Delivery) -> Result<()> {
        let (space, position, at) = (delivery.space, delivery.position, delivery.at);
        match events::read(&delivery)? {
            Heard::Used { model, used } => {
                let day = at.date_naive();
                self.platform
                    .db
                    .write(space, move |tx| {
                        let model = model.clone();
                        async move {
                            let is_new = repository::mark_counted(tx, space, position, at).await?;
                            if !is_new && !failpoint::mutant("no-inbox") {
                                return Ok(());
                            }
                            // What was on its way when its person went is counted as nobody's.
                            let of = if repository::is_gone(tx, space).await? { Uuid::nil() } else { space };
                            repository::add(tx, of, day, &model, used).await
                        }
                        .boxed()
                    })
                    .await?;
                failpoint::hit("Y1");
                Ok(())
            }
            Heard::PersonGone => {
                self.platform
                    .db
                    .write(space, move |tx| async move { repository::erase(tx, space, at).await }.boxed())
                    .await
            }
            Heard::Other => Ok(()),
        }
    }

    pub async fn of_person(&self, space: Uuid, span: Span) -> Result<(Vec<Day>, Used)> {
        self.platform
            .db
            .read(space, move |tx| {
                async move {
                    Ok((repository::days(tx, space, span).await?, repository::total_of(tx, space, span).await?))
                }
                .boxed()
            })
            .await
    }

    pub async fn of_instance(&self, span: Span, by: By) -> Result<Instance> {
        let (rows, totals, active_people): (Vec<Grouped>, Used, i64) = self
            .platform
            .db
            .read(Scope::System, move |tx| {
                async move {
                    let rows = repository::grouped(tx, span, by).await?;
                    Ok((rows, repository::total(tx, span).await?, repository::active_people(tx, span).await?))
                }
                .boxed()
            })
            .await?;
        let people: Vec<Uuid> = rows.iter().filter_map(|row| row.space).filter(|space| !space.is_nil()).collect();
        let mut names = HashMap::new();
        for some in people.chunks(NAMES) {
            let request = GetManyRequest { ids: some.iter().map(|id| id.as_bytes().into()).collect() };
            let found = self.users.clone().get_many(request).await.map_err(Error::from)?.into_inner();
            for account in found.accounts {
                names.insert(Uuid::from_slice(&account.id).map_err(Error::internal)?, account.name);
            }
        }
        Ok(Instance { rows, names, totals, active_people })
    }

    /// Forgets what is too old, some at a time.
    pub async fn forget_old(self) {
        loop {
            let now = self.platform.clock.now();
            let before = now - REMEMBERED;
            let oldest = Days::new(self.config.keep_days.into());
            let day = now.date_naive().checked_sub_days(oldest).unwrap_or_default();
            let forgotten = self
                .platform
                .db
                .write(Scope::System, move |tx| async move { repository::forget(tx, before, day).await }.boxed())
                .await;
            match forgotten {
                Ok(1000..) => {}
                Ok(_) => tokio::time::sleep(Duration::from_secs(3600)).await,
                Err(error) => {
                    tracing::warn!(%error, "old usage could not be forgotten");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }
}
