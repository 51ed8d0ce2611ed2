//! `db:`: reads the services' events tables in place, cursors and dead letters beside them. The
//! same promises as a broker across a restart, because they are tables.

use super::{Bus, Delivery, Lag, Subscription};
use crate::{
    Result,
    clock::Clock,
    db::{Db, Migration, Scope, Tx},
    events::Topic,
    from_row,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "cursors", sql: include_str!("tables.sql") }];

/// Events read at a time.
const PAGE: i64 = 256;
/// Events deleted at a time: others want to write too.
const SWEPT: i64 = 500;
/// A writer of another process cannot wake us; look at least this often.
const LOOK: Duration = Duration::from_secs(5);

struct Stored {
    position: i64,
    space_id: Uuid,
    aggregate_id: Uuid,
    version: i64,
    kind: String,
    payload: Vec<u8>,
    at: DateTime<Utc>,
}
from_row!(Stored { position, space_id, aggregate_id, version, kind, payload, at });

/// The embedded bus.
pub struct TableBus {
    db: Db,
    clock: Arc<dyn Clock>,
    /// Who reads what in this process.
    groups: Mutex<HashMap<(&'static str, &'static str), Topic>>,
}

impl TableBus {
    /// # Errors
    /// When the cursor tables cannot be made.
    pub async fn open(db: Db, clock: Arc<dyn Clock>) -> Result<Self> {
        db.migrate("bus", MIGRATIONS).await?;
        Ok(Self { db, clock, groups: Mutex::default() })
    }
}

#[async_trait]
impl Bus for TableBus {
    async fn subscribe(&self, group: &'static str, topic: Topic) -> Result<Box<dyn Subscription>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert((group, topic.name), topic);
        let woken = self.db.committed(topic.name);
        let read = self
            .db
            .read(Scope::System, move |tx| {
                async move {
                    tx.query("select position from bus_cursors where consumer = $1 and topic = $2")
                        .bind(group)
                        .bind(topic.name)
                        .value()
                        .await
                }
                .boxed()
            })
            .await?
            .unwrap_or(0);
        Ok(Box::new(TableSubscription {
            db: self.db.clone(),
            clock: self.clock.clone(),
            group,
            topic,
            read,
            more: true,
            woken,
        }))
    }

    async fn lag(&self) -> Result<Vec<Lag>> {
        let groups = self.groups();
        self.db
            .read(Scope::System, move |tx| {
                let groups = groups.clone();
                async move {
                    let mut lags = Vec::with_capacity(groups.len());
                    for (group, topic) in groups {
                        let newest: i64 = tx.query(topic.newest).value().await?.unwrap_or(0);
                        let read = cursor(tx, group, topic.name).await?;
                        let buried: Option<i64> = tx
                            .query("select count(*) from bus_dead_letters where consumer = $1 and topic = $2")
                            .bind(group)
                            .bind(topic.name)
                            .value()
                            .await?;
                        let behind = (newest - read).max(0);
                        lags.push(Lag { group, topic: topic.name, behind, buried: buried.unwrap_or(0) });
                    }
                    Ok(lags)
                }
                .boxed()
            })
            .await
    }

    async fn sweep(&self, before: DateTime<Utc>) -> Result<u64> {
        let mut topics = BTreeMap::<_, (Topic, Vec<&'static str>)>::new();
        for (group, topic) in self.groups() {
            topics.entry(topic.name).or_insert_with(|| (topic, Vec::new())).1.push(group);
        }
        let mut swept = 0;
        for (topic, groups) in topics.into_values() {
            loop {
                let groups = groups.clone();
                let deleted = self.db.write(Scope::System, move |tx| {
                    let groups = groups.clone();
                    async move {
                        let mut lowest = i64::MAX;
                        for group in groups {
                            lowest = lowest.min(cursor(tx, group, topic.name).await?);
                        }
                        tx.query(topic.sweep).bind(lowest).bind(before).bind(SWEPT).run().await
                    }
                    .boxed()
                });
                let deleted = deleted.await?;
                swept += deleted;
                if deleted == 0 {
                    break;
                }
            }
        }
        Ok(swept)
    }
}

impl TableBus {
    fn groups(&self) -> Vec<(&'static str, Topic)> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let mut groups: Vec<_> = groups.iter().map(|((group, _), topic)| (*group, *topic)).collect();
        groups.sort_by_key(|(group, topic)| (topic.name, *group));
        groups
    }
}

/// Up to where a group has had everything.
async fn cursor(tx: &mut Tx<'_>, group: &'static str, topic: &'static str) -> Result<i64> {
    let position = tx
        .query("select position from bus_cursors where consumer = $1 and topic = $2")
        .bind(group)
        .bind(topic)
        .value()
        .await?;
    Ok(position.unwrap_or(0))
}

struct TableSubscription {
    db: Db,
    clock: Arc<dyn Clock>,
    group: &'static str,
    topic: Topic,
    /// The last position handed out; the committed one may lie before it.
    read: i64,
    /// There may be more than was read: not after a page that was not full.
    more: bool,
    woken: watch::Receiver<u64>,
}

#[async_trait]
impl Subscription for TableSubscription {
    async fn next(&mut self) -> Result<Vec<Delivery>> {
        loop {
            if !self.more {
                let _ = tokio::time::timeout(LOOK, self.woken.changed()).await;
            }
            self.more = true;
            // Marked seen before the read: what commits after it wakes us again.
            self.woken.borrow_and_update();
            let (topic, after) = (self.topic, self.read);
            let page: Vec<Stored> = self
                .db
                .read(Scope::System, move |tx| {
                    async move { tx.query(topic.select).bind(after).bind(PAGE).all().await }.boxed()
                })
                .await?;
            self.more = i64::try_from(page.len()).is_ok_and(|read| read >= PAGE);
            if let Some(last) = page.last() {
                self.read = last.position;
                return Ok(page.into_iter().map(Delivery::from).collect());
            }
        }
    }

    async fn commit(&mut self, position: i64) -> Result<()> {
        let (group, topic) = (self.group, self.topic.name);
        self.db
            .write(Scope::System, move |tx| {
                async move {
                    tx.query(
                        "insert into bus_cursors (consumer, topic, position) values ($1, $2, $3)
                         on conflict (consumer, topic) do update set position = excluded.position
                         where bus_cursors.position < excluded.position",
                    )
                    .bind(group)
                    .bind(topic)
                    .bind(position)
                    .run()
                    .await
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    async fn bury(&mut self, delivery: &Delivery, why: &str) -> Result<()> {
        let (group, topic, now) = (self.group, self.topic.name, self.clock.now());
        let (delivery, why) = (Arc::new(delivery.clone()), why.to_owned());
        self.db
            .write(Scope::System, move |tx| {
                let (delivery, why) = (delivery.clone(), why.clone());
                async move {
                    tx.query(
                        "insert into bus_dead_letters (consumer, topic, position, kind, why, at) values ($1, $2, $3, $4, $5, $6)
                         on conflict (consumer, topic, position) do nothing",
                    )
                    .bind(group)
                    .bind(topic)
                    .bind(delivery.position)
                    .bind(delivery.kind.as_str())
                    .bind(why)
                    .bind(now)
                    .run()
                    .await
                }
                .boxed()
            })
            .await?;
        Ok(())
    }
}

impl From<Stored> for Delivery {
    fn from(row: Stored) -> Self {
        Self {
            position: row.position,
            space: row.space_id,
            aggregate: row.aggregate_id,
            version: row.version,
            kind: row.kind,
            payload: row.payload,
            at: row.at,
        }
    }
}
