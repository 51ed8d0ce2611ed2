//! How long events are kept: never shorter than a group needs them, and no longer than is said.

use super::{Harness, NOTES, listen, listen_unless, publish, quick, stop};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use platform::{Platform, db::Scope};
use std::time::Duration;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        what_everybody_had_is_swept,
        what_is_unread_stays,
        what_is_young_stays,
        positions_are_never_given_twice,
        who_is_behind_is_told,
    ]
    .into()
}

/// The positions that are left.
async fn left(platform: &Platform) -> Result<Vec<i64>> {
    struct Row {
        position: i64,
    }
    platform::from_row!(Row { position });
    let rows = platform.db.read(Scope::System, |tx| {
        async move { tx.query("select position from note_events order by position").all::<Row>().await }.boxed()
    });
    Ok(rows.await?.into_iter().map(|row| row.position).collect())
}

/// Waits until a group has committed all but so many.
async fn behind(platform: &Platform, group: &str, wanted: i64) -> Result<()> {
    let mut last = Vec::new();
    for _ in 0..150 {
        last = platform.bus.lag().await?;
        if last.iter().any(|lag| lag.group == group && lag.topic == NOTES.name && lag.behind == wanted) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("{group} is not {wanted} behind: {last:?}")
}

fn in_an_hour(platform: &Platform) -> chrono::DateTime<chrono::Utc> {
    platform.clock.now() + TimeDelta::hours(1)
}

async fn what_everybody_had_is_swept(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    publish(&platform, NOTES, (0..1200).map(|number| (number, 1))).await?;
    let heard = [listen(harness, &platform, "first"), listen(harness, &platform, "second")];
    for (heard, group) in heard.iter().zip(["first", "second"]) {
        heard.reaches(1200).await?;
        behind(&platform, group, 0).await?;
    }
    ensure!(platform.bus.sweep(in_an_hour(&platform)).await? == 1200, "{} are left", left(&platform).await?.len());
    ensure!(left(&platform).await?.is_empty(), "{:?}", left(&platform).await?);
    publish(&platform, NOTES, [(1200, 1)]).await?;
    heard[0].reaches(1201).await?;
    stop(platform).await;
    Ok(())
}

async fn what_is_unread_stays(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let quick_one = listen(harness, &platform, "quick");
    listen_unless(harness, &platform, "slow", quick(), |number| number == 3);
    publish(&platform, NOTES, (0..6).map(|number| (number, number.into()))).await?;
    quick_one.reaches(6).await?;
    behind(&platform, "quick", 0).await?;
    behind(&platform, "slow", 3).await?;
    platform.bus.sweep(in_an_hour(&platform)).await?;
    ensure!(left(&platform).await? == [4, 5, 6], "{:?}", left(&platform).await?);
    stop(platform).await;
    let platform = harness.start().await?;
    // nobody has said yet that they read
    ensure!(platform.bus.sweep(in_an_hour(&platform)).await? == 0, "a topic without readers is swept");
    let again = listen(harness, &platform, "slow");
    again.reaches(3).await?;
    ensure!(again.sorted() == [3, 4, 5], "{:?}", again.sorted());
    stop(platform).await;
    Ok(())
}

async fn what_is_young_stays(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    publish(&platform, NOTES, (0..3).map(|number| (number, 1))).await?;
    heard.reaches(3).await?;
    behind(&platform, "group", 0).await?;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let between = platform.clock.now();
    publish(&platform, NOTES, (3..5).map(|number| (number, 1))).await?;
    heard.reaches(5).await?;
    behind(&platform, "group", 0).await?;
    ensure!(platform.bus.sweep(between - TimeDelta::hours(1)).await? == 0, "all are young");
    platform.bus.sweep(between).await?;
    ensure!(left(&platform).await? == [4, 5], "{:?}", left(&platform).await?);
    stop(platform).await;
    Ok(())
}

async fn positions_are_never_given_twice(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    publish(&platform, NOTES, [(0, 1), (1, 1)]).await?;
    heard.reaches(2).await?;
    behind(&platform, "group", 0).await?;
    platform.bus.sweep(in_an_hour(&platform)).await?;
    stop(platform).await;
    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    publish(&platform, NOTES, [(2, 1)]).await?;
    heard.reaches(1).await?;
    ensure!(heard.numbers() == [2], "{:?}", heard.numbers());
    stop(platform).await;
    Ok(())
}

async fn who_is_behind_is_told(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    publish(&platform, NOTES, (0..4).map(|number| (number, number.into()))).await?;
    listen_unless(harness, &platform, "stuck", quick(), |number| number == 1);
    listen(harness, &platform, "done").reaches(4).await?;
    behind(&platform, "done", 0).await?;
    behind(&platform, "stuck", 3).await?;
    stop(platform).await;
    Ok(())
}
