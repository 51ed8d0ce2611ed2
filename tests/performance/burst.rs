//! A whole company begins a chat in the same moment: every answer must come, complete, and be stored.

use crate::{
    Setting,
    figures::{Row, Samples, section},
    people::{Amount, settle},
    provider::HUNDRED_TOKENS,
    turn::{Asked, Client, Heard},
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::Value;
use std::time::Instant;
use uuid::Uuid;

const CHATS: usize = 1_000;
const PEOPLE: usize = 50;

pub async fn run(setting: &Setting) -> Result<()> {
    let chats = setting.scaled(CHATS);
    section(
        "A thousand chats at once",
        &format!(
            "{chats} new chats of {PEOPLE} people begin in the same moment, {HUNDRED_TOKENS} tokens an answer at 50 \
             tokens/s; control: as many questions to the provider itself."
        ),
    )?;
    let amount = Amount { people: PEOPLE, chats: 1, turns_of_the_long_one: 1, searchers: PEOPLE };
    let (instance, members) = settle(setting, "burst", amount).await?;
    let direct = Asked::Provider(setting.provider);
    let mut alone = crowd(chats, |_| direct.clone()).await?;
    let before = instance.cpu()?;
    let mut through = crowd(chats, |number| Asked::Taifas {
        address: instance.address,
        cookie: members[number % PEOPLE].cookie.clone(),
    })
    .await?;
    let cpu = (instance.cpu()? - before).as_secs_f64();
    let memory = instance.memory()?.0;
    let mut stored = 0;
    let mut connection = Connection::open(instance.address).await?;
    for (number, chat) in through.chats.iter().enumerate() {
        let cookie = &members[number % PEOPLE].cookie;
        let open = request(&format!("GET /api/v1/chats/{chat}"), &format!("cookie: {cookie}\r\n"), "");
        let (head, body) = connection.ask(&open).await?;
        ensure!(head.status() == 200, "chat {number}: {}", head.first);
        let body: Value = serde_json::from_slice(&body)?;
        let reply = &body["messages"][1];
        let tokens = reply["text"].as_str().context("a text")?.matches(" word").count();
        stored += usize::from(reply["state"] == "complete" && tokens == HUNDRED_TOKENS);
    }
    let all = chats * HUNDRED_TOKENS;
    let whole = |crowd: &Crowd| format!("{} of {chats}, {} of {all} tokens", crowd.ended, crowd.tokens);
    Row::new("answers that ended, tokens that came", whole(&through)).control(whole(&alone)).print()?;
    Row::new("stored complete, every token in it", format!("{stored} of {chats}")).print()?;
    Row::new("from the first question to the last end", format!("{:.2} s", through.seconds))
        .control(format!("{:.2} s", alone.seconds))
        .against(format!("× {:.2}", through.seconds / alone.seconds))
        .print()?;
    for (percent, name) in [(50, "first token p50"), (99, "first token p99")] {
        let (value, control) = (through.first.percentile(percent), alone.first.percentile(percent));
        Row::new(name, format!("{value:.0} ms"))
            .control(format!("{control:.0} ms"))
            .against(format!("+ {:.0} ms", value - control))
            .print()?;
    }
    Row::new("server CPU, memory afterwards", format!("{cpu:.2} s, {memory:.0} MiB RSS")).print()?;
    ensure!(stored == chats && through.tokens == all, "something was lost");
    instance.stop().await
}

struct Crowd {
    chats: Vec<Uuid>,
    first: Samples,
    ended: usize,
    tokens: usize,
    seconds: f64,
}

/// Everybody has a connection, and then all ask.
async fn crowd(count: usize, asked: impl Fn(usize) -> Asked) -> Result<Crowd> {
    let mut clients = Vec::new();
    for number in 0..count {
        clients.push((Uuid::now_v7(), Client::of(&asked(number)).await?));
    }
    let start = Instant::now();
    let heard = try_join_all(clients.iter_mut().map(|(chat, client)| client.ask_in(*chat, None, "hundred"))).await?;
    let seconds = start.elapsed().as_secs_f64();
    let mut first = Samples::default();
    heard.iter().for_each(|heard| first.add(heard.first));
    let tokens = heard.iter().map(|heard: &Heard| heard.delays.len()).sum();
    Ok(Crowd { chats: clients.into_iter().map(|(chat, _)| chat).collect(), first, ended: heard.len(), tokens, seconds })
}
