//! Sealing: a minute's new events of all topics, in one transaction that no writer of events waits for.

use super::{Line, Row, SEALS, Seal, Signing, TOPICS, root, select};
use crate::{
    Platform, Result,
    db::{Db, Migration, Scope, Tx},
    from_row,
    hex::hex,
    journal,
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use std::{path::Path, sync::Arc, time::Duration};

pub const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "seals", sql: include_str!("seals.sql") }];

/// How often new events are sealed.
const EVERY: Duration = Duration::from_secs(60);
/// Events of one seal at most.
const MOST: i64 = 2_000;

struct Last {
    number: i64,
    events: i64,
    root: String,
    before: String,
    at: i64,
    signature: String,
}
from_row!(Last { number, events, root, before, at, signature });

impl From<Last> for Seal {
    fn from(last: Last) -> Self {
        let Last { number, events, root, before, at, signature } = last;
        Self { number, events, root, before, at, signature }
    }
}

/// Seals now and then, until the process drains.
pub fn keep(platform: &Platform) {
    let platform = platform.clone();
    platform.background.clone().spawn_until_drained(async move {
        loop {
            if let Err(error) = round(&platform).await {
                tracing::warn!(%error, "events could not be sealed; trying again");
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}

async fn round(platform: &Platform) -> Result<()> {
    let signing = Arc::new(Signing::of(&*platform.secrets).await?);
    while seal_new(&platform.db, &signing, platform.clock.now()).await? == MOST {}
    carry_out(&platform.db, &platform.folder.join(SEALS)).await
}

/// Seals what is new, at most some thousands of events; answers how many.
///
/// # Errors
/// As any transaction.
pub async fn seal_new(db: &Db, signing: &Arc<Signing>, now: DateTime<Utc>) -> Result<i64> {
    let signing = signing.clone();
    db.write(Scope::System, move |tx| {
        let signing = signing.clone();
        async move {
            let mut leaves = Vec::new();
            for (topic, name) in (0_u8..).zip(TOPICS) {
                let sealed: Option<i64> = tx
                    .query("select position from audit_sealed where topic = $1")
                    .bind(name)
                    .value()
                    .await?;
                let left = MOST - i64::try_from(leaves.len()).unwrap_or(MOST);
                let rows: Vec<Row> = tx.query(statement(topic)).bind(sealed.unwrap_or(0)).bind(left).all().await?;
                let Some(last) = rows.last() else { continue };
                let last = last.position;
                leaves.extend(rows.iter().map(|row| row.leaf(topic).bytes()));
                tx.query("insert into audit_sealed (topic, position) values ($1, $2) on conflict (topic) do update set position = $2")
                    .bind(name)
                    .bind(last)
                    .run()
                    .await?;
            }
            let events = i64::try_from(leaves.len()).unwrap_or(i64::MAX);
            if events > 0 {
                put(tx, &signing, &leaves, events, now).await?;
            }
            Ok(events)
        }
        .boxed()
    })
    .await
}

async fn put(
    tx: &mut Tx<'_>,
    signing: &Signing,
    leaves: &[[u8; super::LEAF]],
    events: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let last: Option<Last> = tx
        .query("select number, events, root, before, at, signature from audit_seals order by number desc limit 1")
        .maybe()
        .await?;
    let last: Option<Seal> = last.map(Seal::from);
    let mut seal = Seal {
        number: last.as_ref().map_or(1, |last| last.number + 1),
        events,
        root: hex(root(leaves)),
        before: last.map_or_else(String::new, |last| last.sum()),
        at: now.timestamp_millis(),
        signature: String::new(),
    };
    seal.signature = hex(signing.sign(&seal.statement()));
    tx.query("insert into audit_seals (number, events, root, before, at, signature, leaves) values ($1, $2, $3, $4, $5, $6, $7)")
        .bind(seal.number)
        .bind(seal.events)
        .bind(seal.root)
        .bind(seal.before)
        .bind(seal.at)
        .bind(seal.signature)
        .bind(leaves.concat())
        .run()
        .await?;
    Ok(())
}

/// Statements live as long as the program.
fn statement(topic: u8) -> &'static str {
    static ALL: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| TOPICS.iter().map(|topic| select(topic)).collect());
    ALL.get(usize::from(topic)).map_or("", String::as_str)
}

/// Writes the seals that the file does not have yet.
async fn carry_out(db: &Db, file: &Path) -> Result<()> {
    let known = match journal::last(file)? {
        Some(Line::Seal(seal)) => seal.number,
        Some(Line::Restored { restored_to, .. }) => restored_to,
        None => 0,
    };
    let new: Vec<Last> = db
        .read(Scope::System, move |tx| {
            async move {
                tx.query("select number, events, root, before, at, signature from audit_seals where number > $1 order by number")
                    .bind(known)
                    .all()
                    .await
            }
            .boxed()
        })
        .await?;
    if new.is_empty() {
        return Ok(());
    }
    let new: Vec<Line> = new.into_iter().map(|seal| Line::Seal(seal.into())).collect();
    journal::append(file, &new)
}
