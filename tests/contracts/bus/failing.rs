//! Events that cannot be handled, now or ever.

use super::{Handler, Harness, Heard, MOMENT, NOTES, listen, number, publish, quick, stop};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use futures_util::FutureExt as _;
use platform::{Error, Platform};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use uuid::Uuid;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        poison_is_put_aside,
        a_panic_is_a_failed_try,
        what_is_unavailable_is_tried_on,
        what_works_at_last_is_not_put_aside,
    ]
    .into()
}

/// A consumer whose event 3 ends as `fate` says for the given try; answers how often it was tried.
fn consume(
    harness: &dyn Harness,
    platform: &Platform,
    fate: impl Fn(u32) -> platform::Result<()> + Send + Sync + 'static,
) -> (Heard, Arc<AtomicU32>) {
    let (heard, tries) = (Heard::default(), Arc::new(AtomicU32::new(0)));
    let (noted, counted, fate) = (heard.clone(), tries.clone(), Arc::new(fate));
    let handler: Handler = Arc::new(move |delivery| {
        let (noted, counted, fate) = (noted.clone(), counted.clone(), fate.clone());
        async move {
            if number(&delivery) == 3 {
                fate(counted.fetch_add(1, Ordering::SeqCst) + 1)?;
            }
            noted.note(&delivery);
            Ok(())
        }
        .boxed()
    });
    harness.consume(platform, "group", NOTES, quick(), handler);
    (heard, tries)
}

/// Six events of two aggregates; the third belongs to the first of them.
async fn publish_six(platform: &Platform) -> Result<()> {
    publish(platform, NOTES, (1..=6).map(|number| (number, u128::from(number % 2)))).await
}

async fn poison_is_put_aside(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let (heard, tries) = consume(harness, &platform, |_| Err(Error::conflict("never")));
    publish_six(&platform).await?;
    heard.reaches(5).await?;
    ensure!(heard.sorted() == [1, 2, 4, 5, 6], "{:?}", heard.sorted());
    ensure!(tries.load(Ordering::SeqCst) == 3, "{tries:?} tries");
    tokio::time::sleep(MOMENT).await;
    ensure!(
        harness.buried(&platform, "group").await? == [3],
        "{:?} is put aside",
        harness.buried(&platform, "group").await?
    );
    ensure!(harness.buried(&platform, "other").await?.is_empty(), "for a group that has not heard of it");
    let metrics = platform.metrics.text()?;
    ensure!(metrics.contains("dead_letters_total{group=\"group\""), "nobody is told:\n{metrics}");
    stop(platform).await;

    let platform = harness.start().await?;
    let again = listen(harness, &platform, "group");
    publish(&platform, NOTES, [(7, 1)]).await?;
    again.reaches(1).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(again.numbers() == [7], "{:?}", again.numbers());
    stop(platform).await;
    Ok(())
}

async fn a_panic_is_a_failed_try(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let (heard, tries) = consume(harness, &platform, |_| std::panic::resume_unwind(Box::new("a fault")));
    publish_six(&platform).await?;
    heard.reaches(5).await?;
    ensure!(tries.load(Ordering::SeqCst) == 3, "{tries:?} tries");
    tokio::time::sleep(MOMENT).await;
    ensure!(harness.buried(&platform, "group").await? == [3], "{:?}", harness.buried(&platform, "group").await?);

    // outside the future it returns
    let later = Heard::default();
    let noted = later.clone();
    let handler: Handler = Arc::new(move |delivery| {
        if number(&delivery) == 3 {
            std::panic::resume_unwind(Box::new("a fault"));
        }
        noted.note(&delivery);
        async { Ok(()) }.boxed()
    });
    harness.consume(&platform, "other", NOTES, quick(), handler);
    later.reaches(5).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(later.sorted() == [1, 2, 4, 5, 6], "{:?}", later.sorted());
    stop(platform).await;
    Ok(())
}

async fn what_is_unavailable_is_tried_on(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let (heard, tries) = consume(harness, &platform, |tries| match tries {
        1..=3 => Err(Error::unavailable("not yet")),
        4..=6 => Err(Error::timeout("not yet")),
        7 => Err(Error::conflict("a try of its own")),
        _ => Ok(()),
    });
    publish_six(&platform).await?;
    heard.reaches(6).await?;
    ensure!(tries.load(Ordering::SeqCst) == 8, "{tries:?} tries");
    let odd = heard.by_aggregate().remove(&Uuid::from_u128(1));
    ensure!(odd.as_deref() == Some(&[1, 3, 5]), "{odd:?} is out of order");
    ensure!(harness.buried(&platform, "group").await?.is_empty(), "put aside");
    stop(platform).await;
    Ok(())
}

async fn what_works_at_last_is_not_put_aside(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let (heard, tries) =
        consume(harness, &platform, |tries| if tries < 3 { Err(Error::conflict("not yet")) } else { Ok(()) });
    publish_six(&platform).await?;
    heard.reaches(6).await?;
    ensure!(tries.load(Ordering::SeqCst) == 3, "{tries:?} tries");
    ensure!(harness.buried(&platform, "group").await?.is_empty(), "put aside");
    stop(platform).await;
    Ok(())
}
