//! Who gets which task, when, and for how long.

use super::{Harness, LONG, MAIL, MOMENT, OTHER, next, one, stands, stop, task};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use chrono::TimeDelta;
use futures_util::future::try_join_all;
use platform::{
    Code,
    tasks::{Outcome, Task},
};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        everything_of_a_task_arrives,
        each_is_taken_once,
        queues_are_told_apart,
        the_same_key_is_one_task,
        a_done_one_is_not_done_again,
        not_before_it_is_due,
        who_waits_is_woken,
        one_worker_at_a_time,
        a_lease_ends,
        a_kept_lease_does_not_end,
        an_earlier_holder_is_refused,
        what_a_dead_process_held_is_free,
        again_comes_after_its_pause,
        what_does_not_count_is_not_counted,
        buried_is_not_taken_again,
        the_oldest_comes_first,
    ]
    .into()
}

async fn everything_of_a_task_arrives(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let now = platform.clock.now();
    let asked = Task::new(MAIL, "k".repeat(200), Uuid::from_u128(9), (0..=255).cycle().take(64 << 10).collect(), now);
    ensure!(harness.add(&platform, asked.clone()).await?, "not a new one");
    let taken = one(&platform, MAIL, LONG).await?;
    ensure!(taken.key == asked.key && taken.space == asked.space && taken.payload == asked.payload, "changed");
    ensure!(taken.added == now && taken.attempt == 1 && taken.tries == 1 && taken.queue == MAIL, "{taken:?}");
    for wrong in [
        Task { key: String::new(), ..asked.clone() },
        Task { key: "k".repeat(201), ..asked.clone() },
        Task { payload: vec![0; (64 << 10) + 1], key: "large".into(), ..asked },
    ] {
        ensure!(harness.add(&platform, wrong).await.is_err(), "past its limits");
    }
    stop(platform).await;
    Ok(())
}

async fn each_is_taken_once(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    for n in 0..60 {
        harness.add(&platform, task(&platform, MAIL, &format!("{n:02}"))).await?;
    }
    let takers = (0..6).map(|_| next(&platform, MAIL, LONG));
    let mut taken: Vec<_> = try_join_all(takers).await?.into_iter().flatten().map(|task| task.key).collect();
    taken.sort();
    ensure!(taken.iter().cloned().eq((0..60).map(|n| format!("{n:02}"))), "{taken:?}");
    stop(platform).await;
    Ok(())
}

async fn queues_are_told_apart(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    ensure!(harness.add(&platform, task(&platform, MAIL, "a")).await?, "not new");
    ensure!(harness.add(&platform, task(&platform, OTHER, "a")).await?, "the key of another queue counts");
    let taken = one(&platform, MAIL, LONG).await?;
    platform.tasks.end(&taken, Outcome::Done).await?;
    one(&platform, OTHER, LONG).await?;
    stop(platform).await;
    Ok(())
}

async fn the_same_key_is_one_task(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    ensure!(harness.add(&platform, task(&platform, MAIL, "a")).await?, "not new");
    ensure!(!harness.add(&platform, task(&platform, MAIL, "a")).await?, "asked for twice");
    one(&platform, MAIL, LONG).await?;
    ensure!(!harness.add(&platform, task(&platform, MAIL, "a")).await?, "asked for while it is done");
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "taken twice");
    stop(platform).await;
    Ok(())
}

async fn a_done_one_is_not_done_again(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    let taken = one(&platform, MAIL, Duration::from_millis(50)).await?;
    platform.tasks.end(&taken, Outcome::Done).await?;
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "taken again");
    stop(platform).await;
    let platform = harness.start().await?;
    ensure!(!harness.add(&platform, task(&platform, MAIL, "a")).await?, "forgotten by a restart");
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "taken again after a restart");
    stands(&platform, 0, 0).await?;
    stop(platform).await;
    Ok(())
}

async fn not_before_it_is_due(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let later = platform.clock.now() + TimeDelta::milliseconds(400);
    harness.add(&platform, task(&platform, MAIL, "later").due(later)).await?;
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "too early");
    let taken = tokio::time::timeout(2 * MOMENT + MOMENT, platform.tasks.take(MAIL, LONG, 1)).await??;
    ensure!(platform.clock.now() >= later && taken.len() == 1, "too early");
    stop(platform).await;
    Ok(())
}

async fn who_waits_is_woken(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    for n in 0..5 {
        let (tasks, began) = (platform.tasks.clone(), Instant::now());
        let waiting = tokio::spawn(async move { tasks.take(MAIL, LONG, 1).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        harness.add(&platform, task(&platform, MAIL, &n.to_string())).await?;
        waiting.await??;
        ensure!(began.elapsed() < Duration::from_secs(3), "woken after {:?}", began.elapsed());
    }
    stop(platform).await;
    Ok(())
}

async fn one_worker_at_a_time(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    one(&platform, MAIL, LONG).await?;
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "two workers have it");
    stop(platform).await;
    Ok(())
}

async fn a_lease_ends(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    one(&platform, MAIL, Duration::from_millis(100)).await?;
    let second = tokio::time::timeout(Duration::from_secs(1), platform.tasks.take(MAIL, LONG, 1)).await??;
    ensure!(second.iter().all(|task| task.attempt == 2 && task.tries == 2), "{second:?}");
    stop(platform).await;
    Ok(())
}

async fn a_kept_lease_does_not_end(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    let taken = one(&platform, MAIL, MOMENT).await?;
    for _ in 0..3 {
        platform.tasks.keep(&taken, MOMENT * 2).await?;
        ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "another one has it");
    }
    platform.tasks.end(&taken, Outcome::Done).await?;
    stop(platform).await;
    Ok(())
}

async fn an_earlier_holder_is_refused(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    let first = one(&platform, MAIL, Duration::from_millis(20)).await?;
    tokio::time::sleep(Duration::from_millis(40)).await;
    let second = one(&platform, MAIL, LONG).await?;
    let stale = |outcome: platform::Result<()>| outcome.is_err_and(|error| error.code() == Code::Stale);
    ensure!(stale(platform.tasks.keep(&first, LONG).await), "an earlier holder keeps it");
    for outcome in [Outcome::Done, Outcome::Buried { why: "no".into() }] {
        ensure!(stale(platform.tasks.end(&first, outcome).await), "an earlier holder ends it");
    }
    stands(&platform, 1, 0).await?;
    platform.tasks.end(&second, Outcome::Done).await?;
    ensure!(stale(platform.tasks.end(&second, Outcome::Done).await), "it ends twice");
    stop(platform).await;
    Ok(())
}

async fn what_a_dead_process_held_is_free(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    one(&platform, MAIL, LONG).await?;
    stop(platform).await;
    let platform = harness.start().await?;
    let again = one(&platform, MAIL, LONG).await?;
    ensure!(again.attempt == 2, "{again:?}");
    stop(platform).await;
    Ok(())
}

async fn again_comes_after_its_pause(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    let taken = one(&platform, MAIL, LONG).await?;
    let pause = MOMENT * 2;
    platform.tasks.end(&taken, Outcome::Again { after: pause, counts: true, why: "later".into() }).await?;
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "too early");
    let again = tokio::time::timeout(pause, platform.tasks.take(MAIL, LONG, 1)).await??;
    ensure!(again.iter().all(|task| task.payload == taken.payload && task.tries == 2), "{again:?}");
    stop(platform).await;
    Ok(())
}

async fn what_does_not_count_is_not_counted(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    for attempt in 1..5 {
        let taken = one(&platform, MAIL, LONG).await?;
        ensure!(taken.attempt == attempt && taken.tries == 1, "{taken:?}");
        let again = Outcome::Again { after: Duration::ZERO, counts: false, why: "down".into() };
        platform.tasks.end(&taken, again).await?;
    }
    stop(platform).await;
    Ok(())
}

async fn buried_is_not_taken_again(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    harness.add(&platform, task(&platform, MAIL, "a")).await?;
    let taken = one(&platform, MAIL, Duration::from_millis(50)).await?;
    platform.tasks.end(&taken, Outcome::Buried { why: "no such address".into() }).await?;
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "taken again");
    stop(platform).await;
    let platform = harness.start().await?;
    ensure!(next(&platform, MAIL, LONG).await?.is_empty(), "taken again after a restart");
    stands(&platform, 0, 1).await?;
    stop(platform).await;
    Ok(())
}

async fn the_oldest_comes_first(harness: &dyn Harness) -> Result<()> {
    let platform = harness.start().await?;
    let now = platform.clock.now();
    for (key, age) in [("young", 1), ("old", 3), ("middle", 2)] {
        harness.add(&platform, task(&platform, MAIL, key).due(now - TimeDelta::seconds(age))).await?;
    }
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.extend(platform.tasks.take(MAIL, LONG, 1).await?.into_iter().map(|task| task.key));
    }
    ensure!(taken == ["old", "middle", "young"], "{taken:?}");
    stop(platform).await;
    Ok(())
}
