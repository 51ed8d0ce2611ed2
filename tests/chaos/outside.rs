//! What comes from outside and is no kill: an orderly end under load, a process that stands still, a
//! clock that jumps, memory that is used up. The same people with the same stories judge it.

use super::{
    crowd::{Blow, Counted, Crowd, Fate},
    dice::Dice,
    memory::Little,
};
use crate::harness::{Binary, Client, Database};
use anyhow::{Context as _, Result, ensure};
use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Command},
    thread::available_parallelism,
    time::{Duration, Instant},
};

/// Where Debian's package libfaketime puts it, for programs with threads.
const CLOCK: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// `rounds` rounds of what `blow` chooses, on the program as it is shipped.
async fn rounds(
    crowd: &mut Crowd,
    seed: u64,
    rounds: usize,
    mut blow: impl FnMut(&mut Dice) -> Vec<(Duration, Blow)>,
) -> Result<()> {
    let mut dice = Dice::new(seed);
    for _ in 0..rounds {
        let (fate, seed) = (Fate::Blows(blow(&mut dice)), dice.roll(1 << 40));
        crowd.round(&fate, seed).await.with_context(|| format!("{fate:?}, seed {seed}: {}", crowd.server.log_end()))?;
    }
    Ok(())
}

/// F17: SIGTERM under load. Nothing that reached somebody stays without its answer, no piece is lost.
pub async fn drained(seed: u64, times: usize) -> Result<Counted> {
    let mut crowd = Crowd::gather(Binary::Shipped, "").await?;
    let soon = |dice: &mut Dice| vec![(Duration::from_millis(50 + dice.roll(500)), Blow::End)];
    rounds(&mut crowd, seed, times, soon).await?;
    ensure!(crowd.ends == times, "it ended {} of {times} times", crowd.ends);
    let cut = std::mem::take(&mut crowd.cut);
    let (ledger, counted) = crowd.leave().await?;
    ledger.verdict()?;
    ensure!(cut.is_empty(), "{} requests failed while it ended in order: {cut:?}", cut.len());
    Ok(counted)
}

/// F18: nothing runs for a while, and then everything at once.
pub async fn paused(seed: u64, times: usize, length: Duration) -> Result<Counted> {
    let mut crowd = Crowd::gather(Binary::Shipped, "").await?;
    crowd.patience += length;
    let soon = |dice: &mut Dice| vec![(Duration::from_millis(50 + dice.roll(400)), Blow::Pause(length))];
    rounds(&mut crowd, seed, times, soon).await?;
    let (ledger, counted) = crowd.leave().await?;
    ledger.verdict()?;
    Ok(counted)
}

/// F38: the clock jumps by an hour and by a day, to and fro, in the middle of answers. First nobody dies, and no
/// answer changes hands; then the program also dies under another time than it has written. None where the library
/// is not there.
pub async fn out_of_time(seed: u64, times: usize) -> Result<Option<Counted>> {
    if !Path::new(CLOCK).exists() {
        return Ok(None);
    }
    let mut crowd = Crowd::gather(Binary::Shipped, "").await?;
    crowd.own_clock(CLOCK)?;
    let jumps = |dice: &mut Dice, dies: bool| {
        let (near, far) = ([-1, 0, -3_600, 3_600], [-86_400, -3_600, 3_600, 86_400]);
        let mut blows = Vec::new();
        for seconds in [far[dice.below(4)], near[dice.below(4)], far[dice.below(4)]] {
            blows.push((Duration::from_millis(60 + dice.roll(150)), Blow::Clock(seconds)));
        }
        if dies {
            blows.insert(1 + dice.below(2), (Duration::from_millis(dice.roll(150)), Blow::Kill));
        }
        blows
    };
    rounds(&mut crowd, seed, times.div_ceil(2), |dice| jumps(dice, false)).await?;
    let stolen = Database::beside(&crowd.server)?.taken_over()?;
    ensure!(stolen == 0, "{stolen} answers changed hands though nobody died");
    rounds(&mut crowd, seed + 1, times / 2, |dice| jumps(dice, true)).await?;
    let log = crowd.server.log()?;
    let stamps = log.lines().filter_map(|line| line.split_once("\"timestamp\":\"")?.1.get(..13));
    let hours: BTreeSet<_> = stamps.collect();
    ensure!(hours.len() > 1, "its clock did not jump: {hours:?}");
    let (ledger, counted) = crowd.leave().await?;
    ledger.verdict()?;
    Ok(Some(counted))
}

/// F43: as a kill. None where memory cannot be bounded.
pub async fn starved(seed: u64, times: usize) -> Result<Option<Counted>> {
    if Little::new("possible").is_none() {
        return Ok(None);
    }
    let mut crowd = Crowd::gather(Binary::Shipped, "").await?;
    let soon = |dice: &mut Dice| vec![(Duration::from_millis(50 + dice.roll(500)), Blow::Starve)];
    rounds(&mut crowd, seed, times, soon).await?;
    // one that has nothing to do needs nothing
    ensure!(crowd.starved * 2 >= times, "of too little memory it died {} times of {times}", crowd.starved);
    let (ledger, counted) = crowd.leave().await?;
    ledger.verdict()?;
    Ok(Some(counted))
}

/// Others who take all there is of the processors; gone with this value.
struct Hogs(Vec<Child>);

impl Hogs {
    /// For each processor one as important as the program, and one that stands back.
    fn begin() -> Result<Self> {
        let mut hogs = Self(Vec::new());
        for _ in 0..available_parallelism()?.get() {
            for step in ["0", "10"] {
                // an end of its own, whatever becomes of the tests
                let busy = "end=$(($(date +%s) + 180)); while [ $(date +%s) -lt $end ]; do \
                            i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; done";
                hogs.0.push(Command::new("nice").args(["-n", step, "sh", "-c", busy]).spawn().context("nice")?);
            }
        }
        Ok(hogs)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}

/// F44: all processors are taken by others. No answer changes hands, whoever asks for the health hears of it,
/// and everything ends.
pub async fn hogged(seed: u64, length: Duration) -> Result<Counted> {
    let mut crowd = Crowd::gather(Binary::Shipped, "").await?;
    crowd.patience *= 3;
    let (start, mut dice) = (Instant::now(), Dice::new(seed));
    let hogs = Hogs::begin()?;
    while start.elapsed() < length {
        let asking = tokio::spawn(healthy(Client::new(crowd.server.url())?));
        let quiet = Fate::Blows(Vec::new());
        crowd.round(&quiet, dice.roll(1 << 40)).await.with_context(|| crowd.server.log_end())?;
        asking.abort();
        // a broken promise ends it before it is told to
        match asking.await {
            Err(ended) if ended.is_cancelled() => {}
            ended => ended.context("asking for the health")??,
        }
    }
    drop(hogs);
    crowd.round(&Fate::Blows(Vec::new()), dice.roll(1 << 40)).await?;
    let again = Database::beside(&crowd.server)?.taken_over()?;
    ensure!(again == 0, "{again} answers changed hands though nobody died");
    let (ledger, counted) = crowd.leave().await?;
    ledger.verdict()?;
    Ok(counted)
}

/// Asks for the health as long as it is let, once somebody answers; until it is not well.
async fn healthy(client: Client) -> Result<()> {
    loop {
        match client.get("/healthz").await {
            Ok(answer) => ensure!(answer.status == 200, "/healthz answers {}", answer.status),
            // before the start, or after an end in order
            Err(why) => ensure!(
                why.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect),
                "/healthz does not answer: {why:#}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
