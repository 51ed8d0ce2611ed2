//! What a follower costs that hears nothing: the tab somebody left open on a long answer.

use crate::{
    Setting,
    figures::{Row, section},
    turn::{Asked, Client},
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use uuid::Uuid;

const FOLLOWERS: usize = 500;
const WARMING: usize = 300;

pub async fn run(setting: &Setting) -> Result<()> {
    section(
        "Followers that wait",
        &format!("{FOLLOWERS} readers of one unfinished answer; control: as many idle connections."),
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
    let follow = request(
        &format!("GET /api/v1/replies/{}/stream", heard.reply()?),
        &format!("cookie: {cookie}\r\naccept: text/event-stream\r\n"),
        "",
    );
    let health = request("GET /healthz", "", "");
    let settled = || async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        instance.memory()
    };

    let start = settled().await?.0;
    let mut idle = Vec::new();
    for _ in 0..FOLLOWERS {
        let mut connection = Connection::open(instance.address).await?;
        connection.ask(&health).await?;
        idle.push(connection);
    }
    let connected = settled().await?.0;
    let mut followers = Vec::new();
    // On the same connections: what a follower adds to one.
    for mut connection in idle {
        connection.write(&follow).await?;
        let head = connection.head().await?.context("closed instead of followed")?;
        ensure!(head.status() == 200, "not followed: {}", head.first);
        connection.piece().await?.context("no snapshot")?;
        followers.push(connection);
    }
    let followed = settled().await?.0;
    // Long enough that each has looked after its reply and its session.
    let before = instance.cpu()?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let cpu = (instance.cpu()? - before).as_secs_f64() / 10.0 / FOLLOWERS as f64 * 1e6;
    let later = instance.memory()?.0;
    let each = |from: f64, to: f64| (to - from) * 1024.0 / FOLLOWERS as f64;
    Row::new(
        "memory a follower",
        format!("{:.1} KiB, 10 s later {:.1} KiB", each(start, followed), each(start, later)),
    )
    .control(format!("{:.1} KiB", each(start, connected)))
    .against(format!("+ {:.1} KiB", each(connected, later)))
    .print()?;
    Row::new("CPU a second and follower", format!("{cpu:.1} µs")).print()?;
    drop(followers);
    // Its answer never ends; there is nothing to wait for.
    drop(instance);
    Ok(())
}
