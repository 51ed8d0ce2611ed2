//! What the way through Taifas costs each token while many answers are written.

use crate::{
    Setting,
    figures::{Row, Samples, median, section},
    provider::FAST_TOKENS,
    turn::{Asked, Client},
};
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const STREAMS: usize = 50;
const ROUNDS: usize = 3;

pub async fn run(setting: &Setting) -> Result<()> {
    section(
        "Tokens on their way",
        &format!(
            "{STREAMS} answers at the same time, 200 tokens/s each, {FAST_TOKENS} tokens; from the provider's hand to \
             the client's; control: the provider itself. Medians of {ROUNDS} alternating rounds."
        ),
    )?;
    let (instance, cookie) = setting.instance("relay").await?;
    let taifas = Asked::Taifas { address: instance.address, cookie };
    let direct = Asked::Provider(setting.provider);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let alone = round(&direct).await?;
        let before = instance.cpu()?;
        let through = round(&taifas).await?;
        let cpu = (instance.cpu()? - before).as_secs_f64();
        rounds.push((alone, through, cpu));
    }
    let of = |pick: &dyn Fn(&(Sent, Sent, f64)) -> f64| median(rounds.iter().map(pick).collect());
    for (at, name) in [(0, "token latency p50"), (1, "token latency p99")] {
        Row::new(name, format!("{:.2} ms", of(&|round| round.1.latency[at])))
            .control(format!("{:.2} ms", of(&|round| round.0.latency[at])))
            .against(format!("+ {:.2} ms", of(&|round| round.1.latency[at] - round.0.latency[at])))
            .print()?;
    }
    Row::new("tokens/s delivered", format!("{:.0}", of(&|round| round.1.rate)))
        .control(format!("{:.0}", of(&|round| round.0.rate)))
        .against(format!("× {:.2}", of(&|round| round.1.rate / round.0.rate)))
        .print()?;
    Row::new("tokens in one part of the response", format!("{:.2}", of(&|round| round.1.together)))
        .control(format!("{:.2}", of(&|round| round.0.together)))
        .print()?;
    let cpu = of(&|round| round.2 / (STREAMS * FAST_TOKENS) as f64 * 1e6);
    Row::new("server CPU a thousand tokens", format!("{:.4} s ({cpu:.1} µs a token)", cpu / 1e3)).print()?;
    instance.stop().await
}

/// One round: p50 and p99 of a token's way, tokens a second, tokens in one part.
struct Sent {
    latency: [f64; 2],
    rate: f64,
    together: f64,
}

async fn round(asked: &Asked) -> Result<Sent> {
    let start = Instant::now();
    let streams = (0..STREAMS).map(|number| async move {
        // Not all in the same millisecond: people do not begin together either.
        sleep(Duration::from_millis(number as u64 * 7)).await;
        Client::of(asked).await?.ask("fast").await
    });
    let heard = try_join_all(streams).await?;
    let seconds = start.elapsed().as_secs_f64();
    let (mut samples, mut parts) = (Samples::default(), 0);
    for heard in heard {
        ensure!(heard.delays.len() == FAST_TOKENS, "{} of {FAST_TOKENS} tokens came", heard.delays.len());
        parts += heard.parts;
        heard.delays.into_iter().for_each(|delay| samples.add(delay));
    }
    let tokens = samples.len() as f64;
    Ok(Sent {
        latency: [50, 99].map(|percent| samples.percentile(percent)),
        rate: tokens / seconds,
        together: tokens / parts as f64,
    })
}
