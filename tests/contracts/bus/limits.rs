//! How much is worked on at once, and how much is held.

use super::{Handler, Harness, Heard, MOMENT, NOTES, listen_unless, publish, quick, stop};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Platform,
    bus::{Bus, Delivery, Lag, Limits, Subscription},
    events::Topic,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![a_slow_aggregate_holds_up_nobody, so_many_at_once_and_no_more, so_much_is_held_and_no_more].into()
}

async fn a_slow_aggregate_holds_up_nobody(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let heard = listen_unless(harness, &platform, "group", quick(), |number| number % 10 == 0);
    publish(&platform, NOTES, (0..100).map(|number| (number, u128::from(number)))).await?;
    publish(&platform, NOTES, (101..104).map(|number| (number, 0))).await?;
    publish(&platform, NOTES, (201..204).map(|number| (number, 1))).await?;
    heard.reaches(93).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(heard.all().len() == 93, "an event has overtaken an earlier one of its aggregate");
    stop(platform).await;
    Ok(())
}

async fn so_many_at_once_and_no_more(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let (heard, now, most) = (Heard::default(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (noted, running, peak) = (heard.clone(), now.clone(), most.clone());
    let handler: Handler = Arc::new(move |delivery| {
        let (noted, running, peak) = (noted.clone(), running.clone(), peak.clone());
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            noted.note(&delivery);
            Ok(())
        }
        .boxed()
    });
    // in one page, and then one by one
    publish(&platform, NOTES, (0..60).map(|number| (number, u128::from(number)))).await?;
    harness.consume(&platform, "group", NOTES, Limits { parallel: 4, ..quick() }, handler);
    for number in 60..90 {
        publish(&platform, NOTES, [(number, u128::from(number % 40))]).await?;
    }
    heard.reaches(90).await?;
    ensure!(most.load(Ordering::SeqCst) == 4, "{most:?} at once, where 4 may");
    stop(platform).await;
    Ok(())
}

async fn so_much_is_held_and_no_more(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    for page in 0..8 {
        publish(&platform, NOTES, (page * 250..(page + 1) * 250).map(|number| (number, 1))).await?;
    }
    let given = Arc::new(AtomicUsize::new(0));
    let counted =
        Platform { bus: Arc::new(Counting { inner: platform.bus.clone(), given: given.clone() }), ..platform.clone() };
    listen_unless(harness, &counted, "group", Limits { held: 10, ..quick() }, |_| true);
    tokio::time::sleep(MOMENT).await;
    let held = given.load(Ordering::SeqCst);
    // a page may come on top of the limit
    ensure!((1..=500).contains(&held), "{held} events are held, where 10 may be");
    drop(counted);
    stop(platform).await;
    Ok(())
}

/// Counts what it hands out.
struct Counting {
    inner: Arc<dyn Bus>,
    given: Arc<AtomicUsize>,
}

struct CountingSubscription {
    inner: Box<dyn Subscription>,
    given: Arc<AtomicUsize>,
}

#[async_trait]
impl Bus for Counting {
    async fn subscribe(&self, group: &'static str, topic: Topic) -> platform::Result<Box<dyn Subscription>> {
        let inner = self.inner.subscribe(group, topic).await?;
        Ok(Box::new(CountingSubscription { inner, given: self.given.clone() }))
    }

    async fn lag(&self) -> platform::Result<Vec<Lag>> {
        self.inner.lag().await
    }

    async fn sweep(&self, before: DateTime<Utc>) -> platform::Result<u64> {
        self.inner.sweep(before).await
    }
}

#[async_trait]
impl Subscription for CountingSubscription {
    async fn next(&mut self) -> platform::Result<Vec<Delivery>> {
        let deliveries = self.inner.next().await?;
        self.given.fetch_add(deliveries.len(), Ordering::SeqCst);
        Ok(deliveries)
    }

    async fn commit(&mut self, position: i64) -> platform::Result<()> {
        self.inner.commit(position).await
    }

    async fn bury(&mut self, delivery: &Delivery, why: &str) -> platform::Result<()> {
        self.inner.bury(delivery, why).await
    }
}
