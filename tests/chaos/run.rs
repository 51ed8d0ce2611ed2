//! The long run: kills first, then the other faults, each noted on the card.

use crate::{
    chaos::{disk, outside, storms},
    harness::Binary,
    mutants_found, overload,
    scorecard::{Area, Card},
    setting, sums,
};
use anyhow::{Result, ensure};
use std::{
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub async fn chaos() -> Result<()> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let seed = setting("TAIFAS_SEED", now % 1_000_000_007)?;
    let kills = usize::try_from(setting("TAIFAS_CHAOS_KILLS", 60)?)?;
    let minutes = setting("TAIFAS_CHAOS_MINUTES", 55)?;
    let (start, all) = (Instant::now(), Duration::from_secs(minutes * 60));
    println!("TAIFAS_SEED={seed}, {kills} kills a point, at most {minutes} minutes");
    let part = |percent: u32| start + all * percent / 100;
    let card = Card::default();

    let (mut sum, fewest, rarest) = sums::at_points(seed, kills, part(60)).await;
    let random = sums::at_random(seed, (1000usize.saturating_sub(sum.kills)).max(kills), part(75)).await;
    let random_kills = random.kills;
    sum.add(random);
    for area in [Area::Acknowledged, Area::Effects, Area::Replies, Area::Isolation] {
        card.broken(area, &sum.violations);
    }
    let counted = sum.counted;
    card.counted(Area::Acknowledged, "kills", sum.kills, 1000);
    card.counted(Area::Acknowledged, "acknowledged sends", counted.acknowledged, 10_000);
    card.counted(Area::Acknowledged, &format!("kills at the rarest point, {rarest}"), fewest, kills.max(60));
    card.counted(Area::Effects, "answers whose effects were counted", counted.replies, 20_000);
    card.counted(Area::Effects, "requests without an answer, asked again", counted.unanswered, 1000);
    card.counted(Area::Replies, "answers read to their end", counted.replies, 10_000);
    card.counted(Area::Replies, "pieces read", counted.pieces, 1_000_000);
    card.counted(Area::Replies, "connections of readers", counted.connections, 20_000);
    card.counted(Area::Isolation, "rounds of two people", counted.rounds, 1000);

    // as many as fit: a quarter of the time is theirs
    let times = usize::try_from(minutes.clamp(4, 20))?;
    of_disks(&card).await;
    of_crowds(&card, seed, times).await;
    of_storms(&card, if minutes < 10 { 500 } else { 2000 }).await;
    card.not_run(Area::Acknowledged, "F23 power cuts, F25 errors of fsync");
    card.not_run(Area::Isolation, "F52 erasure while an answer is written");
    card.not_run(Area::Drain, "F46 migrations killed");
    card.not_run(Area::Drain, "F50 certificates");
    card.not_run(Area::Backup, "F47 drill under load");
    card.not_run(Area::Simulation, "simulated seeds");
    let (found, mutants) = mutants_found().await?;
    card.counted(Area::Simulation, "seeded faults found", found, mutants);

    let head = format!(
        "Seed {seed}; {:.0} minutes; {} kills ({random_kills} of {} at random); {} requests of {} rounds had no \
         answer at first. Dependencies (F19–F21, F26–F31) and partitions (F36) are none in one process.",
        start.elapsed().as_secs_f64() / 60.0,
        sum.kills,
        build(Binary::Shipped)?,
        counted.unanswered,
        counted.rounds,
    );
    let table = card.table(&head);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/chaos");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("scorecard.md"), &table)?;
    println!("\n{table}");
    ensure!(card.is_whole() && found == mutants, "promises were broken: see the scorecard");
    Ok(())
}

/// Which build that is: the folder it lies in.
fn build(binary: Binary) -> Result<String> {
    let path = binary.path()?;
    let profile = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    Ok(format!("the shipped program, {profile} build"))
}

/// What happens to the disk.
async fn of_disks(card: &Card) {
    let full = card.tried(Area::Acknowledged, "F24 full disk", disk::full().await).unwrap_or_default();
    card.held(Area::Acknowledged, format!("F24 full disk{}", if full { "" } else { ": not run, only root may" }), full);
    let damaged = card.tried(Area::Backup, "F48 damaged database", disk::damaged().await).is_some();
    let shortened = card.tried(Area::Backup, "F48 shortened log", disk::shortened().await).is_some();
    card.held(Area::Backup, "F48 damage is refused", damaged && shortened);
    let long = card.tried(Area::Overload, "F22 long reader", disk::long_reader(96).await);
    card.held(Area::Overload, format!("F22 write-ahead log of {long:?} bytes behind a reader"), long.is_some());
}

/// What the same people judge.
async fn of_crowds(card: &Card, seed: u64, times: usize) {
    let drained = card.tried(Area::Drain, "F17 ends in order", outside::drained(seed, times).await);
    card.counted(Area::Drain, "F17 ends in order under load", drained.map_or(0, |counted| counted.rounds), 20);
    let paused = card.tried(Area::Clock, "F18 stands still", outside::paused(seed, 4, Duration::from_secs(20)).await);
    card.counted(Area::Clock, "F18 pauses", paused.map_or(0, |counted| counted.rounds), 4);
    let clock = card.tried(Area::Clock, "F38 clock jumps", outside::out_of_time(seed, times).await).flatten();
    card.counted(Area::Clock, "F38 schedules of clock jumps", clock.map_or(0, |counted| counted.rounds), 200);
    let starved = card.tried(Area::Overload, "F43 no memory", outside::starved(seed, times / 2).await);
    card.held(Area::Overload, "F43 no memory", starved.is_some());
}

/// Too many of something.
async fn of_storms(card: &Card, readers: usize) {
    let storm = card.tried(Area::Resume, "F40 reconnect storm", storms::reconnects(readers).await);
    card.held(
        Area::Resume,
        format!("F40 {readers} readers cut at once, all back after {storm:?}"),
        storm.is_some_and(|took| took <= Duration::from_secs(30)),
    );
    card.counted(Area::Resume, "readers", readers, 2000);
    card.not_run(Area::Resume, "F37 half-open and slow links");
    let descriptors = card.tried(Area::Overload, "F45 no descriptors", storms::descriptors().await);
    card.held(Area::Overload, "F45 no descriptors", descriptors.is_some());
    let stalled = card.tried(Area::Overload, "F42 stalled readers", storms::stalled(500).await);
    card.held(
        Area::Overload,
        format!("F42 500 stalled readers: {stalled:?} bytes more"),
        stalled.is_some_and(|bytes| bytes <= 64 << 20),
    );
    let goodput = card.tried(Area::Overload, "F41 overload", overload::overload(Duration::from_secs(15)).await);
    card.held(Area::Overload, format!("F41 {goodput:?}"), goodput.as_ref().is_some_and(enough));
    card.not_run(Area::Overload, "F49 one person's very many things");
}

/// The target of F41.
fn enough(goodput: &overload::Goodput) -> bool {
    let share = |times| {
        goodput.offered.iter().find(|(offered, _)| *offered == times).map_or(0.0, |(_, rate)| rate / goodput.peak)
    };
    share(2) >= 0.9 && share(5) >= 0.8 && goodput.after >= 0.9 * goodput.peak && goodput.wrong == 0
}
