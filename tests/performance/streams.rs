//! A thousand answers at the same time, for as long as a long answer takes: what a token costs then,
//! how even they come, and the memory it takes.

use crate::{
    Setting,
    figures::{Row, Samples, at_most, section},
    instance::Instance,
    people::{Amount, settle},
    provider::STEADY_TOKENS,
    turn::{Asked, Client},
};
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

const STREAMS: usize = 1_000;
const PEOPLE: usize = 50;
/// All have begun before the window, none ends in it.
const BEGIN: Duration = Duration::from_secs(5);
const WINDOW: Duration = Duration::from_secs(8);
/// Tokens of one answer a second.
const RATE: f64 = 50.0;

pub async fn run(setting: &Setting) -> Result<()> {
    let streams = setting.scaled(STREAMS);
    section(
        "A thousand answers at the same time",
        &format!(
            "{streams} answers of {STEADY_TOKENS} tokens at {RATE:.0} tokens/s each, begun within {} s; looked at while \
             all are written. Control: the provider itself.",
            BEGIN.as_secs()
        ),
    )?;
    let amount = Amount { people: PEOPLE, chats: 1, turns_of_the_long_one: 1, searchers: 0 };
    let (instance, members) = settle(setting, "streams", amount).await?;
    // What the passwords' hashes took is given back when their threads end.
    sleep(Duration::from_secs(12)).await;
    let direct = Asked::Provider(setting.provider);
    let mut alone = crowd(streams, |_| direct.clone()).await?;
    let through = crowd(streams, |number| Asked::Taifas {
        address: instance.address,
        cookie: members[number % PEOPLE].cookie.clone(),
    });
    let (through, (cpu, memory)) = tokio::join!(through, watch(&instance));
    let (mut through, cpu, memory) = (through?, cpu?, memory?);
    let expected = streams * STEADY_TOKENS;
    for (heard, who) in [(&through, "Taifas"), (&alone, "the provider")] {
        ensure!(heard.tokens == expected, "{} of {expected} tokens came from {who}", heard.tokens);
    }
    let token = cpu.as_secs_f64() * 1e6 / (RATE * streams as f64 * WINDOW.as_secs_f64());
    Row::new("server CPU a token", format!("{token:.1} µs")).target(at_most(token, 15.0, "µs")).print()?;
    let [gap, control] = [&mut through, &mut alone].map(|heard| heard.gaps.percentile(99));
    Row::new("between two tokens of an answer, p99", format!("{gap:.1} ms"))
        .control(format!("{control:.1} ms"))
        .against(format!("× {:.2}", gap / control))
        .target(at_most(gap / control, 2.0, "times"))
        .print()?;
    for percent in [50, 99] {
        let [late, control] = [&mut through, &mut alone].map(|heard| heard.delays.percentile(percent));
        Row::new(format!("token latency p{percent}"), format!("{late:.2} ms"))
            .control(format!("{control:.2} ms"))
            .against(format!("+ {:.2} ms", late - control))
            .print()?;
    }
    Row::new("memory while all are written", format!("{memory:.0} MiB RSS"))
        .target(at_most(memory, 150.0, "MiB"))
        .print()?;
    instance.stop().await
}

/// The CPU of the window, and the most memory in it.
async fn watch(instance: &Instance) -> (Result<Duration>, Result<f64>) {
    sleep(BEGIN).await;
    let before = instance.cpu();
    let mut most = 0.0_f64;
    for _ in 0..8 {
        sleep(WINDOW / 8).await;
        most = most.max(instance.memory().map_or(f64::NAN, |memory| memory.0));
    }
    let cpu = before.and_then(|before| Ok(instance.cpu()? - before));
    (cpu, Ok(most))
}

struct Crowd {
    tokens: usize,
    delays: Samples,
    gaps: Samples,
}

async fn crowd(count: usize, asked: impl Fn(usize) -> Asked) -> Result<Crowd> {
    let mut clients = Vec::new();
    for number in 0..count {
        clients.push(Client::of(&asked(number)).await?);
    }
    let answers = clients.iter_mut().enumerate().map(|(number, client)| async move {
        sleep(BEGIN.mul_f64(number as f64 / count as f64 * 0.9)).await;
        client.ask_in(Uuid::now_v7(), None, "steady").await
    });
    let mut heard = Crowd { tokens: 0, delays: Samples::default(), gaps: Samples::default() };
    for answer in try_join_all(answers).await? {
        heard.tokens += answer.delays.len();
        answer.delays.into_iter().for_each(|delay| heard.delays.add(delay));
        for pair in answer.arrivals.windows(2) {
            heard.gaps.add(Duration::from_nanos(pair[1] - pair[0]));
        }
    }
    Ok(heard)
}
