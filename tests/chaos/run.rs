//! The long run: what is done, for how long, and what each of it says on the card.

use crate::{
    chaos::{disk, erasure, heavy::part, outside, platter, power, renewal},
    drill,
    harness::Binary,
    loads, mutants_found,
    scorecard::{Area, Card},
    setting, soak,
    sums::{self, Sum},
    upgrade,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::task::spawn_blocking;

fn seed() -> Result<u64> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    setting("TAIFAS_SEED", now % 1_000_000_007)
}

/// What a start after a kill may take to be ready: the one in the middle, since many servers share the machine.
const READY: Duration = Duration::from_secs(2);
/// What a write may take behind a long reader.
const WRITE: Duration = Duration::from_millis(250);
/// Histories that are simulated in a full run.
const SEEDS: u64 = 20_000;
/// How long the processors are kept busy.
const MINUTE: Duration = Duration::from_secs(60);

/// `make soak`.
pub async fn soak() -> Result<()> {
    let (seed, minutes) = (seed()?, setting("SOAK_MINUTES", 30)?);
    println!("TAIFAS_SEED={seed}, {minutes} minutes of {}", build(Binary::Shipped)?);
    // a short one does not wait for what is kept ten minutes
    let soaked = soak::soak(Duration::from_secs(minutes * 60), seed, minutes >= 30).await?;
    println!("\n{}", soaked.table());
    ensure!(soaked.violations.is_empty(), "{} broken promises", soaked.violations.len());
    Ok(())
}

/// Power cuts and errors of the disk alone, as many as fit.
pub async fn power() -> Result<()> {
    let minutes = setting("TAIFAS_CHAOS_MINUTES", 55)?;
    let plan = Plan { seed: seed()?, start: Instant::now(), all: Duration::from_secs(minutes * 60), kills: 0 };
    println!("TAIFAS_SEED={}, at most {minutes} minutes", plan.seed);
    let card = Card::default();
    of_power(&card, plan).await;
    println!("{}", card.table(&format!("Seed {}, power alone.", plan.seed)));
    card.unbroken()
}

/// How long everything may take, and how much of it is asked for.
#[derive(Clone, Copy)]
struct Plan {
    seed: u64,
    start: Instant,
    all: Duration,
    /// Kills at each point.
    kills: usize,
}

impl Plan {
    fn at(&self, percent: u32) -> Instant {
        self.start + self.all * percent / 100
    }

    /// So many in a full run of 55 minutes, fewer in a shorter one.
    fn share(&self, full: usize) -> usize {
        let minutes = usize::try_from(self.all.as_secs() / 60).unwrap_or(usize::MAX);
        (full * minutes / 55).clamp(1, full)
    }
}

/// `make chaos`. What waits most of its time goes on side by side; what is measured, alone afterwards.
pub async fn chaos() -> Result<()> {
    let kills = usize::try_from(setting("TAIFAS_CHAOS_KILLS", 60)?)?;
    let minutes = setting("TAIFAS_CHAOS_MINUTES", 55)?;
    let plan = Plan { seed: seed()?, start: Instant::now(), all: Duration::from_secs(minutes * 60), kills };
    println!("TAIFAS_SEED={}, {kills} kills a point, at most {minutes} minutes", plan.seed);
    let card = Card::default();

    let ((at_points, rarest), random, (), (), (), (), ()) = tokio::join!(
        sums::at_points(plan.seed, kills, plan.share(sums::ROUNDS).max(2), plan.at(75)),
        sums::at_random(plan.seed, plan.at(75)),
        of_crowds(&card, plan),
        of_machines(&card, plan),
        of_length(&card, plan),
        of_power(&card, plan),
        of_histories(&card),
    );
    let random_kills = random.kills;
    let mut sum = at_points;
    sum.add(random);
    of_kills(&card, plan, &sum, rarest);
    println!("after {:.0} minutes, alone", plan.start.elapsed().as_secs_f64() / 60.0);
    let hogged = card.tried(Area::Overload, "F44 busy processors", outside::hogged(plan.seed, MINUTE).await);
    card.held(Area::Overload, "F44 busy processors take no answer away", hogged.is_some());
    of_a_long_reader(&card, if minutes < 10 { 96 } else { 1024 }).await;
    loads::run(&card, if minutes < 10 { 500 } else { 2000 }).await;
    // where many share the machine, some are told to come again, whether anything ends or not
    let drained = card.tried(Area::Drain, "F17 ends in order", outside::drained(plan.seed, plan.share(20)).await);
    card.counted(Area::Drain, "F17 ends in order under load", drained.map_or(0, |counted| counted.rounds), 20);
    let renewals = plan.share(20);
    let renewed = card.tried(Area::Drain, "F50 certificates", renewal::renewed(renewals).await);
    card.counted(Area::Drain, "F50 certificates renewed under load", renewed.map_or(0, |_| renewals), 20);
    let (found, mutants) = mutants_found().await?;
    card.counted(Area::Simulation, "seeded faults found", found, mutants);

    let counted = sum.counted;
    let head = format!(
        "Seed {}; {:.0} minutes; {} kills, {} at points of the {}, {random_kills} at random of the {}; {} requests of {} \
         rounds had no answer at first. Dependencies (F19–F21, F26–F31) and partitions (F36) are none in one process.",
        plan.seed,
        plan.start.elapsed().as_secs_f64() / 60.0,
        sum.kills,
        sum.kills - random_kills,
        build(Binary::Failpoints)?,
        build(Binary::Shipped)?,
        counted.unanswered,
        counted.rounds,
    );
    let table = card.table(&head);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/chaos");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("scorecard.md"), &table)?;
    println!("\n{table}");
    ensure!(found == mutants, "{} seeded faults are not found", mutants - found);
    card.verdict()
}

/// Which build that is: the folder it lies in.
fn build(binary: Binary) -> Result<String> {
    let path = binary.path()?;
    let profile = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(format!("{profile} build ({name})"))
}

/// What the kills have shown.
fn of_kills(card: &Card, plan: Plan, sum: &Sum, (fewest, rarest): (usize, &str)) {
    for area in [Area::Acknowledged, Area::Effects, Area::Replies, Area::Isolation] {
        card.broken(area, &sum.violations);
    }
    let counted = sum.counted;
    card.counted(Area::Acknowledged, "kills", sum.kills, 1000);
    card.counted(Area::Acknowledged, "acknowledged sends", counted.acknowledged, 10_000);
    card.counted(Area::Acknowledged, &format!("kills at the rarest point, {rarest}"), fewest, plan.kills.max(60));
    card.counted(Area::Effects, "answers whose effects were counted", counted.replies, 20_000);
    card.counted(Area::Effects, "requests without an answer, asked again", counted.unanswered, 1000);
    let (usual, most) = (part(&sum.starts, 50), part(&sum.starts, 99));
    let ready = format!("ready {usual:?} after a start in the middle of {}, {most:?} at p99", sum.starts.len());
    card.held(Area::Replies, ready, !sum.starts.is_empty() && usual <= READY);
    card.counted(Area::Replies, "answers read to their end", counted.replies, 10_000);
    card.counted(Area::Replies, "tokens read at their place", counted.pieces, 1_000_000);
    card.counted(Area::Replies, "connections of readers", counted.connections, 20_000);
    card.counted(Area::Isolation, "rounds of two people", counted.rounds, 1000);
    card.counted(Area::Isolation, "tokens that came to somebody, all of them their own", counted.heard, 1_000_000);
}

/// What happens to the machine, one after the other.
async fn of_machines(card: &Card, plan: Plan) {
    of_disks(card).await;
    let kills = card.tried(Area::Drain, "F46 migrations killed", upgrade::killed_at_steps().await);
    card.counted(Area::Drain, "F46 migrations killed at a step, which went on", kills.unwrap_or_default(), 26);
    let older = card.tried(Area::Drain, "F46 older releases", upgrade::older_releases().await);
    card.held(Area::Drain, format!("F46 data of {older:?} older releases is opened"), older.is_some());
    let drill = card.tried(Area::Backup, "F47 drill", drill::drill(32, Duration::from_secs(12)).await);
    if let Some(drill) = &drill {
        println!("{drill:?}");
    }
    let said = drill.as_ref().map(|drill| {
        format!(
            "{:.1} s lost, {:.1} s until it served, {:.2} GiB",
            drill.rpo.as_secs_f64(),
            drill.rto.as_secs_f64(),
            drill.gigabytes
        )
    });
    card.held(
        Area::Backup,
        format!("F47 lost under load and restored: {}", said.unwrap_or_default()),
        drill.is_some_and(|drill| drill.holds()),
    );
    let erased = card.tried(Area::Isolation, "F52 erasures", erasure::erased(plan.share(20)).await);
    card.counted(
        Area::Isolation,
        "F52 accounts erased in the middle of an answer and a backup",
        erased.unwrap_or_default(),
        20,
    );
}

/// What only shows after long.
async fn of_length(card: &Card, plan: Plan) {
    let soaked = soak::soak(plan.all * 56 / 100, plan.seed, false).await;
    if let Some(soaked) = card.tried(Area::Overload, "F51 soak", soaked) {
        println!("{}", soaked.table());
        card.broken(Area::Overload, &soaked.violations);
        card.counted(
            Area::Overload,
            "F51 minutes of soak",
            usize::try_from(soaked.length.as_secs() / 60).unwrap_or_default(),
            30,
        );
    }
}

/// What happens to the disk.
async fn of_disks(card: &Card) {
    let full = card.tried(Area::Acknowledged, "F24 full disk", disk::full().await).unwrap_or_default();
    card.held(Area::Acknowledged, format!("F24 full disk{}", if full { "" } else { ": not run, only root may" }), full);
    let damaged = card.tried(Area::Backup, "F48 damaged database", disk::damaged().await).is_some();
    let shortened = card.tried(Area::Backup, "F48 shortened log", disk::shortened().await).is_some();
    card.held(Area::Backup, "F48 damage is refused", damaged && shortened);
}

/// A reader behind whom the log grows by so many megabytes.
async fn of_a_long_reader(card: &Card, megabytes: usize) {
    let grown = card.tried(Area::Overload, "F22 long reader", disk::long_reader(megabytes).await);
    let said = grown.as_ref().map(|grown| (grown.longest, part(&grown.writes, 50), part(&grown.writes, 99)));
    let (longest, usual, most) = said.unwrap_or_default();
    card.held(
        Area::Overload,
        format!("F22 write-ahead log of {longest} bytes behind a reader, writes {usual:?}, {most:?} at p99"),
        grown.is_some() && most <= WRITE,
    );
}

/// Simulated histories, with what the processors have left.
async fn of_histories(card: &Card) {
    let run = async {
        let seeds = setting("TAIFAS_CHAOS_SEEDS", SEEDS)?;
        let simulation = std::env::var("TAIFAS_SIMULATION").context("TAIFAS_SIMULATION names no simulation")?;
        let mut command = Command::new("nice");
        command.args(["-n", "19", &simulation, "--exact", "promises_hold_in_every_seed"]);
        command.env("TAIFAS_SIMULATION_SEEDS", seeds.to_string());
        let output = spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success() && said.contains("1 passed"), "{said}");
        Ok(usize::try_from(seeds)?)
    };
    let seeds = card.tried(Area::Simulation, "simulated histories", run.await).unwrap_or_default();
    card.counted(Area::Simulation, "simulated seeds", seeds, usize::try_from(SEEDS).unwrap_or(usize::MAX));
}

/// The disk forgets what was not synced, or cannot sync.
async fn of_power(card: &Card, plan: Plan) {
    if !platter::possible() {
        return card
            .not_run(Area::Acknowledged, "F23 power cuts, F25 errors of the disk: only root may, with /dev/fuse");
    }
    let cuts = sums::at_power_cuts(plan.seed, plan.share(500), plan.at(75)).await;
    for area in [Area::Acknowledged, Area::Effects, Area::Replies, Area::Isolation] {
        card.broken(area, &cuts.violations);
    }
    card.counted(Area::Acknowledged, "F23 power cuts", cuts.cuts, 500);
    let times = plan.share(20);
    let synced = power::does_not_sync(Binary::Shipped, "", plan.seed, times).await;
    let synced = card.tried(Area::Acknowledged, "F25 a disk that does not sync", synced).flatten();
    card.counted(Area::Acknowledged, "F25 syncs that failed", synced.unwrap_or_default(), 20);
    let shown = power::does_not_sync_answers(plan.seed, times).await;
    let shown = card.tried(Area::Acknowledged, "F25 a disk that does not sync answers", shown).flatten();
    card.counted(Area::Acknowledged, "F25 syncs of answers that failed", shown.unwrap_or_default(), 20);
    let written = power::does_not_write(plan.seed, times).await;
    let written = card.tried(Area::Acknowledged, "F25 a disk that does not write", written).flatten();
    card.counted(Area::Acknowledged, "F25 writes that failed", written.unwrap_or_default(), 20);
}

/// What the same people judge, side by side.
async fn of_crowds(card: &Card, plan: Plan) {
    let jumps = plan.share(200);
    let hunger = async {
        let starved = card.tried(Area::Overload, "F43 no memory", outside::starved(plan.seed, plan.share(10)).await);
        card.held(Area::Overload, "F43 no memory", starved.flatten().is_some());
    };
    let pauses = async {
        let length = Duration::from_secs(if plan.all < Duration::from_secs(1200) { 10 } else { 60 });
        let paused = card.tried(Area::Clock, "F18 stands still", outside::paused(plan.seed, 4, length).await);
        card.counted(Area::Clock, &format!("F18 pauses of {length:?}"), paused.map_or(0, |counted| counted.rounds), 4);
    };
    let clocks = async {
        let clock = card.tried(Area::Clock, "F38 clock jumps", outside::out_of_time(plan.seed, jumps).await).flatten();
        card.counted(Area::Clock, "F38 schedules of clock jumps", clock.map_or(0, |counted| counted.rounds), 200);
    };
    tokio::join!(hunger, pauses, clocks);
}
