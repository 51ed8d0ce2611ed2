//! The worker loop: how often it tries, when it gives up, how much it does at once.

use super::{Did, Handler, Harness, LONG, MAIL, MOMENT, next, one, quick, stands, stop, task, worker};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use futures_util::FutureExt as _;
use platform::{
    Error, Platform,
    tasks::{Limits, Outcome},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        all_are_done,
        what_was_asked_for_before_is_done,
        what_fails_is_tried_and_put_aside,
        what_works_at_last_is_done,
        what_is_unavailable_is_tried_on,
        patience_ends,
        what_can_never_be_done_is_tried_once,
        a_panic_is_a_failed_try,
        so_many_at_once_and_no_more,
        long_work_keeps_its_lease,
        the_end_of_the_process_is_not_a_try,
        what_ends_its_process_is_put_aside,
    ]
    .into()
}

async fn ask(harness: &dyn Harness, platform: &Platform, count: usize) -> Result<Vec<String>> {
    let keys: Vec<_> = (0..count).map(|n| format!("{n:03}")).collect();
    for key in &keys {
        harness.add(platform, task(platform, MAIL, key)).await?;
    }
    Ok(keys)
}

async fn all_are_done(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let did = worker(harness, &platform, quick(), |_| Ok(()));
    let keys = ask(harness, &platform, 50).await?;
    did.reaches(50).await?;
    stands(&platform, 0, 0).await?;
    ensure!(did.sorted() == keys, "{:?}", did.sorted());
    stop(platform).await;
    Ok(())
}

async fn what_was_asked_for_before_is_done(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let keys = ask(harness, &platform, 20).await?;
    stop(platform).await;
    let platform = harness.start().await?;
    let did = worker(harness, &platform, quick(), |_| Ok(()));
    did.reaches(20).await?;
    stands(&platform, 0, 0).await?;
    ensure!(did.sorted() == keys, "{:?}", did.sorted());
    stop(platform).await;
    Ok(())
}

async fn what_fails_is_tried_and_put_aside(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let did = worker(harness, &platform, quick(), |_| Err(Error::internal("broken")));
    ask(harness, &platform, 2).await?;
    stands(&platform, 0, 2).await?;
    ensure!(did.keys().len() == 6, "{:?}", did.keys());
    stop(platform).await;
    Ok(())
}

async fn what_works_at_last_is_done(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let did = worker(harness, &platform, quick(), |task| match task.tries {
        1 | 2 => Err(Error::conflict("not yet")),
        _ => Ok(()),
    });
    ask(harness, &platform, 1).await?;
    did.reaches(3).await?;
    stands(&platform, 0, 0).await?;
    stop(platform).await;
    Ok(())
}

async fn what_is_unavailable_is_tried_on(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let did = worker(harness, &platform, quick(), |task| match task.attempt {
        1..=6 => Err(Error::timeout("down")),
        _ => Ok(()),
    });
    ask(harness, &platform, 1).await?;
    did.reaches(7).await?;
    stands(&platform, 0, 0).await?;
    stop(platform).await;
    Ok(())
}

async fn patience_ends(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let limits = Limits { patience: MOMENT, ..quick() };
    let did = worker(harness, &platform, limits, |_| Err(Error::timeout("down")));
    ask(harness, &platform, 1).await?;
    stands(&platform, 0, 1).await?;
    ensure!(did.keys().len() > 3, "only {} tries in {MOMENT:?}", did.keys().len());
    stop(platform).await;
    Ok(())
}

async fn what_can_never_be_done_is_tried_once(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let did = worker(harness, &platform, quick(), |_| Err(Error::invalid("address", "does not exist")));
    ask(harness, &platform, 1).await?;
    stands(&platform, 0, 1).await?;
    ensure!(did.keys().len() == 1, "{:?}", did.keys());
    stop(platform).await;
    Ok(())
}

async fn a_panic_is_a_failed_try(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let did = worker(harness, &platform, quick(), |task| {
        assert!(task.key != "001", "a fault of the handler");
        Ok(())
    });
    ask(harness, &platform, 3).await?;
    stands(&platform, 0, 1).await?;
    ensure!(did.keys().len() == 5, "{:?}", did.keys());
    stop(platform).await;
    Ok(())
}

/// A worker whose tasks take `time`, and how many were worked on at once at most.
fn slow(harness: &dyn Harness, platform: &Platform, limits: Limits, time: Duration) -> (Did, Arc<AtomicUsize>) {
    let (did, now, most) = (Did::default(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (noted, highest) = (did.clone(), most.clone());
    let handler: Handler = Arc::new(move |task| {
        let (noted, now, highest) = (noted.clone(), now.clone(), highest.clone());
        async move {
            highest.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::time::sleep(time).await;
            now.fetch_sub(1, SeqCst);
            noted.note(&task.key);
            Ok(())
        }
        .boxed()
    });
    harness.work(platform, MAIL, limits, handler);
    (did, most)
}

async fn so_many_at_once_and_no_more(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    ask(harness, &platform, 12).await?;
    let (did, most) = slow(harness, &platform, Limits { parallel: 3, ..quick() }, Duration::from_millis(40));
    did.reaches(12).await?;
    ensure!(most.load(SeqCst) == 3, "{} at once", most.load(SeqCst));
    stop(platform).await;
    Ok(())
}

async fn long_work_keeps_its_lease(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    ask(harness, &platform, 1).await?;
    let lease = Duration::from_millis(150);
    let (did, _) = slow(harness, &platform, Limits { lease, ..quick() }, 5 * lease);
    did.reaches(1).await?;
    stands(&platform, 0, 0).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(did.keys().len() == 1, "done {} times", did.keys().len());
    stop(platform).await;
    Ok(())
}

async fn the_end_of_the_process_is_not_a_try(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    ask(harness, &platform, 1).await?;
    let (did, most) = slow(harness, &platform, quick(), LONG);
    while most.load(SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop(platform).await;
    let platform = harness.start().await?;
    let again = one(&platform, MAIL, LONG).await?;
    ensure!(again.tries == 1 && did.keys().is_empty(), "{again:?}");
    platform.tasks.end(&again, Outcome::Done).await?;
    stop(platform).await;
    Ok(())
}

async fn what_ends_its_process_is_put_aside(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    ask(harness, &platform, 1).await?;
    for _ in 0..3 {
        // as a process that ends in the middle of it
        ensure!(next(&platform, MAIL, Duration::from_millis(5)).await?.len() == 1, "not there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let did = worker(harness, &platform, quick(), |_| Ok(()));
    stands(&platform, 0, 1).await?;
    ensure!(did.keys().is_empty(), "it is tried a fourth time");
    stop(platform).await;
    Ok(())
}
