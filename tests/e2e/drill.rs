//! The drill: an instance is lost under load and restored from its archive (F47). Fails when a message is
//! missing that was acknowledged ten seconds before. `make drill` does it with a large database, and prints
//! how much was lost at most (RPO) and how long the way back takes for each GB (RTO).

use crate::{
    archive::World,
    harness::{Binary, Database, Draft, Load, Server, TERMINAL, Watch, Written, ready},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    time::{Duration, Instant},
};

const RPO: Duration = Duration::from_secs(10);
const WRITERS: usize = 8;

/// Rows like those of long chats, until the database has that many megabytes.
fn fill(server: &Server, megabytes: u64) -> Result<()> {
    let database = Database::open(server)?;
    let rows = megabytes * 250;
    database.execute(&format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
         insert into chat_messages
             (space_id, id, chat_id, parent_id, role, text, state, attempt, next_seq, marks, stop_asked, continued, created_at)
         select m.space_id, randomblob(16), m.chat_id, m.id, 'user', hex(randomblob(1900)), 'complete', 0, 0, '[]', 0, 0,
             m.created_at
         from n, (select * from chat_messages limit 1) m"
    ))?;
    Ok(())
}

/// What a drill has shown.
#[derive(Debug)]
pub struct Drill {
    pub acknowledged: usize,
    /// How long before the loss the oldest message was acknowledged that is missing.
    pub rpo: Duration,
    /// From the beginning of the restore until it serves.
    pub rto: Duration,
    pub gigabytes: f64,
    based: Duration,
    restored: Duration,
    lost: usize,
    proved: String,
}

impl Drill {
    /// A minute for each gigabyte that is begun, and nothing of more than ten seconds before.
    pub fn holds(&self) -> bool {
        self.rpo <= RPO && self.rto.as_secs_f64() <= 60.0 * self.gigabytes.max(1.0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_lost_and_comes_back() -> Result<()> {
    let asked = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let load = Duration::from_secs(asked("DRILL_SECONDS", 7));
    let drill = drill(asked("DRILL_MB", 8), load).await?;
    let mut out = std::io::stdout();
    let Drill { acknowledged, rpo, rto, gigabytes, based, restored, lost, proved } = &drill;
    let (rpo, rto) = (rpo.as_secs_f64(), rto.as_secs_f64());
    writeln!(out, "database          {gigabytes:.2} GiB, {acknowledged} messages acknowledged in {load:?}")?;
    writeln!(out, "first whole copy  {:.1} s", based.as_secs_f64())?;
    writeln!(out, "lost              {lost} messages, the oldest {rpo:.1} s before the kill (RPO, at most 10 s)")?;
    writeln!(
        out,
        "restored          {:.1} s, ready after {rto:.1} s: {:.1} s for each GiB (RTO, at most 60 s)",
        restored.as_secs_f64(),
        rto / gigabytes
    )?;
    writeln!(out, "{proved}")?;
    ensure!(drill.holds(), "{drill:?}");
    Ok(())
}

/// An instance with so many megabytes is lost after so long a load, and restored.
pub async fn drill(megabytes: u64, load: Duration) -> Result<Drill> {
    let mut world = World::new(true)?;
    // as it is by default
    world.every = "5";
    let (mut server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 2, "delay_ms": 1}))).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    server.stop().await?;
    fill(&server, megabytes)?;
    let begun = Instant::now();
    server.again(&world.environment()).await?;
    world.has_base().await?;
    let based = begun.elapsed();

    let writing = Load::begin(&owner, WRITERS);
    tokio::time::sleep(load).await;
    let killed = Instant::now();
    server.kill().await?;
    let all = writing.so_far();
    drop(writing);
    let longest = all.last().map(|last| killed.saturating_duration_since(last.at));
    ensure!(longest.is_some_and(|longest| longest < load / 2), "nothing was written in the end, which tests little");
    fs::remove_dir_all(server.data())?;

    let mut copy = Server::prepare(Binary::Shipped)?;
    let begun = Instant::now();
    let (works, text) = world.restore(&copy, &[]).await?;
    let restored = begun.elapsed();
    ensure!(works, "{text}");
    let size = fs::metadata(copy.data().join("taifas.db"))?.len();
    copy.again(&[]).await?;
    let ready = begun.elapsed();
    copy.stop().await?;
    let database = Database::open(&copy)?;
    let (mut lost, there) = (Vec::new(), database.texts(1000)?);
    for Written { message, text, at, .. } in &all {
        match there.get(message) {
            Some(stored) => ensure!(stored == text, "{message} has another text"),
            None => lost.push(killed.saturating_duration_since(*at)),
        }
    }
    let rpo = lost.iter().max().copied().unwrap_or_default();
    let gigabytes = size as f64 / f64::from(1 << 30);
    let proved = text.lines().find(|line| line.starts_with("Proved")).context("nothing is proved")?.to_owned();
    let (acknowledged, lost) = (all.len(), lost.len());
    Ok(Drill { acknowledged, rpo, rto: ready, gigabytes, based, restored, lost, proved })
}
