//! Readers that break a promise.

use super::Fault;
use async_trait::async_trait;
use platform::{
    Result,
    streams::{Item, Reading},
};
use std::time::Duration;

/// `before`: how many readers the stream has had already.
pub fn broken(inner: Box<dyn Reading>, fault: Fault, before: u32) -> Box<dyn Reading> {
    Box::new(BrokenReading { inner, fault, before })
}

struct BrokenReading {
    inner: Box<dyn Reading>,
    fault: Fault,
    before: u32,
}

#[async_trait]
impl Reading for BrokenReading {
    async fn next(&mut self) -> Result<Item> {
        match self.fault {
            Fault::OneReader if self.before > 0 => std::future::pending().await,
            Fault::NeverWaits => {
                let next = tokio::time::timeout(Duration::from_millis(10), self.inner.next());
                next.await.unwrap_or(Ok(Item::Freed))
            }
            Fault::LosesDroppedCalls => {
                let item = self.inner.next().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
                item
            }
            Fault::OneEpoch => Ok(match self.inner.next().await? {
                Item::Batch(mut batch) => {
                    batch.epoch = 7;
                    Item::Batch(batch)
                }
                Item::Lost { first, next, .. } => Item::Lost { epoch: 7, first, next },
                Item::Freed => Item::Freed,
            }),
            Fault::AnyPositionWillDo => match self.inner.next().await? {
                Item::Lost { .. } => self.inner.next().await,
                item => Ok(item),
            },
            Fault::SlowReadersSkip => {
                let mut item = self.inner.next().await?;
                if let Item::Batch(batch) = &mut item {
                    let late = batch.entries.len().saturating_sub(20);
                    batch.entries.drain(..late);
                }
                Ok(item)
            }
            _ => self.inner.next().await,
        }
    }
}
