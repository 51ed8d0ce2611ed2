//! What somebody costs who hears nothing: the tab left open on a long answer, and the live feed that
//! every open browser holds.

use crate::{
    Setting,
    figures::{Row, at_most, section},
    instance::Instance,
    people::{Amount, Member, settle},
    turn::{Asked, Client},
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use uuid::Uuid;

const WAITING: usize = 500;
const WARMING: usize = 300;
/// Who wait: each from several browsers.
const PEOPLE: usize = 50;
const AMOUNT: Amount = Amount { people: PEOPLE, chats: 1, turns_of_the_long_one: 1, searchers: 0 };

pub async fn run(setting: &Setting) -> Result<()> {
    let waiting = setting.scaled(WAITING);
    section(
        "Who waits and hears nothing",
        &format!(
            "{waiting} readers of one unfinished answer; {waiting} live feeds of {PEOPLE} people. Each on an instance of \
             its own; control: as many idle connections."
        ),
    )?;
    follower(setting, waiting).await?;
    let events = "accept: text/event-stream\r\n";
    feed(setting, waiting, "Server-Sent Events", events, 200, 24.0).await?;
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: http://127.0.0.1\r\n";
    feed(setting, waiting, "WebSocket", upgrade, 101, 12.0).await
}

async fn follower(setting: &Setting, waiting: usize) -> Result<()> {
    let (instance, cookie) = setting.instance("idle").await?;
    let taifas = Asked::Taifas { address: instance.address, cookie: cookie.clone() };
    warm(&taifas).await?;
    // The server closes connections that have been quiet for so long.
    let mut client = Client::of(&taifas).await?;
    let heard = client.begin(Uuid::now_v7(), None, "hanging").await?;
    let follow = format!("GET /api/v1/replies/{}/stream", heard.reply()?);
    let asking = request(&follow, &format!("cookie: {cookie}\r\naccept: text/event-stream\r\n"), "");
    // Its answer never ends: the instance is not asked to stop.
    measure(&instance, &vec![asking; waiting], "follower of an answer", 200, None).await
}

async fn feed(setting: &Setting, waiting: usize, carrier: &str, headers: &str, status: u16, bound: f64) -> Result<()> {
    let folder = format!("idle-{}", carrier.to_ascii_lowercase());
    let (instance, members) = settle(setting, &folder, AMOUNT).await?;
    warm(&Asked::Taifas { address: instance.address, cookie: members[0].cookie.clone() }).await?;
    let of = |member: &Member| request("GET /api/v1/live", &format!("cookie: {}\r\n{headers}", member.cookie), "");
    let asking: Vec<_> = members.iter().cycle().take(waiting).map(of).collect();
    measure(&instance, &asking, &format!("live feed, {carrier}"), status, Some(bound)).await?;
    instance.stop().await
}

/// Some answers first. What the passwords' hashes took is given back when their threads end; only then
/// is the start a fair one.
async fn warm(taifas: &Asked) -> Result<()> {
    let mut client = Client::of(taifas).await?;
    for _ in 0..WARMING {
        client.ask("short").await?;
    }
    tokio::time::sleep(Duration::from_secs(12)).await;
    Ok(())
}

/// So many idle connections, and then what each of them becomes by asking.
async fn measure(instance: &Instance, asking: &[Vec<u8>], name: &str, status: u16, bound: Option<f64>) -> Result<()> {
    let waiting = asking.len();
    let health = request("GET /healthz", "", "");
    let settled = || async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        instance.memory()
    };
    let start = settled().await?.0;
    let mut idle = Vec::new();
    for _ in 0..waiting {
        let mut connection = Connection::open(instance.address).await?;
        connection.ask(&health).await?;
        idle.push(connection);
    }
    let connected = settled().await?.0;
    let mut held = Vec::new();
    // On the same connections: what waiting adds to one.
    for (mut connection, asking) in idle.into_iter().zip(asking) {
        connection.write(asking).await?;
        let head = connection.head().await?.context("closed instead of answered")?;
        ensure!(head.status() == status, "{name}: {}", head.first);
        // The first message, whatever it says.
        connection.something().await?;
        held.push(connection);
    }
    let waited = settled().await?.0;
    // Long enough that each has looked after its session.
    let before = instance.cpu()?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let cpu = (instance.cpu()? - before).as_secs_f64() / 10.0 / waiting as f64 * 1e6;
    let later = instance.memory()?.0;
    let each = |from: f64, to: f64| (to - from) * 1024.0 / waiting as f64;
    Row::new(
        format!("memory a {name}"),
        format!("{:.1} KiB, 10 s later {:.1} KiB", each(start, waited), each(start, later)),
    )
    .control(format!("{:.1} KiB", each(start, connected)))
    .against(format!("+ {:.1} KiB", each(connected, later)))
    .target(bound.and_then(|bound| at_most(each(start, later), bound, "KiB")))
    .print()?;
    Row::new("… CPU a second of each", format!("{cpu:.1} µs")).print()?;
    drop(held);
    Ok(())
}
