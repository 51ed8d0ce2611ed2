//! F51: people at about a third of what the machine can do, for long, on two servers: one is left alone, so
//! that its memory can be watched; the other one is killed, ended, stopped and left by its readers all the
//! time. At the end nothing is left over, and the memory is what it was.

use crate::{
    chaos::dice::Dice,
    harness::{Binary, Client, Database, Draft, Over, Server, WITHOUT_END, Watch, truth},
};
use ai::providers::scripted::Named;
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use rustix::process::Signal;
use serde_json::json;
use std::{
    fmt::Write as _,
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How much the memory may grow, in bytes, over any length.
const GROWTH: i64 = 5 << 20;
/// What the streams keep for those who come late, and the segment that is being written.
const KEPT: u64 = (64 + 2 * 16) << 20;
/// How long streams are kept after their replies were stored; a sweep follows.
const RETENTION: Duration = Duration::from_secs(11 * 60);
/// People, each doing one thing after the other, while it is found out how much the machine can do.
const PEOPLE: usize = 48;
/// The share of that.
const LOAD: f64 = 0.3;
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests of one person in a minute are limited, and this is one person.
const SETTINGS: [(&str, &str); 2] = [WITHOUT_END, ("TAIFAS__GATEWAY__STREAMS_PER_PERSON", "100000")];

#[derive(Default)]
pub struct Soaked {
    pub length: Duration,
    /// Conversations in a second at the most, and in the soak.
    peak: f64,
    rate: f64,
    conversations: usize,
    tokens: usize,
    /// Of the server that was not left alone.
    shaken: usize,
    blows: [usize; 3],
    /// Seconds since the beginning, and bytes.
    memory: Vec<(u64, u64)>,
    /// None when it was too short to tell.
    growth: Option<i64>,
    segments: (usize, u64),
    descriptors: (usize, usize),
    swept: bool,
    pub violations: Vec<String>,
}

impl Soaked {
    pub fn table(&self) -> String {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let mut text = format!(
            "| what | counted |\n|---|---|\n| length | {:.1} minutes |\n| load | {:.1} conversations a second of {:.1} at the most |\n\
             | conversations, one server left alone | {} with {} tokens |\n\
             | conversations, the other with {} kills, {} ends in order, {} pauses | {} |\n",
            self.length.as_secs_f64() / 60.0,
            self.rate,
            self.peak,
            self.conversations,
            self.tokens,
            self.blows[0],
            self.blows[1],
            self.blows[2],
            self.shaken,
        );
        let every = (self.memory.len() / 12).max(1);
        for (second, bytes) in self.memory.iter().step_by(every) {
            let _ = writeln!(text, "| memory of its own after {second} s | {:.1} MiB |", mib(*bytes));
        }
        let swept = if self.swept { "after what is kept for latecomers" } else { "some kept for latecomers" };
        let growth = self.growth.map_or_else(
            || "not judged: what is kept for latecomers was still growing".to_owned(),
            |growth| format!("{:.1} MiB", growth as f64 / f64::from(1 << 20)),
        );
        let _ = writeln!(text, "| growth after warm-up, at most 5 MiB | {growth} |");
        let _ = writeln!(
            text,
            "| segments of streams at the end, {swept} | {}, {:.1} MiB |",
            self.segments.0,
            mib(self.segments.1)
        );
        let _ = writeln!(
            text,
            "| file descriptors at rest, before and after | {}, {} |",
            self.descriptors.0, self.descriptors.1
        );
        let _ = writeln!(text, "| broken promises | {} |", self.violations.len());
        for why in &self.violations {
            let _ = writeln!(text, "\n{why}");
        }
        text
    }

    fn must(&mut self, holds: bool, why: String) {
        if !holds {
            self.violations.push(why);
        }
    }
}

/// So long; whether the streams' retention is waited for besides.
pub async fn soak(length: Duration, seed: u64, sweeps: bool) -> Result<Soaked> {
    let (mut steady, owner) = begin().await?;
    let (mut shaken, other) = begin().await?;
    let peak = peak(&owner, (length / 12).min(Duration::from_secs(20))).await?;
    let rate = (peak * LOAD).max(1.0);
    let mut soaked = Soaked { peak, rate, swept: sweeps, ..Soaked::default() };
    quiet(&steady).await?;
    soaked.descriptors.0 = steady.descriptors()?;
    let (start, over) = (Instant::now(), AtomicBool::new(false));
    let loading = async {
        // a fifth of it on the one that is harmed
        let loads = tokio::try_join!(load(&owner, rate * 0.8, length), load(&other, (rate * 0.2).max(0.5), length));
        over.store(true, Ordering::Relaxed);
        loads
    };
    let watching = async {
        let mut memory = Vec::new();
        while !over.load(Ordering::Relaxed) {
            memory.push((start.elapsed().as_secs(), steady.memory()?));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(memory)
    };
    let (loads, memory, blows) = tokio::try_join!(loading, watching, harm(&mut shaken, seed, &over))?;
    soaked.length = start.elapsed();
    ((soaked.conversations, soaked.tokens), soaked.shaken) = (loads.0, loads.1.0);
    (soaked.memory, soaked.blows) = (memory, blows);
    soaked.growth = growth(&soaked.memory);
    let growth = soaked.growth.unwrap_or_default();
    soaked.must(growth <= GROWTH, format!("the memory grew by {growth} bytes"));
    for client in [&owner, &other] {
        soaked.violations.extend(client.ear.foreign());
    }

    quiet(&steady).await?;
    if sweeps {
        tokio::time::sleep(RETENTION).await;
    }
    soaked.descriptors.1 = steady.descriptors()?;
    let (before, after) = soaked.descriptors;
    // connections to the database are opened when they are needed, and kept
    soaked.must(after <= before + 16, format!("{before} descriptors at rest became {after}"));
    soaked.segments = segments(&steady)?;
    let (count, bytes) = soaked.segments;
    soaked.must(bytes <= KEPT && (!sweeps || count <= 1), format!("{count} segments of {bytes} bytes are left"));
    for server in [&mut steady, &mut shaken] {
        Database::settled(server).await?;
        server.stop().await?;
        let database = Database::open(server)?;
        // ends nobody saw make notices for people who are away: those are counted by the crowds
        soaked.violations.extend(database.faults()?.into_iter().filter(|why| !why.contains("while nobody looked")));
        soaked.violations.extend(server.log_faults());
    }
    Ok(soaked)
}

async fn begin() -> Result<(Server, Client)> {
    let mut server = Server::start(Binary::Shipped, &SETTINGS).await?;
    let owner = server.owner().await?;
    Ok((server, owner))
}

/// One conversation: a message, its answer read to its end over one way or the other, and now and then the
/// list, a search, and the chat erased again. How many tokens were read; none when the server was away.
async fn converse(client: &Client, number: usize) -> Result<usize> {
    let script = json!({"tokens": 40, "delay_ms": 5, "seed": number, "style": "named"});
    let draft = Draft::new("continues", &script);
    let start = Instant::now();
    let sent = loop {
        match client.send(&draft).await {
            Ok(sent) => break sent,
            Err(why) => ensure!(start.elapsed() < PATIENCE, "nobody takes a message: {why:#}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let over = if number.is_multiple_of(3) { Over::Feed } else { Over::Stream(number.is_multiple_of(2).then_some(20)) };
    let seen = Watch::over(client, sent.reply, over, Default::default()).done(PATIENCE).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.text == truth(draft.text(), sent.reply)?, "{:?}: {:?}", seen.done, seen.text);
    // whoever is away for a moment asks later
    match number % 10 {
        0 => drop(client.get("/api/v1/chats?limit=50").await),
        1 => drop(client.get("/api/v1/search?q=Zeichen").await),
        2 => drop(client.delete(&format!("/api/v1/chats/{}/forever", sent.chat)).await),
        _ => {}
    }
    Ok(Named::all(&seen.text).count())
}

/// Conversations in a second when each of some people begins the next as soon as one has ended.
async fn peak(client: &Client, length: Duration) -> Result<f64> {
    let (start, done) = (Instant::now(), AtomicUsize::new(0));
    let people = (0..PEOPLE).map(|person| {
        let done = &done;
        async move {
            let mut number = person;
            while start.elapsed() < length {
                converse(client, number).await?;
                done.fetch_add(1, Ordering::Relaxed);
                number += PEOPLE;
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    try_join_all(people).await?;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(done.into_inner() as f64 / start.elapsed().as_secs_f64())
}

/// So many conversations a second; how many, and with how many tokens.
async fn load(client: &Client, rate: f64, length: Duration) -> Result<(usize, usize)> {
    let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let (start, mut number, mut tokens, mut open) = (Instant::now(), 0, 0, JoinSet::new());
    while start.elapsed() < length {
        pace.tick().await;
        let client = client.clone();
        open.spawn(async move { converse(&client, number).await });
        number += 1;
        while let Some(ended) = open.try_join_next() {
            tokens += ended??;
        }
    }
    while let Some(ended) = open.join_next().await {
        tokens += ended??;
    }
    Ok((number, tokens))
}

/// Kills, ends in order and pauses, every few seconds, until it is over.
async fn harm(server: &mut Server, seed: u64, over: &AtomicBool) -> Result<[usize; 3]> {
    let (mut dice, mut blows) = (Dice::new(seed), [0; 3]);
    while !over.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(1_000 + dice.roll(5_000))).await;
        let what = dice.below(3);
        blows[what] += 1;
        match what {
            0 => server.kill().await?,
            1 => server.stop().await?,
            _ => {
                server.signal(Signal::STOP)?;
                tokio::time::sleep(Duration::from_millis(dice.roll(3_000))).await;
                server.signal(Signal::CONT)?;
                continue;
            }
        }
        server.again(&SETTINGS).await?;
    }
    Ok(blows)
}

/// Until nothing is left to do, and a moment for connections to close.
async fn quiet(server: &Server) -> Result<()> {
    Database::settled(server).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    // connections that were kept for the next request close after a while
    let mut last = usize::MAX;
    for _ in 0..45 {
        let now = server.descriptors()?;
        if now >= last {
            break;
        }
        last = now;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    Ok(())
}

/// Files of the streams, and their bytes.
fn segments(server: &Server) -> Result<(usize, u64)> {
    let files = fs::read_dir(server.data().join("streams"))?.map(|entry| Ok(entry?.metadata()?.len()));
    let sizes = files.collect::<Result<Vec<_>>>().context("the folder of the streams")?;
    Ok((sizes.len(), sizes.iter().sum()))
}

/// From the median of the first tenth after the warm-up to that of the last one. Until streams are freed as
/// fast as others come, ten minutes after the beginning, the memory grows as it should.
fn growth(memory: &[(u64, u64)]) -> Option<i64> {
    let warm = memory.iter().position(|(second, _)| *second >= RETENTION.as_secs())?;
    let steady = &memory[warm..];
    let median = |part: &[(u64, u64)]| {
        let mut bytes: Vec<_> = part.iter().map(|(_, bytes)| *bytes).collect();
        bytes.sort_unstable();
        bytes.get(bytes.len() / 2).and_then(|bytes| i64::try_from(*bytes).ok())
    };
    let tenth = steady.len() / 10;
    Some(median(&steady[steady.len() - tenth..])? - median(&steady[..tenth])?)
}
