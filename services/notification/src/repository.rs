//! Every SQL statement of notification. Each names the space it touches, but for those that forget.

use crate::domain::{Kind, Notice, Preferences};
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

/// Notices kept for a person.
pub const KEPT: i64 = 500;
/// Devices remembered of a person.
const DEVICES: i64 = 200;

/// Answers whether it is new: the same source again makes no second notice.
pub async fn insert(
    tx: &mut Tx<'_>,
    space: Uuid,
    id: Uuid,
    kind: Kind,
    data: &str,
    source: &str,
    at: DateTime<Utc>,
) -> Result<bool> {
    let added = tx
        .query(
            "insert into notification_notices (space_id, id, kind, data, source, at, read_at)
             values ($1, $2, $3, $4, $5, $6, null) on conflict (space_id, source) do nothing",
        )
        .bind(space)
        .bind(id)
        .bind(kind.name())
        .bind(data)
        .bind(source)
        .bind(at)
        .run()
        .await?;
    Ok(added > 0)
}

/// Forgets the oldest notices of a person beyond those kept.
pub async fn trim(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    tx.query(
        "delete from notification_notices where space_id = $1 and id in (
             select id from notification_notices where space_id = $1 order by id desc limit 100 offset $2
         )",
    )
    .bind(space)
    .bind(KEPT)
    .run()
    .await?;
    Ok(())
}

pub async fn list(tx: &mut Tx<'_>, space: Uuid, before: Uuid, limit: i64) -> Result<Vec<Notice>> {
    tx.query(
        "select id, kind, data, at, read_at from notification_notices
         where space_id = $1 and id < $2 order by id desc limit $3",
    )
    .bind(space)
    .bind(before)
    .bind(limit)
    .all()
    .await
}

pub async fn unread(tx: &mut Tx<'_>, space: Uuid) -> Result<i64> {
    let count = tx
        .query("select count(*) from notification_notices where space_id = $1 and read_at is null")
        .bind(space)
        .value()
        .await?;
    Ok(count.unwrap_or(0))
}

pub async fn read(tx: &mut Tx<'_>, space: Uuid, id: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let changed = tx
        .query("update notification_notices set read_at = $3 where space_id = $1 and id = $2 and read_at is null")
        .bind(space)
        .bind(id)
        .bind(at)
        .run()
        .await?;
    Ok(changed > 0)
}

pub async fn read_all(tx: &mut Tx<'_>, space: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let changed = tx
        .query("update notification_notices set read_at = $2 where space_id = $1 and read_at is null")
        .bind(space)
        .bind(at)
        .run()
        .await?;
    Ok(changed > 0)
}

pub async fn preferences(tx: &mut Tx<'_>, space: Uuid) -> Result<Preferences> {
    let found =
        tx.query("select version, kinds from notification_preferences where space_id = $1").bind(space).maybe().await?;
    Ok(found.unwrap_or_default())
}

pub async fn set_preferences(tx: &mut Tx<'_>, space: Uuid, version: i64, kinds: String) -> Result<()> {
    tx.query(
        "insert into notification_preferences (space_id, version, kinds) values ($1, $2, $3)
         on conflict (space_id) do update set version = excluded.version, kinds = excluded.kinds",
    )
    .bind(space)
    .bind(version)
    .bind(kinds)
    .run()
    .await?;
    Ok(())
}

/// How many devices of a person are known, and whether this one is.
pub async fn devices(tx: &mut Tx<'_>, space: Uuid, device: Vec<u8>) -> Result<(i64, bool)> {
    let known = tx
        .query("select count(*) from notification_devices where space_id = $1")
        .bind(space)
        .value()
        .await?
        .unwrap_or(0);
    let this: Option<i64> = tx
        .query("select 1 from notification_devices where space_id = $1 and device = $2")
        .bind(space)
        .bind(device)
        .value()
        .await?;
    Ok((known, this.is_some()))
}

pub async fn remember_device(tx: &mut Tx<'_>, space: Uuid, device: Vec<u8>, at: DateTime<Utc>) -> Result<()> {
    tx.query(
        "insert into notification_devices (space_id, device, seen_at) values ($1, $2, $3)
         on conflict (space_id, device) do update set seen_at = excluded.seen_at",
    )
    .bind(space)
    .bind(device)
    .bind(at)
    .run()
    .await?;
    tx.query(
        "delete from notification_devices where space_id = $1 and device in (
             select device from notification_devices where space_id = $1 order by seen_at desc limit 100 offset $2
         )",
    )
    .bind(space)
    .bind(DEVICES)
    .run()
    .await?;
    Ok(())
}

pub async fn is_gone(tx: &mut Tx<'_>, space: Uuid) -> Result<bool> {
    let found: Option<i64> =
        tx.query("select 1 from notification_gone where space_id = $1").bind(space).value().await?;
    Ok(found.is_some())
}

/// Takes everything of a person out. Again changes nothing.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid, at: DateTime<Utc>) -> Result<()> {
    tx.query("insert into notification_gone (space_id, at) values ($1, $2) on conflict (space_id) do nothing")
        .bind(space)
        .bind(at)
        .run()
        .await?;
    tx.query("delete from notification_notices where space_id = $1").bind(space).run().await?;
    tx.query("delete from notification_preferences where space_id = $1").bind(space).run().await?;
    tx.query("delete from notification_devices where space_id = $1").bind(space).run().await?;
    tx.query("delete from notification_events where space_id = $1").bind(space).run().await?;
    Ok(())
}

/// Forgets notices of before `at` and who is gone since before it, some at a time; answers how many.
pub async fn forget(tx: &mut Tx<'_>, at: DateTime<Utc>) -> Result<u64> {
    let notices = tx
        .query(
            "delete from notification_notices where (space_id, id) in (
                 select space_id, id from notification_notices where at < $1 limit 1000
             )",
        )
        .bind(at)
        .run()
        .await?;
    let gone = tx
        .query(
            "delete from notification_gone where space_id in (
                 select space_id from notification_gone where at < $1 limit 1000
             )",
        )
        .bind(at)
        .run()
        .await?;
    Ok(notices.max(gone))
}
