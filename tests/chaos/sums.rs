//! Many crowds, side by side, and what came of all of them.

use crate::{
    chaos::{
        crowd::{Blow, Counted, Crowd, Fate},
        dice::Dice,
        points::{CROWDED, fate},
        power::{self, Cuts},
    },
    harness::Binary,
};
use futures_util::{StreamExt as _, stream};
use std::time::{Duration, Instant};

/// Servers at the same time, of each kind.
const SERVERS: usize = 4;
/// Rounds that one server lives through at most.
pub const ROUNDS: usize = 20;
/// Power cuts that one server lives through.
const CUTS: usize = 30;

/// What came of many crowds.
#[derive(Default)]
pub struct Sum {
    pub kills: usize,
    pub counted: Counted,
    /// What starts took until they were ready.
    pub starts: Vec<Duration>,
    pub violations: Vec<String>,
}

impl Sum {
    pub fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.counted.add(&other.counted);
        self.starts.extend(other.starts);
        self.violations.extend(other.violations);
    }
}

/// One server through some rounds; what goes wrong is part of the sum, with what repeats it.
async fn crowd(
    binary: Binary,
    seed: u64,
    what: &str,
    (rounds, until): (usize, Instant),
    fates: impl Fn(&mut Dice) -> Fate,
) -> Sum {
    let context = |why: &str| format!("{what}, seed {seed}: {why}");
    let mut sum = Sum::default();
    if Instant::now() > until {
        return sum;
    }
    let mut crowd = match Crowd::gather(binary, "").await {
        Ok(crowd) => crowd,
        Err(why) => return Sum { violations: vec![context(&format!("{why:#}"))], ..sum },
    };
    let mut dice = Dice::new(seed);
    for round in 0..rounds {
        // the first one always: a crowd is judged by a server that runs
        if round > 0 && Instant::now() > until {
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
    sum.starts = std::mem::take(&mut crowd.ledger.starts);
    sum.violations = crowd.ledger.violations.iter().map(|why| context(why)).collect();
    sum
}

/// Kills at every point, as many at each, by servers that live through so many rounds; whole passes over all points until the time is over. What came of
/// it, and the fewest kills at a point.
pub async fn at_points(seed: u64, kills: usize, rounds: usize, until: Instant) -> (Sum, (usize, &'static str)) {
    let (mut sum, mut at, mut pass) = (Sum::default(), vec![0; CROWDED.len()], 0);
    while Instant::now() < until && at.iter().any(|count| *count < kills) {
        let wanted: Vec<_> = (0..CROWDED.len()).filter(|number| at[*number] < kills).collect();
        let sums: Vec<_> = stream::iter(wanted)
            .map(|number| async move {
                let seed = seed.wrapping_add((pass * 1000 + number) as u64);
                let fates = |dice: &mut Dice| fate(CROWDED[number], dice);
                (number, crowd(Binary::Failpoints, seed, CROWDED[number].0, (rounds, until), fates).await)
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
    (sum, (*fewest, CROWDED[number].0))
}

/// Kills of the shipped program at any moment, some of them during the start after the last one, until there
/// are as many as are asked for, of kills, answers and tokens, or the time is over.
pub async fn at_random(seed: u64, until: Instant) -> Sum {
    let (mut sum, mut pass) = (Sum::default(), 0);
    let is_enough = |sum: &Sum| {
        let Counted { acknowledged, replies, pieces, .. } = sum.counted;
        sum.kills >= 1000 && acknowledged >= 10_000 && replies >= 20_000 && pieces >= 1_000_000
    };
    while Instant::now() < until && !is_enough(&sum) {
        let sums: Vec<_> = stream::iter(0..SERVERS)
            .map(|number| async move {
                let seed = seed.wrapping_add(1 << 32).wrapping_add((pass * SERVERS + number) as u64);
                let fates = |dice: &mut Dice| {
                    let moments = 1 + dice.below(4);
                    Fate::Blows((0..moments).map(|_| (Duration::from_millis(dice.roll(700)), Blow::Kill)).collect())
                };
                crowd(Binary::Shipped, seed, "random kills", (ROUNDS, until), fates).await
            })
            .buffer_unordered(SERVERS)
            .collect()
            .await;
        sums.into_iter().for_each(|one| sum.add(one));
        pass += 1;
        println!("pass {pass}: {} random kills, {:?}, {} violations", sum.kills, sum.counted, sum.violations.len());
    }
    sum
}

/// Power cuts, so many in all.
pub async fn at_power_cuts(seed: u64, cuts: usize, until: Instant) -> Cuts {
    let lives = stream::iter(0..cuts.div_ceil(CUTS) as u64).map(|number| async move {
        let seed = seed.wrapping_add(number << 33);
        let mut one = match power::cut(seed, CUTS, until).await {
            Ok(one) => one.unwrap_or_default(),
            Err(why) => Cuts { violations: vec![format!("{why:#}")], ..Cuts::default() },
        };
        one.violations.iter_mut().for_each(|why| *why = format!("power cuts, seed {seed}: {why}"));
        one
    });
    let mut lives = lives.buffer_unordered(2);
    let mut sum = Cuts::default();
    while let Some(one) = lives.next().await {
        sum.cuts += one.cuts;
        sum.lost += one.lost;
        sum.counted.add(&one.counted);
        sum.violations.extend(one.violations);
        println!("{} power cuts, {} changes lost, {} violations", sum.cuts, sum.lost, sum.violations.len());
    }
    sum
}
