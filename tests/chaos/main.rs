//! `make chaos`: the long run of the crash suite, with its scorecard, and `make chaos-mutants`: every
//! seeded fault. Both are bounded in time and say their seed.

#![allow(clippy::print_stdout, reason = "a report for whoever runs it")]

#[allow(dead_code, unused_imports, reason = "the short suite lies in the same files")]
#[path = "mod.rs"]
mod chaos;
#[path = "../e2e"]
mod e2e {
    #[allow(dead_code, unused_imports, reason = "the stories of the program use more of it")]
    pub mod harness;
}
mod overload;
mod scorecard;

use anyhow::{Context as _, Result, bail, ensure};
use chaos::{
    crowd::{Blow, Counted, Crowd, Fate},
    dice::Dice,
    disk, mutants, outside,
    points::{CROWDED, fate},
    storms,
};
use e2e::harness::{self, Binary};
use futures_util::{StreamExt as _, stream};
use scorecard::Row;
use std::{
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Servers at the same time.
const SERVERS: usize = 4;
/// Rounds that one server lives through.
const ROUNDS: usize = 12;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => runtime.block_on(chaos()),
        ["mutants"] => runtime.block_on(seeded()).and_then(|(found, all)| {
            ensure!(found == all, "{} seeded faults are not found", all - found);
            Ok(())
        }),
        _ => bail!("nothing or `mutants` is expected, not {arguments:?}"),
    }
}

fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text} is no number")),
        Err(_) => Ok(default),
    }
}

/// Every seeded fault, one after the other in twos: how many were found, of how many.
async fn seeded() -> Result<(usize, usize)> {
    let all = mutants::mutants();
    let found: Vec<bool> = stream::iter(&all)
        .map(|mutant| async move {
            let start = Instant::now();
            let found = mutants::find(mutant).await;
            let said = found.as_ref().map_or_else(|why| format!("SURVIVES: {why:#}"), |()| "found".into());
            println!("{:<24} {said} ({:.1} s)", mutant.name, start.elapsed().as_secs_f64());
            found.is_ok()
        })
        .buffer_unordered(2)
        .collect()
        .await;
    let found = found.into_iter().filter(|found| *found).count();
    println!("{found} of {} seeded faults are found", all.len());
    Ok((found, all.len()))
}

/// What came of many crowds.
#[derive(Default)]
struct Sum {
    kills: usize,
    counted: Counted,
    violations: Vec<String>,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.counted.add(&other.counted);
        self.violations.extend(other.violations);
    }
}

/// One server through some rounds; what goes wrong is part of the sum, with what repeats it.
async fn crowd(binary: Binary, seed: u64, what: &str, until: Instant, fates: impl Fn(&mut Dice) -> Fate) -> Sum {
    let context = |why: &str| format!("{what}, seed {seed}: {why}");
    let mut sum = Sum::default();
    let mut crowd = match Crowd::gather(binary, "").await {
        Ok(crowd) => crowd,
        Err(why) => return Sum { violations: vec![context(&format!("{why:#}"))], ..sum },
    };
    let mut dice = Dice::new(seed);
    for _ in 0..ROUNDS {
        if Instant::now() > until {
            break;
        }
        let fate = fates(&mut dice);
        if let Err(why) = crowd.round(&fate, dice.roll(1 << 40)).await {
            crowd.ledger.broken(format!("{fate:?}: {why:#}: {}", crowd.server.log_end()));
            break;
        }
    }
    if let Err(why) = crowd.ledger.close(&mut crowd.server).await {
        crowd.ledger.broken(format!("{why:#}"));
    }
    sum.kills = crowd.ledger.kills;
    sum.counted = crowd.counted;
    sum.violations = crowd.ledger.violations.iter().map(|why| context(why)).collect();
    sum
}

/// Kills at every point, as many at each; whole passes over all points until the time is over. What came of
/// it, and the fewest kills at a point.
async fn at_points(seed: u64, kills: usize, until: Instant) -> (Sum, usize, &'static str) {
    let (mut sum, mut at, mut pass) = (Sum::default(), vec![0; CROWDED.len()], 0);
    while Instant::now() < until && at.iter().any(|count| *count < kills) {
        let wanted: Vec<_> = (0..CROWDED.len()).filter(|number| at[*number] < kills).collect();
        let sums: Vec<_> = stream::iter(wanted)
            .map(|number| async move {
                let seed = seed.wrapping_add((pass * 1000 + number) as u64);
                let fates = |dice: &mut Dice| fate(CROWDED[number], dice);
                (number, crowd(Binary::Failpoints, seed, CROWDED[number].0, until, fates).await)
            })
            .buffer_unordered(SERVERS)
            .collect()
            .await;
        for (number, one) in sums {
            at[number] += one.kills;
            sum.add(one);
        }
        pass += 1;
        println!("pass {pass}: {} kills at points, {} violations", sum.kills, sum.violations.len());
    }
    for ((name, _), count) in CROWDED.iter().zip(&at) {
        println!("{name:<16} {count} kills");
    }
    let (number, fewest) = at.iter().enumerate().min_by_key(|(_, count)| **count).unwrap_or((0, &0));
    (sum, *fewest, CROWDED[number].0)
}

/// Kills of the shipped program at any moment, some of them during the start after the last one.
async fn at_random(seed: u64, kills: usize, until: Instant) -> Sum {
    let (mut sum, mut pass) = (Sum::default(), 0);
    while Instant::now() < until && sum.kills < kills {
        let sums: Vec<_> = stream::iter(0..SERVERS)
            .map(|number| async move {
                let seed = seed.wrapping_add(1 << 32).wrapping_add((pass * SERVERS + number) as u64);
                let fates = |dice: &mut Dice| {
                    let moments = 1 + dice.below(4);
                    Fate::Blows((0..moments).map(|_| (Duration::from_millis(dice.roll(700)), Blow::Kill)).collect())
                };
                crowd(Binary::Shipped, seed, "random kills", until, fates).await
            })
            .buffer_unordered(SERVERS)
            .collect()
            .await;
        sums.into_iter().for_each(|one| sum.add(one));
        pass += 1;
        println!("pass {pass}: {} random kills, {} violations", sum.kills, sum.violations.len());
    }
    sum
}

/// Names what failed, on the spot and for the card.
fn noted<T>(what: &str, outcome: Result<T>, faults: &mut Vec<String>) -> Option<T> {
    match outcome {
        Ok(value) => {
            println!("{what}: held");
            Some(value)
        }
        Err(why) => {
            println!("{what}: BROKEN: {why:#}");
            faults.push(format!("{what}: {why:#}"));
            None
        }
    }
}

async fn chaos() -> Result<()> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let seed = setting("TAIFAS_SEED", now % 1_000_000_007)?;
    let kills = usize::try_from(setting("TAIFAS_CHAOS_KILLS", 60)?)?;
    let minutes = setting("TAIFAS_CHAOS_MINUTES", 55)?;
    let (start, all) = (Instant::now(), Duration::from_secs(minutes * 60));
    println!("TAIFAS_SEED={seed}, {kills} kills a point, at most {minutes} minutes");
    let part = |percent: u32| start + all * percent / 100;

    let (mut sum, fewest, rarest) = at_points(seed, kills, part(60)).await;
    let random = at_random(seed, (1000usize.saturating_sub(sum.kills)).max(kills), part(75)).await;
    let random_kills = random.kills;
    sum.add(random);

    // as many as fit: a quarter of the time is theirs
    let times = usize::try_from(minutes.clamp(4, 20))?;
    let (mut of_disk, mut of_load, mut of_time, mut of_drain, mut of_resume) = (vec![], vec![], vec![], vec![], vec![]);
    let full = noted("F24 full disk", disk::full().await, &mut of_disk).unwrap_or_default();
    let damaged = noted("F48 damaged database", disk::damaged().await, &mut of_disk).is_some();
    noted("F48 shortened log", disk::shortened().await, &mut of_disk);
    let long = noted("F22 long reader", disk::long_reader(96).await, &mut of_load);
    let drained = noted("F17 ends in order", outside::drained(seed, times).await, &mut of_drain);
    let readers = if minutes < 10 { 500 } else { 2000 };
    let storm = noted("F40 reconnect storm", storms::reconnects(readers).await, &mut of_resume);
    let paused = noted("F18 stands still", outside::paused(seed, 4, Duration::from_secs(20)).await, &mut of_time);
    let clock = noted("F38 clock jumps", outside::out_of_time(seed, times).await, &mut of_time).flatten();
    let starved = noted("F43 no memory", outside::starved(seed, times / 2).await, &mut of_load);
    let descriptors = noted("F45 no descriptors", storms::descriptors().await, &mut of_load);
    let stalled = noted("F42 stalled readers", storms::stalled(500).await, &mut of_load);
    let goodput = noted("F41 overload", overload::overload(Duration::from_secs(15)).await, &mut of_load);
    let (found, mutants) = seeded().await?;

    let counted = sum.counted;
    let rows = [
        Row::new("Durable ack", 15, true)
            .counted("kills", sum.kills, 1000)
            .counted("acknowledged sends", counted.acknowledged, 10_000)
            .counted(&format!("kills at the rarest point, {rarest}"), fewest, kills.max(60))
            .held(format!("F24 full disk{}", if full { "" } else { ": not run, only root may" }), full)
            .not_run("F23 power cuts, F25 errors of fsync")
            .broken_by(&sum.violations)
            .broken_by(&of_disk),
        Row::new("Exactly-once effects", 12, true)
            .counted("answers whose effects were counted", counted.replies, 20_000)
            .counted("requests without an answer, asked again", counted.unanswered, 1000)
            .broken_by(&sum.violations),
        Row::new("Terminal and ordered replies", 12, true)
            .counted("answers read to their end", counted.replies, 10_000)
            .counted("pieces read", counted.pieces, 1_000_000)
            .counted("connections of readers", counted.connections, 20_000)
            .broken_by(&sum.violations),
        Row::new("Isolation under fault", 12, true)
            .counted("rounds of two people", counted.rounds, 1000)
            .not_run("F52 erasure while an answer is written")
            .broken_by(&sum.violations),
        Row::new("Resume", 8, false)
            .held(
                format!("F40 {readers} readers cut at once, all back after {storm:?}"),
                storm.is_some_and(|took| took <= Duration::from_secs(30)),
            )
            .counted("readers", readers, 2000)
            .not_run("F37 half-open and slow links")
            .broken_by(&of_resume),
        Row::new("Overload", 8, false)
            .held(format!("F41 {goodput:?}"), goodput.as_ref().is_some_and(enough))
            .held(
                format!("F42 500 stalled readers: {stalled:?} bytes more"),
                stalled.is_some_and(|bytes| bytes <= 64 << 20),
            )
            .held(format!("F22 write-ahead log of {long:?} bytes behind a reader"), long.is_some())
            .held("F43 no memory", starved.is_some())
            .held("F45 no descriptors", descriptors.is_some())
            .not_run("F49 one person's very many things")
            .broken_by(&of_load),
        Row::new("Drain and upgrade", 7, false)
            .counted("F17 ends in order under load", drained.map_or(0, |counted| counted.rounds), 20)
            .not_run("F46 migrations killed, F50 certificates")
            .broken_by(&of_drain),
        Row::new("Backup and restore", 7, false).held("F48 damage is refused", damaged).not_run("F47 drill under load"),
        Row::new("Clock and pauses", 5, false)
            .counted("F38 schedules of clock jumps", clock.map_or(0, |counted| counted.rounds), 200)
            .counted("F18 pauses", paused.map_or(0, |counted| counted.rounds), 4)
            .broken_by(&of_time),
        Row::new("Simulation and mutants", 6, false)
            .counted("seeded faults found", found, mutants)
            .not_run("simulated seeds"),
    ];
    let head = format!(
        "Seed {seed}; {:.0} minutes; {} kills ({random_kills} of the shipped program at random); {} requests of {} rounds had \
         no answer at first. Dependencies (F19–F21, F26–F31) and partitions (F36) are none in one process.",
        start.elapsed().as_secs_f64() / 60.0,
        sum.kills,
        counted.unanswered,
        counted.rounds,
    );
    let card = scorecard::card(&rows, &head);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/chaos");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("scorecard.md"), &card)?;
    println!("\n{card}");
    ensure!(scorecard::is_whole(&rows) && found == mutants, "promises were broken: see the scorecard");
    Ok(())
}

/// The target of F41.
fn enough(goodput: &overload::Goodput) -> bool {
    let share = |times| {
        goodput.offered.iter().find(|(offered, _)| *offered == times).map_or(0.0, |(_, rate)| rate / goodput.peak)
    };
    share(2) >= 0.9 && share(5) >= 0.8 && goodput.after >= 0.9 * goodput.peak && goodput.wrong == 0
}
