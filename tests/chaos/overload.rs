//! F41: more requests than can be served. Peak is what a closed loop of people reaches; then so many
//! times that much is offered, whether it is served or not.

use crate::harness::{Draft, ready};
use anyhow::{Result, ensure};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde_json::json;
use std::time::{Duration, Instant};

/// People who send one after the other.
const PEOPLE: usize = 12;

/// Accepted sends in a second: at the peak, at twice and five times as much, and afterwards.
#[derive(Debug)]
pub struct Goodput {
    pub peak: f64,
    pub offered: Vec<(u32, f64)>,
    pub after: f64,
    /// Answers that were neither an acceptance nor a refusal to come again.
    pub wrong: usize,
}

pub async fn overload(length: Duration) -> Result<Goodput> {
    let (mut server, owner) = ready(&[("TAIFAS__GATEWAY__WRITES_PER_MINUTE", "10000000")]).await?;
    let draft = || Draft::new("continues", &json!({"tokens": 2, "delay_ms": 0}));
    let closed = async || -> Result<f64> {
        let start = Instant::now();
        let people = (0..PEOPLE).map(|_| async {
            let mut accepted = 0;
            while start.elapsed() < length {
                accepted += usize::from(owner.send_raw(&draft()).await?.status == 202);
            }
            Ok::<_, anyhow::Error>(accepted)
        });
        let accepted: usize = futures_util::future::try_join_all(people).await?.into_iter().sum();
        Ok(accepted as f64 / start.elapsed().as_secs_f64())
    };
    closed().await?;
    let peak = closed().await?;
    let (mut offered, mut wrong) = (Vec::new(), 0);
    for times in [2, 5] {
        let (start, mut open, mut accepted) = (Instant::now(), FuturesUnordered::new(), 0);
        let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / (peak * f64::from(times))));
        loop {
            tokio::select! {
                _ = pace.tick(), if start.elapsed() < length => {
                    let draft = draft();
                    let owner = &owner;
                    open.push(async move { owner.send_raw(&draft).await });
                }
                Some(answer) = open.next(), if !open.is_empty() => match answer {
                    Ok(answer) if answer.status == 202 => accepted += 1,
                    Ok(answer) if matches!(answer.status, 429 | 503) => {}
                    Ok(_) => wrong += 1,
                    // ours: it waited longer than a person does
                    Err(_) => {}
                },
                else => break,
            }
        }
        offered.push((times, f64::from(accepted) / start.elapsed().as_secs_f64()));
    }
    let after = closed().await?;
    ensure!(owner.get("/readyz").await?.status == 200, "it is not ready afterwards");
    server.stop().await?;
    Ok(Goodput { peak, offered, after, wrong })
}
