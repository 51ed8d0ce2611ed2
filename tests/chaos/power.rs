//! The disk forgets what it was not made to keep, or says that it cannot keep it.

use super::{
    crowd::{Blow, Counted, Crowd, Fate},
    dice::Dice,
    ledger::Ledger,
    platter::Platter,
};
use crate::harness::{Binary, Client, Draft, Server, TERMINAL, Watch, truth, until};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    process::ExitStatus,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// The log of the database, where everything that is acknowledged is at first, and where it goes from there.
const LOG: &str = "taifas.db-wal";
const DATABASE: &str = "taifas.db";
/// How the program ends when its disk does not sync.
const DISK_FAILS: i32 = 74;
/// A process that is ending has ended by then.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What power cuts did.
#[derive(Debug, Default)]
pub struct Cuts {
    pub cuts: usize,
    /// Changes of files and names that were lost.
    pub lost: u64,
    pub counted: Counted,
    pub violations: Vec<String>,
}

/// F23: the power goes while people write, again and again, until it went so often or the time is over.
/// None where it cannot be cut.
pub async fn cut(seed: u64, times: usize, until: Instant) -> Result<Option<Cuts>> {
    let Some(disk) = Platter::mount()? else { return Ok(None) };
    crowd(disk, Binary::Shipped, "", seed, times, until).await.map(Some)
}

/// The same with a seeded fault, and what was found.
pub async fn mutant(name: &'static str, seed: u64) -> Result<Vec<String>> {
    let disk = Platter::mount()?.context("no such disk")?;
    let until = Instant::now() + Duration::from_secs(60);
    match crowd(disk, Binary::Failpoints, name, seed, 6, until).await {
        Ok(cuts) => Ok(cuts.violations),
        Err(why) => Ok(vec![format!("{why:#}")]),
    }
}

async fn crowd(
    disk: Platter,
    binary: Binary,
    mutant: &'static str,
    seed: u64,
    times: usize,
    until: Instant,
) -> Result<Cuts> {
    let mut dice = Dice::new(seed);
    let mut crowd = Crowd::gather_on(disk, binary, mutant, dice.roll(1 << 40)).await?;
    crowd.patience = if mutant.is_empty() { crowd.patience } else { Duration::from_secs(8) };
    while crowd.cuts() < times && Instant::now() < until {
        let (fate, seed) = (blows(&mut dice), dice.roll(1 << 40));
        if let Err(why) = crowd.round(&fate, seed).await {
            crowd.ledger.broken(format!("{fate:?}, seed {seed}: {why:#}: {}", crowd.server.log_end()));
            break;
        }
    }
    let (cuts, lost) = (crowd.cuts(), crowd.lost);
    if let Err(why) = crowd.ledger.close(&mut crowd.server).await {
        crowd.ledger.broken(format!("{why:#}"));
    }
    Ok(Cuts { cuts, lost, counted: crowd.counted, violations: crowd.ledger.violations })
}

/// The power goes some times in a round, also while the program starts.
pub fn blows(dice: &mut Dice) -> Fate {
    let cut = |dice: &mut Dice| (Duration::from_millis(dice.roll(500)), Blow::Cut(dice.roll(1 << 40)));
    Fate::Blows((0..3).map(|_| cut(dice)).collect())
}

/// F25: the disk does not sync a commit. It is not acknowledged, the program ends and says why; started on
/// a disk that works again it has all that was acknowledged, and so it is after the next power cut, though
/// what the failed sync should have written never reached the disk. How often it ended; none where it
/// cannot be tried.
pub async fn does_not_sync(binary: Binary, mutant: &str, seed: u64, times: usize) -> Result<Option<usize>> {
    let Some((mut disk, mut server, owner)) = on_a_platter(binary, mutant).await? else { return Ok(None) };
    let (mut dice, mut told) = (Dice::new(seed), Vec::new());
    for _ in 0..times {
        told.push(sent(&owner, 3).await?);
        let status = refused(&mut server, &mut disk, &owner, &mut dice, &mut told).await?;
        ensure!(status.code() == Some(DISK_FAILS), "it ends with {status}: {}", server.log_end());
        ensure!(server.log()?.contains("the disk did not sync"), "it does not say why: {}", server.log_end());
        server.again(&[("TAIFAS_MUTANT", mutant)]).await?;
        told.push(sent(&owner, 3).await?);
        all_there(&owner, &told).await?;
        // and on from there: the same power cut takes nothing
        server.kill().await?;
        disk.cut(dice.roll(1 << 40))?;
        server.again(&[("TAIFAS_MUTANT", mutant)]).await?;
        all_there(&owner, &told).await?;
    }
    finish(&mut server).await?;
    Ok(Some(times))
}

/// Lets one of the next syncs fail, while somebody writes, until the program ends.
async fn refused(
    server: &mut Server,
    disk: &mut Platter,
    owner: &Client,
    dice: &mut Dice,
    told: &mut Vec<(Draft, Value)>,
) -> Result<ExitStatus> {
    let (start, mut armed) = (Instant::now(), disk.failed()?);
    disk.fail("sync", LOG, 1 + dice.roll(12))?;
    let ended = server.ended();
    tokio::pin!(ended);
    while start.elapsed() < 2 * TERMINAL {
        let draft = draft(2);
        tokio::select! {
            status = &mut ended => return status,
            answer = owner.send_raw(&draft) => {
                // one that was not answered is neither there for sure nor missing for sure
                if let Ok(answer) = answer {
                    ensure!(matches!(answer.status, 202 | 503), "{}: {}", answer.status, answer.text);
                    told.extend((answer.status == 202).then_some((draft, answer.body)));
                }
            }
        }
        if disk.failed()? > armed {
            if let Ok(status) = tokio::time::timeout(AT_ONCE, &mut ended).await {
                return status;
            }
            // a checkpoint asks for what is synced already, and begins again later: nothing depended on it
            armed = disk.failed()?;
            disk.fail("sync", LOG, 1 + dice.roll(12))?;
        }
    }
    bail!("it goes on after {armed} syncs that failed")
}

/// F25: a write of the database's log fails once. It is refused, or tried again, and nothing is lost.
pub async fn does_not_write(seed: u64, times: usize) -> Result<Option<usize>> {
    let Some((mut disk, mut server, owner)) = on_a_platter(Binary::Shipped, "").await? else { return Ok(None) };
    let (mut dice, mut told) = (Dice::new(seed), Vec::new());
    for round in 1..=times {
        disk.fail("write", LOG, 1 + dice.roll(30))?;
        let start = Instant::now();
        while disk.failed()? < round as u64 {
            ensure!(start.elapsed() < 2 * TERMINAL, "nothing is written");
            let draft = draft(2);
            let answer = owner.send_raw(&draft).await?;
            ensure!(matches!(answer.status, 202 | 503), "{}: {}", answer.status, answer.text);
            told.extend((answer.status == 202).then_some((draft, answer.body)));
        }
        told.push(sent(&owner, 3).await?);
        server.kill().await?;
        disk.cut(dice.roll(1 << 40))?;
        server.again(&[]).await?;
        all_there(&owner, &told).await?;
    }
    finish(&mut server).await?;
    Ok(Some(times))
}

/// F25: the disk does not sync the database itself, when what is in its log moves there. Nothing depends on that
/// yet: the log stays what counts, and it is moved once more.
pub async fn does_not_sync_the_database(seed: u64, times: usize) -> Result<Option<usize>> {
    let Some((mut disk, mut server, owner)) = on_a_platter(Binary::Shipped, "").await? else { return Ok(None) };
    let (mut dice, mut told) = (Dice::new(seed), Vec::new());
    for round in 1..=times {
        told.push(sent(&owner, 3).await?);
        disk.fail("sync", DATABASE, 1)?;
        // an end in order moves the log
        server.signal(Signal::TERM)?;
        let status = server.ended().await?;
        ensure!(disk.failed()? == round as u64, "it ends with {status} and has not synced the database");
        ensure!(!status.success(), "it ends in order though the disk refuses: {}", server.log_end());
        disk.cut(dice.roll(1 << 40))?;
        server.again(&[]).await?;
        all_there(&owner, &told).await?;
    }
    finish(&mut server).await?;
    Ok(Some(times))
}

/// F25: the disk does not sync the log of running answers. The program ends, since what was shown can be gone
/// though a later sync succeeds. The next one shows all of it, and has it on the disk before it goes on: not even
/// a power cut takes it then. When the power goes at once, its cut takes what it may.
pub async fn does_not_sync_answers(seed: u64, times: usize) -> Result<Option<usize>> {
    let Some((mut disk, mut server, owner)) = on_a_platter(Binary::Shipped, "").await? else { return Ok(None) };
    let mut dice = Dice::new(seed);
    for round in 0..times {
        let draft = Draft::new("continues", &json!({"tokens": 150, "delay_ms": 20, "seed": round + 1}));
        let reply = owner.send(&draft).await?.reply;
        let watch = Watch::begin(&owner, reply, None);
        watch.shows(1, TERMINAL).await?;
        disk.fail("sync", &newest_segment(&server)?, 1)?;
        let status = tokio::time::timeout(TERMINAL, server.ended()).await.context("it goes on")??;
        ensure!(status.code() == Some(DISK_FAILS), "it ends with {status}: {}", server.log_end());
        let said = server.log()?;
        ensure!(said.contains("the disk did not sync") && said.contains("streams log"), "{}", server.log_end());
        let before = watch.seen();
        if round % 2 == 0 {
            server.again(&[]).await?;
            watch.shows(before.text.chars().count() + 1, TERMINAL).await?;
            server.kill().await?;
        }
        watch.cuts().fetch_add(1, Ordering::SeqCst);
        disk.cut(dice.roll(1 << 40))?;
        server.again(&[]).await?;
        // one that comes now sees what the disk has kept
        let kept = Watch::begin(&owner, reply, None).shows(1, TERMINAL).await?;
        ensure!(round % 2 == 1 || kept.text.starts_with(&before.text), "{:?} of {:?} is left", kept.text, before.text);
        let seen = watch.done(2 * TERMINAL).await?;
        ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
        let truth = truth(draft.text(), reply)?;
        ensure!(truth.starts_with(&before.text) && seen.text == truth, "{:?}, then {:?}", before.text, seen.text);
    }
    finish(&mut server).await?;
    Ok(Some(times))
}

/// F25: a write of the log of running answers fails: what it should have written is written again, and shown after.
pub async fn does_not_write_answers(times: usize) -> Result<Option<usize>> {
    let Some((mut disk, mut server, owner)) = on_a_platter(Binary::Shipped, "").await? else { return Ok(None) };
    for round in 0..times {
        let draft = Draft::new("continues", &json!({"tokens": 60, "delay_ms": 10, "seed": round + 1}));
        let reply = owner.send(&draft).await?.reply;
        let watch = Watch::begin(&owner, reply, None);
        watch.shows(1, TERMINAL).await?;
        disk.fail("write", &newest_segment(&server)?, 1)?;
        let seen = watch.done(2 * TERMINAL).await?;
        ensure!(disk.failed()? == round as u64 + 1, "nothing was written: {:?}", seen.text);
        ensure!(seen.violations.is_empty() && seen.text == truth(draft.text(), reply)?, "{seen:?}");
    }
    finish(&mut server).await?;
    Ok(Some(times))
}

/// The name of the file that running answers are written to.
fn newest_segment(server: &Server) -> Result<String> {
    let files = std::fs::read_dir(server.data().join("streams"))?;
    let names = files.map(|file| Ok(file?.file_name().to_string_lossy().into_owned())).collect::<Result<Vec<_>>>()?;
    names.into_iter().max().context("no answer was written")
}

/// In the order in which they are let go from the end: the server before its disk.
async fn on_a_platter(binary: Binary, mutant: &str) -> Result<Option<(Platter, Server, Client)>> {
    let Some(disk) = Platter::mount()? else { return Ok(None) };
    let mut server = Server::prepare(binary)?;
    server.move_data(disk.data());
    let wrapper = disk.wrapper();
    server.within(&wrapper.iter().map(String::as_str).collect::<Vec<_>>());
    server.again(&[("TAIFAS_MUTANT", mutant)]).await?;
    let owner = server.owner().await?;
    Ok(Some((disk, server, owner)))
}

fn draft(tokens: usize) -> Draft {
    Draft::new("continues", &json!({"tokens": tokens, "delay_ms": 0}))
}

/// A message that is acknowledged, whose answer has ended.
async fn sent(owner: &Client, tokens: usize) -> Result<(Draft, Value)> {
    let draft = draft(tokens);
    let answer = until("a message is taken", TERMINAL, async || {
        Ok(owner.send_raw(&draft).await.ok().filter(|answer| answer.status == 202))
    })
    .await?;
    let reply = crate::harness::Sending::read(answer.body.clone())?.reply;
    Watch::begin(owner, reply, None).done(2 * TERMINAL).await?;
    Ok((draft, answer.body))
}

/// Everything that was acknowledged is there once, and answered as before.
async fn all_there(owner: &Client, told: &[(Draft, Value)]) -> Result<()> {
    let mut ledger = Ledger::default();
    for (draft, acknowledged) in told {
        ledger.check_message(owner, draft, Some(acknowledged)).await?;
    }
    ledger.verdict()
}

async fn finish(server: &mut Server) -> Result<()> {
    let mut ledger = Ledger::default();
    ledger.close(server).await?;
    ledger.verdict()
}
