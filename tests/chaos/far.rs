//! F37: clients behind bad links, and clients that are gone without a word.

use super::link::{Link, Manner, pull_cable};
use crate::harness::{Client, Database, Draft, Over, Seen, TERMINAL, Watch, ready, truth, until};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use uuid::Uuid;

/// A link of 64 kbit/s.
const SLOW: u32 = 8_000;

/// What came over the links.
#[derive(Debug, Default)]
pub struct Crossed {
    pub readers: usize,
    pub events: usize,
    pub connections: usize,
    pub cut_off: usize,
}

/// Everybody reads an answer of so many pieces over another bad link, on an event stream and on a feed. With
/// `silences`, some links also fall silent, which clients notice after 40 seconds.
pub async fn links(seed: u64, pieces: usize, silences: bool) -> Result<Crossed> {
    let (mut server, owner) = ready(&[]).await?;
    let second = Duration::from_secs(1);
    let plain = Manner::default();
    let mut manners = vec![
        Manner { rate: Some(SLOW), ..plain },
        Manner { delay: second / 4, ..plain },
        Manner { dropped: 40, within: 6_000, ..plain },
        Manner { cut: Some(2_500), ..plain },
        Manner { delay: second / 10, rate: Some(2 * SLOW), dropped: 40, within: 4_000, ..plain },
    ];
    if silences {
        manners.push(Manner { silent: Some(150_000), ..plain });
        manners.push(Manner { deaf: Some(600), ..plain });
    }
    let draft = Draft::new("continues", &json!({"tokens": pieces, "delay_ms": 15, "style": "named"}));
    let sent = owner.send(&draft).await?;
    let expected = truth(draft.text(), sent.reply)?;
    let mut links = Vec::new();
    for (manner, seed) in manners.iter().zip(seed..) {
        links.push(Link::to(owner.host(), *manner, seed).await?);
    }
    let readers = links.iter().zip(&manners).flat_map(|(link, manner)| {
        let far = owner.by_way_of(link.address);
        [Over::Stream(None), Over::Feed].map(|over| {
            let watch = Watch::over(&far, sent.reply, over, Seen::default());
            let expected = &expected;
            async move {
                let seen = watch
                    .done(if silences { 20 } else { 4 } * TERMINAL)
                    .await
                    .with_context(|| format!("{manner:?}, {over:?}"))?;
                ensure!(seen.violations.is_empty(), "{manner:?}, {over:?}: {:?}", seen.violations);
                ensure!(seen.text == *expected, "{manner:?}, {over:?}: another text");
                Ok(seen)
            }
        })
    });
    let mut crossed = Crossed::default();
    for seen in try_join_all(readers).await? {
        crossed.readers += 1;
        crossed.events += seen.events;
    }
    for link in &links {
        crossed.connections += link.counted[0].load(Ordering::Relaxed);
        crossed.cut_off += link.counted[1].load(Ordering::Relaxed);
    }
    Database::settled(&server).await?;
    server.stop().await?;
    Ok(crossed)
}

/// Clients whose cable is pulled in the middle of everything that can be open: how long it took until the
/// program held none of it. `unread` is its setting, in seconds.
pub async fn gone(unread: &str) -> Result<Duration> {
    let limits = [
        ("TAIFAS__GATEWAY__UNREAD_SECONDS", unread),
        ("TAIFAS__GATEWAY__STREAMS_PER_PERSON", "1"),
        ("TAIFAS__GATEWAY__FEEDS_PER_PERSON", "2"),
    ];
    let (mut server, owner) = ready(&limits).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 500, "delay_ms": 300}))).await?;
    let events = "Accept: text/event-stream";
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let stream = format!("/api/v1/replies/{}/stream", sent.reply);
    let mut held = vec![
        open(&owner, "GET", &stream, events, true).await?,
        open(&owner, "GET", "/api/v1/live", events, true).await?,
        open(&owner, "GET", "/api/v1/live", socket, true).await?,
        open(&owner, "GET", "/healthz", "Accept: */*", true).await?,
    ];
    let half = format!("/api/v1/chats/{}/messages", Uuid::now_v7());
    let length = "X-CSRF: 1\r\nContent-Type: application/json\r\nContent-Length: 1000";
    held.push(open(&owner, "POST", &half, length, false).await?);
    held[4].write_all(b"{\"id\":").await?;
    ensure!(owner.stream(sent.reply, None).await?.0 == 429, "the place is taken");
    let ports: BTreeSet<u16> = held.iter().map(|stream| Ok(stream.local_addr()?.port())).collect::<Result<_>>()?;
    let all = async || Ok((connected(server.port, &ports)? == held.len()).then_some(()));
    until("all are connected", TERMINAL, all).await?;
    held.iter().try_for_each(pull_cable)?;
    let start = Instant::now();
    until("the program notices that they are gone", 6 * TERMINAL, async || {
        // the kernel's table changes while it is read: it has to say so twice
        Ok((connected(server.port, &ports)? == 0 && connected(server.port, &ports)? == 0).then_some(()))
    })
    .await?;
    let took = start.elapsed();
    let places = async || {
        let opened = join_all([owner.stream(sent.reply, None)]).await;
        Ok(opened.into_iter().all(|opened| opened.is_ok_and(|(status, _)| status == 200)).then_some(()))
    };
    until("their places are free", TERMINAL, places).await?;
    owner.stop(sent.reply).await?;
    Database::settled(&server).await?;
    drop(held);
    server.stop().await?;
    Ok(took)
}

/// A connection that has asked for something, and has the head of the answer if there is one.
async fn open(owner: &Client, method: &str, path: &str, headers: &str, answered: bool) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(owner.host()).await?;
    let cookie = owner.cookie().context("a session")?;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n{headers}\r\n\r\n", owner.host());
    stream.write_all(head.as_bytes()).await?;
    if answered {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8(head)?;
        ensure!(head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 101"), "{path}: {head}");
    }
    Ok(stream)
}

/// How many connections of the program to these ports are established, as its kernel sees them.
fn connected(port: u16, peers: &BTreeSet<u16>) -> Result<usize> {
    let table = fs::read_to_string("/proc/net/tcp")?;
    let port_of = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let is_one = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        let (Some(local), Some(remote), Some(state)) = (fields.next(), fields.next(), fields.next()) else {
            return false;
        };
        port_of(local) == Some(port) && port_of(remote).is_some_and(|peer| peers.contains(&peer)) && state == "01"
    };
    Ok(table.lines().filter(is_one).count())
}
