//! The cache in memory, on a clock that the test moves.

use super::{CHECKS, Harness};
use crate::suite::passes;
use platform::cache::{Cache, MemoryCache};
use std::time::Duration;

#[derive(Default)]
pub struct InMemory(MemoryCache);

#[async_trait::async_trait]
impl Harness for InMemory {
    fn cache(&self) -> &dyn Cache {
        &self.0
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_the_contract() -> anyhow::Result<()> {
    passes(CHECKS, || Ok(Box::new(InMemory::default()))).await
}
