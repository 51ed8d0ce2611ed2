//! What a message waits for until it is safe: it is acknowledged after a synced commit.

use crate::{
    Setting,
    figures::{Row, Samples, at_most, median, section},
    first_token::syncs,
    people::{Amount, Member, settle},
    wire::{Connection, request},
};
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use std::time::{Duration, Instant};
use tokio::time::sleep_until;
use uuid::Uuid;

const PEOPLE: usize = 50;
const A_SECOND: usize = 200;
const SECONDS: usize = 10;
const ROUNDS: usize = 3;

pub async fn run(setting: &Setting) -> Result<()> {
    section(
        "Acknowledged messages",
        &format!(
            "{A_SECOND} messages a second of {PEOPLE} people, each a chat of its own that is answered with one token, at \
             fixed times for {SECONDS} s whether or not the earlier ones were acknowledged. Medians of {ROUNDS} rounds.",
        ),
    )?;
    let amount = Amount { people: PEOPLE, chats: 1, turns_of_the_long_one: 1, searchers: 0 };
    let (instance, members) = settle(setting, "acks", amount).await?;
    let count = setting.scaled(A_SECOND * SECONDS);
    let mut rounds = Vec::new();
    round(&instance.address, &members, count / 10).await?;
    for _ in 0..ROUNDS {
        let mut synced = syncs(&setting.scratch)?;
        let mut acks = round(&instance.address, &members, count).await?;
        rounds.push([50, 99].map(|percent| (acks.percentile(percent), synced.percentile(percent))));
    }
    for (at, percent, bound) in [(0, 50, 2.0), (1, 99, 20.0)] {
        let ack = median(rounds.iter().map(|round| round[at].0).collect());
        let synced = median(rounds.iter().map(|round| round[at].1).collect());
        Row::new(format!("acknowledged, p{percent}"), format!("{ack:.2} ms"))
            .control(format!("write + fdatasync of 4 KiB: {synced:.2} ms"))
            .against(format!("+ {:.2} ms", ack - synced))
            .target(at_most(ack, bound, "ms"))
            .print()?;
    }
    instance.stop().await
}

/// From the moment a message was due until its acknowledgement was here whole.
async fn round(address: &std::net::SocketAddr, members: &[Member], count: usize) -> Result<Samples> {
    let start = tokio::time::Instant::now();
    let people = members.iter().enumerate().map(|(number, member)| async move {
        let mut connection = Connection::open(*address).await?;
        let mut samples = Samples::default();
        for turn in (number..count).step_by(members.len()) {
            let due = start + Duration::from_secs_f64(turn as f64 / A_SECOND as f64);
            sleep_until(due).await;
            let (chat, message) = (Uuid::now_v7(), Uuid::now_v7());
            let body = format!(r#"{{"id":"{message}","parent_id":null,"text":"Is it safe?","model":"openai/short"}}"#);
            let headers = format!("cookie: {}\r\nx-csrf: 1\r\nidempotency-key: {message}\r\n", member.cookie);
            let message = request(&format!("POST /api/v1/chats/{chat}/messages"), &headers, &body);
            let (head, body) = connection.ask(&message).await?;
            ensure!(
                (200..300).contains(&head.status()),
                "not acknowledged: {} {}",
                head.first,
                String::from_utf8_lossy(&body)
            );
            samples.add(Instant::now().saturating_duration_since(due.into_std()));
        }
        anyhow::Ok(samples)
    });
    let mut all = Samples::default();
    for samples in try_join_all(people).await? {
        all.extend(samples);
    }
    Ok(all)
}
