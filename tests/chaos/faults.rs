//! The faults that are no kills, short: `make chaos` has them long.

use super::{
    disk, erasure, far, heavy, outside, power, renewal,
    storms::{self, Deaf},
};
use crate::harness::Binary;
use anyhow::{Result, ensure};
use std::{
    io::Write as _,
    time::{Duration, Instant},
};

/// So many readers stand still, and may cost the process so many bytes each: an answer of theirs is several
/// times as long.
const STALLED: usize = 100;
const MOST: u64 = 240 << 10;
/// What the kernel may hold for one of them.
const UNSENT: u64 = 256 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_in_order_loses_nothing() -> Result<()> {
    let counted = outside::drained(11, 8).await?;
    ensure!(counted.rounds == 8 && counted.pieces > 100, "{counted:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standing_still_for_a_while_loses_nothing() -> Result<()> {
    let counted = outside::paused(12, 1, Duration::from_secs(3)).await?;
    ensure!(counted.pieces > 50, "{counted:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_decides_nothing() -> Result<()> {
    match outside::out_of_time(13, 3).await? {
        Some(counted) => ensure!(counted.pieces > 100, "{counted:?}"),
        None => writeln!(std::io::stderr(), "SKIPPED clock jumps: install libfaketime")?,
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_processors_take_no_answer_away() -> Result<()> {
    let counted = outside::hogged(15, Duration::from_secs(5)).await?;
    ensure!(counted.pieces > 100, "{counted:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_fails_nobody() -> Result<()> {
    let asked = renewal::renewed(1).await?;
    ensure!(asked > 100, "{asked}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_out_of_memory_is_a_kill() -> Result<()> {
    match outside::starved(14, 2).await? {
        Some(counted) => ensure!(counted.pieces > 50, "{counted:?}"),
        None => writeln!(std::io::stderr(), "SKIPPED too little memory: only root may bound it")?,
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_to_an_answer_has_more_of_it() -> Result<()> {
    let waits = storms::resumes(30).await?;
    ensure!(waits.len() == 30, "{waits:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_in_the_middle_of_an_answer_stays_erased() -> Result<()> {
    erasure::erased(1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_acknowledges_nothing_and_recovers() -> Result<()> {
    if !disk::full().await? {
        writeln!(std::io::stderr(), "SKIPPED the full disk: only root may mount a small one")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_takes_nothing_that_was_acknowledged() -> Result<()> {
    match power::cut(16, 6, Instant::now() + Duration::from_secs(60)).await? {
        Some(cuts) => ensure!(
            cuts.violations.is_empty() && cuts.cuts >= 6 && cuts.lost > 50 && cuts.counted.pieces > 100,
            "{cuts:#?}"
        ),
        None => writeln!(std::io::stderr(), "SKIPPED power cuts: they need root and /dev/fuse")?,
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_sync_ends_the_process_and_loses_nothing() -> Result<()> {
    if power::does_not_sync(Binary::Shipped, "", 17, 2).await?.is_none() {
        writeln!(std::io::stderr(), "SKIPPED a disk that does not sync: it needs root and /dev/fuse")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_sync_the_database_loses_nothing() -> Result<()> {
    if power::does_not_sync_the_database(19, 2).await?.is_none() {
        writeln!(std::io::stderr(), "SKIPPED a disk that does not sync the database: it needs root and /dev/fuse")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_sync_what_was_shown_ends_the_process() -> Result<()> {
    if power::does_not_sync_answers(20, 2).await?.is_none() {
        writeln!(std::io::stderr(), "SKIPPED a disk that does not sync answers: it needs root and /dev/fuse")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_loses_nothing() -> Result<()> {
    if power::does_not_write_answers(2).await?.is_none() || power::does_not_write(18, 2).await?.is_none() {
        writeln!(std::io::stderr(), "SKIPPED a disk that does not write: it needs root and /dev/fuse")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_not_served() -> Result<()> {
    disk::damaged().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shortened_log_leaves_a_whole_database() -> Result<()> {
    disk::shortened().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_reader_holds_nobody_up() -> Result<()> {
    let grown = disk::long_reader(12).await?;
    ensure!(grown.longest >= 12 << 20 && grown.writes.len() > 8, "{grown:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_the_door_stays() -> Result<()> {
    storms::descriptors().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_readers_at_once_come_back() -> Result<()> {
    storms::reconnects(150).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_do_not_read_hold_no_memory() -> Result<()> {
    for deaf in [Deaf::Streams, Deaf::Feeds] {
        let cost = storms::stalled(STALLED, deaf).await?;
        ensure!(cost.process <= MOST * STALLED as u64 && cost.kernel <= UNSENT, "{deaf:?}: {cost:?}");
    }
    // no stream: it is held whole, and once
    let cost = storms::stalled(20, Deaf::Chats).await?;
    ensure!(cost.process <= 2 * 20 * cost.size && cost.kernel <= UNSENT, "{cost:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_bad_links_everything_arrives_once() -> Result<()> {
    let crossed = far::links(15, 150, false).await?;
    ensure!(crossed.readers == 10 && crossed.cut_off > 10 && crossed.events > 1000, "{crossed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_gone_without_a_word_holds_nothing() -> Result<()> {
    far::gone("4").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_things_of_one_person_have_limits_with_names() -> Result<()> {
    let beside = heavy::heavy(1_000, 1, Duration::from_secs(1)).await?;
    ensure!(beside.answers.contains_key(&200) && beside.answers.contains_key(&413), "{beside}");
    ensure!(beside.ratios(50).iter().all(|ratio| ratio.is_finite()), "{beside}");
    Ok(())
}
