//! What somebody costs who hears nothing: the tab left open on a long answer, and the live feed that
//! every open browser holds.

use crate::{
    Setting,
    figures::{Row, section},
    instance::Instance,
    turn::{Asked, Client},
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use uuid::Uuid;

const WAITING: usize = 500;
const WARMING: usize = 300;

pub async fn run(setting: &Setting) -> Result<()> {
    let waiting = setting.scaled(WAITING);
    section(
        "Who waits and hears nothing",
        &format!("{waiting} of each: readers of one unfinished answer, live feeds; control: as many idle connections."),
    )?;
    let (instance, cookie) = setting.instance("idle").await?;
    let taifas = Asked::Taifas { address: instance.address, cookie: cookie.clone() };
    let mut client = Client::of(&taifas).await?;
    for _ in 0..WARMING {
        client.ask("short").await?;
    }
    // What the password's hash took is given back when its thread ends; only then is the start a fair one.
    tokio::time::sleep(Duration::from_secs(12)).await;
    // The server closes connections that have been quiet for so long.
    let mut client = Client::of(&taifas).await?;
    let heard = client.begin(Uuid::now_v7(), None, "hanging").await?;
    let follow = format!("GET /api/v1/replies/{}/stream", heard.reply()?);
    let events = format!("cookie: {cookie}\r\naccept: text/event-stream\r\n");
    measure(&instance, waiting, "follower of an answer", &request(&follow, &events, ""), 200).await?;
    measure(&instance, waiting, "live feed, Server-Sent Events", &request("GET /api/v1/live", &events, ""), 200)
        .await?;
    let upgrade = format!(
        "cookie: {cookie}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: http://127.0.0.1\r\n"
    );
    measure(&instance, waiting, "live feed, WebSocket", &request("GET /api/v1/live", &upgrade, ""), 101).await?;
    // Its answer never ends; there is nothing to wait for.
    drop(instance);
    Ok(())
}

/// So many idle connections, and then what each of them becomes by asking.
async fn measure(instance: &Instance, waiting: usize, name: &str, asking: &[u8], status: u16) -> Result<()> {
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
    for mut connection in idle {
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
    .print()?;
    Row::new("… CPU a second of each", format!("{cpu:.1} µs")).print()?;
    drop(held);
    // Their memory must not be taken for the next ones' start.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(())
}
