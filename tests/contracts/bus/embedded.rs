//! The bus that reads the services' own tables.

use super::{Handler, Harness, checks};
use crate::suite::passes;
use anyhow::Result;
use async_trait::async_trait;
use futures_util::FutureExt as _;
use platform::{
    Platform,
    bus::{self, Limits},
    clock::{Clock, SystemClock},
    db::{Migration, Scope},
    events::Topic,
    ids::SystemIds,
    isolated,
};
use std::{path::Path, sync::Arc};
use tempfile::TempDir;

macro_rules! events {
    ($service:literal) => {
        &[Migration {
            version: 1,
            name: "events",
            sql: concat!(
                "create table ",
                $service,
                "_events (
                    position integer primary key autoincrement,
                    space_id blob not null, aggregate_id blob not null, version bigint not null, kind text not null,
                    actor blob, payload blob not null, change text, at bigint not null
                );"
            ),
        }]
    };
}
const NOTE: &[Migration] = events!("note");
const LIST: &[Migration] = events!("list");

pub struct InTables(TempDir);

impl InTables {
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }
}

/// A process on a folder that others may have used.
pub async fn start(folder: &Path, clock: Arc<dyn Clock>) -> Result<Platform> {
    let platform = isolated::platform(folder, clock, Arc::new(SystemIds)).await?;
    platform.db.migrate("note", NOTE).await?;
    platform.db.migrate("list", LIST).await?;
    Ok(platform)
}

struct Payload {
    payload: Vec<u8>,
}
platform::from_row!(Payload { payload });

#[async_trait]
impl Harness for InTables {
    async fn start(&self) -> Result<Platform> {
        start(self.0.path(), Arc::new(SystemClock)).await
    }

    fn consume(&self, platform: &Platform, group: &'static str, topic: Topic, limits: Limits, handler: Handler) {
        bus::consume(platform, group, topic, limits, move |delivery| handler(delivery));
    }

    async fn buried(&self, platform: &Platform, group: &'static str) -> Result<Vec<u64>> {
        let buried = platform.db.read(Scope::System, move |tx| {
            async move {
                tx.query(
                    "select payload from note_events join bus_dead_letters using (position)
                     where consumer = $1 and topic = 'note-events' order by position",
                )
                .bind(group)
                .all::<Payload>()
                .await
            }
            .boxed()
        });
        buried.await?.into_iter().map(|row| Ok(u64::from_be_bytes(row.payload.as_slice().try_into()?))).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_keep_the_contract() -> Result<()> {
    passes(&checks(), || Ok(Box::new(InTables::new()?))).await
}
