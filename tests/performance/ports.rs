//! The embedded ports by themselves, without a server around them.

use crate::{
    Setting,
    figures::{Row, Samples, section},
    first_token::syncs,
};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::try_join_all};
use platform::{
    Platform,
    clock::SystemClock,
    db::{Migration, Scope},
    ids::SystemIds,
    isolated,
};
use proto::ai::v1::{ResolveModelRequest, ai_client::AiClient};
use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

const ENTRY: usize = 48;
const APPENDS: usize = 50_000;
const WRITES: usize = 1_500;
const CALLS: usize = 20_000;
const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "notes",
    sql: "create table bench_notes (id blob primary key, text text not null);",
}];

pub async fn run(setting: &Setting) -> Result<()> {
    section("The ports alone", "In the process of the load, on the same disk.")?;
    let folder = setting.folder("ports");
    std::fs::create_dir_all(&folder)?;
    let platform = isolated::platform(&folder, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    streams(&platform, &folder).await?;
    database(&platform, &folder).await?;
    calls(&platform).await
}

async fn streams(platform: &Platform, folder: &Path) -> Result<()> {
    let file = File::create(folder.join("plain"))?;
    let (entry, mut plain) = ([7; ENTRY], Samples::default());
    for at in 0..APPENDS as u64 {
        let start = Instant::now();
        file.write_all_at(&entry, at * ENTRY as u64)?;
        plain.add(start.elapsed());
    }
    for writers in [1, 64] {
        let each = APPENDS / writers;
        let (mut samples, seconds) = crowd(
            writers,
            each,
            async |stream: Uuid| {
                platform.streams.append(stream, 1, vec![Bytes::from_static(&[7; ENTRY])]).await?;
                anyhow::Ok(())
            },
            async |stream| {
                platform.streams.open(stream, 1, 0).await?;
                Ok(())
            },
        )
        .await?;
        let row = row(format!("streams.append of {ENTRY} bytes, {writers} writer(s)"), &mut samples, seconds);
        compared(row, "write(2)", &mut samples, &mut plain).print()?;
    }
    Ok(())
}

async fn database(platform: &Platform, folder: &Path) -> Result<()> {
    platform.db.migrate("bench", MIGRATIONS).await?;
    for clients in [1, 64] {
        let mut synced = syncs(folder)?;
        let each = if clients == 1 { WRITES } else { WRITES / 10 };
        let (mut samples, seconds) = crowd(
            clients,
            each,
            async |_| {
                let id = Uuid::now_v7();
                let insert = platform.db.write(Scope::System, move |tx| {
                    let insert = "insert into bench_notes (id, text) values ($1, $2)";
                    async move { tx.query(insert).bind(id).bind("a note").run().await }.boxed()
                });
                insert.await?;
                anyhow::Ok(())
            },
            async |_| Ok(()),
        )
        .await?;
        let row = row(format!("db.write of one row, {clients} client(s)"), &mut samples, seconds);
        compared(row, "write + fdatasync of 4 KiB", &mut samples, &mut synced).print()?;
    }
    Ok(())
}

async fn calls(platform: &Platform) -> Result<()> {
    let service = ai::start(platform, ai::Config { ollama_base_url: String::new(), ..ai::Config::default() }).await?;
    platform.peers.announce(service.name, service.router)?;
    let client = AiClient::new(platform.acting_as("chat").peer("ai"));
    let (mut samples, mut plain) = (Samples::default(), Samples::default());
    let start = Instant::now();
    for _ in 0..CALLS {
        let start = Instant::now();
        let asked = ResolveModelRequest { id: "guide/guide".into(), ..ResolveModelRequest::default() };
        client.clone().resolve_model(asked).await.context("Guide is always there")?;
        samples.add(start.elapsed());
    }
    let seconds = start.elapsed();
    for _ in 0..CALLS {
        let start = Instant::now();
        tokio::spawn(std::future::ready(())).await?;
        plain.add(start.elapsed());
    }
    platform.background.drain(Duration::from_secs(5)).await;
    compared(row("RPC to a service of this process".into(), &mut samples, seconds), "a task", &mut samples, &mut plain)
        .print()
}

/// `each` calls by `clients` at the same time, each with an id of its own that `prepare` sees first.
async fn crowd(
    clients: usize,
    each: usize,
    call: impl AsyncFn(Uuid) -> Result<()>,
    prepare: impl AsyncFn(Uuid) -> Result<()>,
) -> Result<(Samples, Duration)> {
    let ids: Vec<_> = (0..clients).map(|_| Uuid::now_v7()).collect();
    for id in &ids {
        prepare(*id).await?;
    }
    let start = Instant::now();
    let clients = ids.iter().map(async |id| {
        let mut samples = Samples::default();
        for _ in 0..each {
            let start = Instant::now();
            call(*id).await?;
            samples.add(start.elapsed());
        }
        anyhow::Ok(samples)
    });
    let all = try_join_all(clients).await?;
    let seconds = start.elapsed();
    let mut samples = Samples::default();
    all.into_iter().for_each(|one| samples.extend(one));
    Ok((samples, seconds))
}

fn row(name: String, samples: &mut Samples, took: Duration) -> Row {
    let rate = samples.len() as f64 / took.as_secs_f64();
    let (p50, p99) = (samples.percentile(50), samples.percentile(99));
    Row::new(name, format!("{p50:.3} ms p50, {p99:.3} ms p99, {rate:.0}/s"))
}

fn compared(row: Row, what: &str, samples: &mut Samples, control: &mut Samples) -> Row {
    let (p50, p99) = (control.percentile(50), control.percentile(99));
    row.control(format!("{what}: {p50:.4} ms p50, {p99:.3} ms p99"))
        .against(format!("+ {:.3} ms p50", samples.percentile(50) - p50))
}
