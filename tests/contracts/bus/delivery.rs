//! Who hears what, in which order, and what is heard again.

use super::{
    Handler, Harness, Heard, LISTS, MOMENT, NOTES, event, listen, listen_unless, number, publish, quick, stop,
};
use crate::suite::{Check, checks};
use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use platform::{Error, db::Scope};
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        each_group_hears_everything,
        what_was_said_before_is_heard,
        topics_are_told_apart,
        an_aggregate_stays_in_order,
        everything_of_an_event_arrives,
        what_was_taken_back_is_never_heard,
        what_was_in_hand_is_heard_again,
        what_was_committed_is_not_heard_again,
        commits_never_go_back,
        the_lowest_unfinished_is_committed,
        who_waits_is_woken,
        a_dropped_call_loses_nothing,
    ]
    .into()
}

async fn each_group_hears_everything(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let (first, second) = (listen(harness, &platform, "first"), listen(harness, &platform, "second"));
    for number in 0..50 {
        publish(&platform, NOTES, [(number, u128::from(number % 7))]).await?;
    }
    first.reaches(50).await?;
    second.reaches(50).await?;
    // its cursor is its own, even when others are far ahead
    tokio::time::sleep(MOMENT).await;
    let third = listen(harness, &platform, "third");
    third.reaches(50).await?;
    for heard in [first, second, third] {
        ensure!(heard.sorted().iter().copied().eq(0..50), "{:?}", heard.sorted());
    }
    stop(platform).await;
    Ok(())
}

async fn what_was_said_before_is_heard(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    publish(&platform, NOTES, (0..300).map(|number| (number, 1))).await?;
    stop(platform).await;
    let platform = harness.start().await?;
    publish(&platform, NOTES, [(300, 1)]).await?;
    let heard = listen(harness, &platform, "late");
    heard.reaches(301).await?;
    ensure!(heard.numbers().iter().copied().eq(0..=300), "{:?}", heard.numbers());
    stop(platform).await;
    Ok(())
}

async fn topics_are_told_apart(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    publish(&platform, LISTS, [(1, 1), (2, 1)]).await?;
    publish(&platform, NOTES, [(3, 1)]).await?;
    heard.reaches(1).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(heard.numbers() == [3], "{:?}", heard.numbers());
    stop(platform).await;
    Ok(())
}

async fn an_aggregate_stays_in_order(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let heard = Heard::default();
    let (noted, random) = (heard.clone(), RandomState::new());
    let handler: Handler = Arc::new(move |delivery| {
        let noted = noted.clone();
        let pause = Duration::from_micros(random.hash_one(number(&delivery)) % 3000);
        async move {
            tokio::time::sleep(pause).await;
            noted.note(&delivery);
            Ok(())
        }
        .boxed()
    });
    publish(&platform, NOTES, (0..160).map(|number| (number, u128::from(number % 8)))).await?;
    harness.consume(&platform, "group", NOTES, quick(), handler);
    for number in 160..240 {
        publish(&platform, NOTES, [(number, u128::from(number % 8))]).await?;
    }
    heard.reaches(240).await?;
    for aggregate in 0..8 {
        let numbers = heard.by_aggregate().remove(&Uuid::from_u128(aggregate)).unwrap_or_default();
        let said: Vec<u64> = (0..240).filter(|number| u128::from(number % 8) == aggregate).collect();
        ensure!(numbers == said, "aggregate {aggregate} is heard as {numbers:?}");
    }
    ensure!(!heard.numbers().is_sorted(), "aggregates wait for each other");
    stop(platform).await;
    Ok(())
}

async fn everything_of_an_event_arrives(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let before = platform.clock.now() - chrono::TimeDelta::milliseconds(1);
    publish(&platform, NOTES, [(0xff00_0102_0304_0506, 9), (2, 10)]).await?;
    let mut subscription = platform.bus.subscribe("group", NOTES).await?;
    let mut deliveries = subscription.next().await?;
    while deliveries.len() < 2 {
        deliveries.extend(subscription.next().await?);
    }
    let first = deliveries.first().context("nothing")?;
    ensure!(first.space == Uuid::from_u128(7) && first.aggregate == Uuid::from_u128(9), "{first:?}");
    ensure!(first.kind == "note.said" && number(first) == 0xff00_0102_0304_0506, "{first:?}");
    ensure!(first.version == 12, "{first:?}");
    ensure!(before <= first.at && first.at <= platform.clock.now(), "{first:?} is not of now");
    ensure!(deliveries.is_sorted_by(|a, b| a.position < b.position), "positions do not grow");
    stop(platform).await;
    Ok(())
}

async fn what_was_taken_back_is_never_heard(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    let now = platform.clock.now();
    let taken_back = platform.db.write(Scope::System, move |tx| {
        async move {
            NOTES.append(tx, event(1, 1), now).await?;
            Err::<(), _>(Error::stale("taken back"))
        }
        .boxed()
    });
    ensure!(taken_back.await.is_err(), "it is stored");
    publish(&platform, NOTES, [(2, 1)]).await?;
    heard.reaches(1).await?;
    ensure!(heard.numbers() == [2], "{:?}", heard.numbers());
    stop(platform).await;
    Ok(())
}

async fn what_was_in_hand_is_heard_again(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    publish(&platform, NOTES, [(1, 1), (2, 2), (3, 1)]).await?;
    // it dies with the first and the third in hand
    let heard = listen_unless(harness, &platform, "group", quick(), |number| number == 1);
    heard.reaches(1).await?;
    tokio::time::sleep(MOMENT).await;
    stop(platform).await;
    let platform = harness.start().await?;
    let again = listen(harness, &platform, "group");
    again.reaches(2).await?;
    tokio::time::sleep(MOMENT).await;
    let numbers = again.by_aggregate().remove(&Uuid::from_u128(1));
    ensure!(numbers.as_deref() == Some(&[1, 3]), "{numbers:?} is heard again of what was in hand");
    stop(platform).await;
    Ok(())
}

async fn what_was_committed_is_not_heard_again(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    publish(&platform, NOTES, (0..20).map(|number| (number, 1))).await?;
    let mut subscription = platform.bus.subscribe("group", NOTES).await?;
    let deliveries = subscription.next().await?;
    let tenth = deliveries.get(10).context("ten events do not come at once")?.position;
    subscription.commit(tenth).await?;
    drop(subscription);
    stop(platform).await;

    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    heard.reaches(9).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(heard.numbers().iter().copied().eq(11..20), "{:?}", heard.numbers());
    stop(platform).await;

    // all of it is done with by now
    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    publish(&platform, NOTES, [(20, 1)]).await?;
    heard.reaches(1).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(heard.numbers() == [20], "{:?}", heard.numbers());
    stop(platform).await;
    Ok(())
}

/// A process that is late with its commit must not have the others' work done again.
async fn commits_never_go_back(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    publish(&platform, NOTES, (0..10).map(|number| (number, 1))).await?;
    let mut subscription = platform.bus.subscribe("group", NOTES).await?;
    let deliveries = subscription.next().await?;
    let position = |at: usize| deliveries.get(at).map(|delivery| delivery.position).context("ten events do not come");
    subscription.commit(position(8)?).await?;
    subscription.commit(position(2)?).await?;
    drop(subscription);
    let next = platform.bus.subscribe("group", NOTES).await?.next().await?;
    ensure!(next.iter().map(number).eq([9]), "{:?}", next.iter().map(number).collect::<Vec<_>>());
    stop(platform).await;
    Ok(())
}

async fn the_lowest_unfinished_is_committed(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    publish(&platform, NOTES, (0..200).map(|number| (number, u128::from(number)))).await?;
    stop(platform).await;
    for (stuck, is_stuck) in [(0, (|number| number == 0) as fn(u64) -> bool), (100, |number| number == 100)] {
        let platform = harness.start().await?;
        let group = if stuck == 0 { "first" } else { "hundredth" };
        let heard = listen_unless(harness, &platform, group, quick(), is_stuck);
        heard.reaches(199).await?;
        tokio::time::sleep(MOMENT).await;
        stop(platform).await;

        let platform = harness.start().await?;
        let again = listen(harness, &platform, group);
        again.reaches(1).await?;
        tokio::time::sleep(MOMENT).await;
        ensure!(again.numbers().contains(&stuck), "{stuck} was never done and is not heard again");
        stop(platform).await;
    }
    Ok(())
}

async fn who_waits_is_woken(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let heard = listen(harness, &platform, "group");
    tokio::time::sleep(MOMENT).await;
    for number in 1..=5 {
        let start = Instant::now();
        publish(&platform, NOTES, [(number, 1)]).await?;
        heard.reaches(usize::try_from(number)?).await?;
        ensure!(start.elapsed() < Duration::from_secs(3), "heard after {:?}", start.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop(platform).await;
    Ok(())
}

async fn a_dropped_call_loses_nothing(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let mut subscription = platform.bus.subscribe("group", NOTES).await?;
    let speaking = async {
        for number in 0..200 {
            publish(&platform, NOTES, [(number, 1)]).await?;
        }
        anyhow::Ok(())
    };
    let hearing = async {
        let mut heard = Vec::new();
        let random = RandomState::new();
        for call in 0.. {
            let patience = Duration::from_micros(random.hash_one(call) % 2000);
            if let Ok(deliveries) = tokio::time::timeout(patience, subscription.next()).await {
                heard.extend(deliveries?.iter().map(number));
            }
            if heard.contains(&199) {
                break;
            }
            tokio::task::yield_now().await;
        }
        anyhow::Ok(heard)
    };
    let (spoken, heard) = tokio::join!(speaking, hearing);
    spoken?;
    let heard = heard?;
    ensure!(heard.iter().copied().eq(0..200), "{} of 200 are heard, or not in order", heard.len());
    stop(platform).await;
    Ok(())
}
