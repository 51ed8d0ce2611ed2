//! Too many: of connections, of readers that come back at once, of readers that do not read, of requests.

use crate::harness::{Binary, Client, Database, Draft, Server, TERMINAL, Watch, ready, truth, until};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// F45: all descriptors are taken by connections that say nothing. The loop that accepts outlives it, what
/// is being read is read to its end, and afterwards all is as before.
pub async fn descriptors() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    server.within(&["prlimit", "--nofile=256:256"]);
    server.again(&[]).await?;
    let owner = server.owner().await?;
    let draft = Draft::new("continues", &json!({"tokens": 120, "delay_ms": 15, "style": "named"}));
    let sent = owner.send(&draft).await?;
    let watch = Watch::begin(&owner, sent.reply, None);
    watch.shows(100, TERMINAL).await?;
    let address = owner.host().to_owned();
    let held = join_all((0..400).map(|_| TcpStream::connect(&address))).await;
    let open = held.iter().filter(|connection| connection.is_ok()).count();
    ensure!(open > 256, "only {open} connections are open");
    until("it notices", TERMINAL, async || {
        Ok(server.log()?.contains("a connection could not be accepted").then_some(()))
    })
    .await?;
    let seen = watch.done(TERMINAL).await?;
    ensure!(seen.violations.is_empty() && seen.text == truth(draft.text(), sent.reply)?, "{:?}", seen.violations);
    drop(held);
    let next = until("it accepts again", TERMINAL, async || {
        let draft = Draft::of(sent.chat, Some(sent.reply), "And now?", "continues");
        Ok(owner.send(&draft).await.ok())
    })
    .await?;
    Watch::begin(&owner, next.reply, None).done(TERMINAL).await?;
    Database::settled(&server).await?;
    server.stop().await
}

/// F40: everybody who reads is cut off at once and comes back. How long it took until all of them had
/// something again, and how many they were.
pub async fn reconnects(readers: usize) -> Result<Duration> {
    let limits = [("TAIFAS__GATEWAY__STREAMS_PER_PERSON", "100000")];
    let (mut server, owner) = ready(&limits).await?;
    let drafts: Vec<_> =
        (0..10).map(|_| Draft::new("continues", &json!({"tokens": 400, "delay_ms": 25, "style": "named"}))).collect();
    let sent = try_join_all(drafts.iter().map(|draft| owner.send(draft))).await?;
    let watches: Vec<_> = (0..readers).map(|n| Watch::begin(&owner, sent[n % sent.len()].reply, None)).collect();
    try_join_all(watches.iter().map(|watch| watch.shows(1, 4 * TERMINAL))).await?;
    server.kill().await?;
    let before: Vec<_> = watches.iter().map(|watch| watch.seen().events).collect();
    let start = Instant::now();
    server.again(&limits).await?;
    until("all are back", 4 * TERMINAL, async || {
        let back = watches.iter().zip(&before).all(|(watch, before)| watch.seen().events > *before);
        Ok(back.then_some(()))
    })
    .await?;
    let took = start.elapsed();
    for (n, watch) in watches.into_iter().enumerate() {
        let seen = watch.done(4 * TERMINAL).await?;
        ensure!(seen.violations.is_empty(), "reader {n}: {:?}", seen.violations);
        let n = n % sent.len();
        ensure!(seen.text == truth(drafts[n].text(), sent[n].reply)?, "reader {n} has another text");
    }
    Database::settled(&server).await?;
    server.stop().await?;
    Ok(took)
}

/// F42: readers that take nothing, of answers longer than all buffers. They hold no memory, and whoever
/// reads has all. How much larger the process is with them than after such an answer without them, in bytes.
pub async fn stalled(readers: usize) -> Result<u64> {
    let limits = [("TAIFAS__GATEWAY__STREAMS_PER_PERSON", "100000"), ("TAIFAS__GATEWAY__UNREAD_SECONDS", "600")];
    let (mut server, owner) = ready(&limits).await?;
    let mut memories = Vec::new();
    for readers in [0, readers] {
        // all of them are there before its first word
        let wait = 500 + 15 * readers;
        let script = json!({"tokens": 20_000, "delay_ms": 0, "first_delay_ms": wait, "style": "named"});
        let draft = Draft::new("continues", &script);
        let sent = owner.send(&draft).await?;
        let mut held = Vec::new();
        for _ in 0..readers {
            held.push(deaf(&owner, sent.reply).await?);
        }
        let seen = Watch::begin(&owner, sent.reply, None).done(4 * TERMINAL).await?;
        ensure!(seen.violations.is_empty() && seen.text == truth(draft.text(), sent.reply)?, "{:?}", seen.violations);
        memories.push(server.memory()?);
        drop(held);
        Database::settled(&server).await?;
    }
    server.stop().await?;
    Ok(memories[1].saturating_sub(memories[0]))
}

/// A connection that asked for a stream and has it, with hardly any room for what comes.
async fn deaf(owner: &Client, reply: uuid::Uuid) -> Result<TcpStream> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(owner.host().parse()?).await?;
    let cookie = owner.cookie().context("a session")?;
    let head =
        format!("GET /api/v1/replies/{reply}/stream HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", owner.host());
    stream.write_all(head.as_bytes()).await?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    ensure!(answer == *b"HTTP/1.1 200", "the stream is refused");
    Ok(stream)
}
