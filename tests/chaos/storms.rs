//! Too many: of connections, of readers that come back at once, of readers that do not read, of requests.

use crate::harness::{Binary, Client, Database, Draft, Event, Server, TERMINAL, Watch, ready, truth, until};
use anyhow::{Context as _, Result, ensure};
use futures_util::{
    SinkExt as _,
    future::{join_all, try_join_all},
};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
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

/// How long each of so many readers waits who comes back to an answer that is being written, from the request to
/// the first piece behind its place.
pub async fn resumes(times: usize) -> Result<Vec<Duration>> {
    let (mut server, owner) = ready(&[]).await?;
    let script = json!({"tokens": 10 * times, "delay_ms": 10, "style": "named"});
    let sent = owner.send(&Draft::new("continues", &script)).await?;
    let (mut place, mut waits) = (None::<Event>, Vec::new());
    while waits.len() < times {
        let start = Instant::now();
        let (status, mut stream) =
            owner.stream(sent.reply, place.as_ref().and_then(|place| place.id.as_deref())).await?;
        ensure!(status == 200, "the stream answers {status}");
        let behind = loop {
            let event = stream.next(TERMINAL).await?.context("the answer has ended")?;
            if !event.text().is_empty() {
                break event;
            }
        };
        if let Some(place) = &place {
            waits.push(start.elapsed());
            let (before, behind) = (place.position()?, behind.position()?);
            ensure!(behind > before, "{behind:?} came behind {before:?}");
        }
        place = Some(behind);
    }
    owner.stop(sent.reply).await?;
    server.stop().await?;
    Ok(waits)
}

/// What readers asked for who then take nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deaf {
    /// An answer that is being written, each on an event stream.
    Streams,
    /// The same on live feeds.
    Feeds,
    /// A chat with a long answer: one large response.
    Chats,
}

/// What they cost, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// How much larger the process was with them than without, each time at its largest.
    pub process: u64,
    /// What the kernel held of the server's for the one that it held most for.
    pub kernel: u64,
    /// What one of them would have got.
    pub size: u64,
}

/// F42: readers that take nothing of what is longer than all buffers. They hold little memory, and whoever
/// reads has all.
pub async fn stalled(readers: usize, deaf: Deaf) -> Result<Cost> {
    let limits = [
        ("TAIFAS__GATEWAY__STREAMS_PER_PERSON", "100000"),
        ("TAIFAS__GATEWAY__FEEDS_PER_PERSON", "100000"),
        ("TAIFAS__GATEWAY__UNREAD_SECONDS", "600"),
        // what is measured is what is held, not what the allocator keeps for later
        ("MIMALLOC_PURGE_DELAY", "0"),
    ];
    let (mut server, owner) = ready(&limits).await?;
    let (mut memories, mut kernel, mut size) = (Vec::new(), 0, 0);
    for readers in [0, readers] {
        // all of them are there before its first word
        let wait = 500 + 15 * readers;
        let script = json!({"tokens": 20_000, "delay_ms": 0, "first_delay_ms": wait, "style": "named"});
        let draft = Draft::new("continues", &script);
        let sent = owner.send(&draft).await?;
        let mut held = Vec::new();
        let path = format!("/api/v1/replies/{}/stream", sent.reply);
        for _ in 0..readers {
            match deaf {
                Deaf::Streams => held.push(unread(&owner, &path).await?),
                Deaf::Feeds => held.push(unheard(&owner, sent.reply).await?),
                Deaf::Chats => {}
            }
        }
        let reading = Watch::begin(&owner, sent.reply, None).done(4 * TERMINAL);
        tokio::pin!(reading);
        let mut most = 0;
        let seen = loop {
            tokio::select! {
                seen = &mut reading => break seen?,
                () = tokio::time::sleep(Duration::from_millis(10)) => most = most.max(server.memory()?),
            }
        };
        ensure!(seen.violations.is_empty() && seen.text == truth(draft.text(), sent.reply)?, "{:?}", seen.violations);
        size = u64::try_from(seen.text.len())?;
        if deaf == Deaf::Chats {
            for _ in 0..readers {
                held.push(unread(&owner, &format!("/api/v1/chats/{}", sent.chat)).await?);
            }
        }
        memories.push(most.max(server.memory()?));
        if readers > 0 {
            let waiting = unsent(server.port)?;
            ensure!(waiting.len() >= readers, "only {} of {readers} stand still", waiting.len());
            kernel = waiting.into_iter().max().unwrap_or_default();
        }
        drop(held);
        Database::settled(&server).await?;
    }
    server.stop().await?;
    Ok(Cost { process: memories[1].saturating_sub(memories[0]), kernel, size })
}

/// What the kernel holds for each connection of this port that did not take all, in bytes.
fn unsent(port: u16) -> Result<Vec<u64>> {
    let ours = format!(":{port:04X}");
    let mut waiting = Vec::new();
    for line in std::fs::read_to_string("/proc/net/tcp")?.lines().skip(1) {
        let fields: Vec<_> = line.split_whitespace().collect();
        if let [_, local, _, "01", queues, ..] = fields[..]
            && local.ends_with(&ours)
            && let Some((unsent, _)) = queues.split_once(':')
        {
            waiting.extend(Some(u64::from_str_radix(unsent, 16)?).filter(|bytes| *bytes > 0));
        }
    }
    Ok(waiting)
}

/// A connection with hardly any room for what comes.
async fn narrow(owner: &Client) -> Result<TcpStream> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    Ok(socket.connect(owner.host().parse()?).await?)
}

/// A connection that asked for something and has the beginning of it.
async fn unread(owner: &Client, path: &str) -> Result<TcpStream> {
    let mut stream = narrow(owner).await?;
    let cookie = owner.cookie().context("a session")?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", owner.host());
    stream.write_all(head.as_bytes()).await?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    ensure!(answer == *b"HTTP/1.1 200", "{path} is refused");
    Ok(stream)
}

/// A live feed that follows a reply.
async fn unheard(owner: &Client, reply: uuid::Uuid) -> Result<TcpStream> {
    let mut request = format!("ws://{}/api/v1/live", owner.host()).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("cookie", owner.cookie().context("a session")?.parse()?);
    headers.insert("origin", format!("http://{}", owner.host()).parse()?);
    let (mut feed, _) = client_async(request, narrow(owner).await?).await?;
    feed.send(Message::text(json!({"type": "follow", "reply": reply}).to_string())).await?;
    Ok(feed.into_inner())
}
