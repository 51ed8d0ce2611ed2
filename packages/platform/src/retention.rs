//! What is kept for a while and then goes by itself: events that everybody has had. (The log of running
//! answers forgets an answer some minutes after its end, see `streams::Options`.)

use crate::Platform;
use chrono::TimeDelta;
use std::time::Duration;

/// Readers have all begun by then.
const FIRST: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(3600);

/// Deletes events older than `days` that every reader has had, now and then, until the process drains.
pub fn keep(platform: &Platform, days: u32) {
    let (bus, clock) = (platform.bus.clone(), platform.clock.clone());
    platform.background.spawn_until_drained(async move {
        tokio::time::sleep(FIRST).await;
        loop {
            match bus.sweep(clock.now() - TimeDelta::days(days.into())).await {
                Ok(0) => {}
                Ok(events) => tracing::info!(events, days, "old events are deleted"),
                Err(error) => tracing::warn!(%error, "old events could not be deleted; trying again later"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
}
