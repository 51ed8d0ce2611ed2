//! What Taifas adds to the time until the first token: the question is stored and the answer leased,
//! each with a synced commit, before the provider is asked.

use crate::{
    Setting,
    figures::{Row, Samples, at_most, median, section},
    instance::Instance,
    turn::{Asked, Client},
};
use anyhow::Result;
use futures_util::future::try_join_all;
use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const ROUNDS: usize = 5;

/// Who asks how often.
struct Crowd {
    clients: usize,
    turns: usize,
    /// Between an answer's end and the next question: half to one and a half times this.
    think: Duration,
    added_p50: f64,
    added_p99: Option<f64>,
}

/// Five rounds of each take about 20 s (one client) and 100 s (fifty).
const CROWDS: [Crowd; 2] = [
    Crowd { clients: 1, turns: 60, think: Duration::from_millis(25), added_p50: 3.0, added_p99: None },
    Crowd { clients: 50, turns: 10, think: Duration::from_millis(1000), added_p50: 6.0, added_p99: Some(20.0) },
];

pub async fn run(setting: &Setting) -> Result<()> {
    section(
        "First token",
        &format!(
            "A new chat each time, 33 tokens an answer, the first at once; \
             control: the same questions to the provider itself. Medians of {ROUNDS} alternating rounds."
        ),
    )?;
    let (instance, cookie) = setting.instance("first-token").await?;
    measure(setting, &instance, &Asked::Taifas { address: instance.address, cookie }, true).await?;
    instance.stop().await
}

/// The rows of every crowd that asks `taifas`.
pub async fn measure(setting: &Setting, instance: &Instance, taifas: &Asked, targets: bool) -> Result<()> {
    let direct = Asked::Provider(setting.provider);
    for crowd in &CROWDS {
        let turns = setting.scaled(crowd.turns);
        let mut rounds = Vec::new();
        // Connections, caches and pages are warm in both, as they are in use.
        crowd.round(taifas, 2).await?;
        for _ in 0..ROUNDS {
            let (mut alone, _) = crowd.round(&direct, turns).await?;
            let mut synced = syncs(&setting.scratch)?;
            let before = instance.cpu()?;
            let (mut through, rate) = crowd.round(taifas, turns).await?;
            let cpu = (instance.cpu()? - before).as_secs_f64() * 1e3 / through.len() as f64;
            let percentiles = |samples: &mut Samples| [50, 99].map(|percent| samples.percentile(percent));
            rounds.push((percentiles(&mut alone), percentiles(&mut through), percentiles(&mut synced), rate, cpu));
        }
        let of = |pick: &dyn Fn(&Round) -> f64| median(rounds.iter().map(pick).collect());
        let name = |what| format!("{what}, {} client(s), {:.1} questions/s", crowd.clients, of(&|round| round.3));
        let row = |at: usize, what| {
            Row::new(name(what), format!("{:.2} ms", of(&|round| round.1[at])))
                .control(format!("{:.2} ms", of(&|round| round.0[at])))
        };
        let added = of(&|round| round.1[0] - round.0[0]);
        let synced = of(&|round| round.2[0]);
        row(0, "first token p50")
            .against(format!("+ {added:.2} ms"))
            .target(at_most(added, crowd.added_p50, "ms added").filter(|_| targets))
            .print()?;
        let tail = of(&|round| round.1[1] - round.0[1]);
        let target = crowd.added_p99.filter(|_| targets).and_then(|bound| at_most(tail, bound, "ms added"));
        row(1, "first token p99").against(format!("+ {tail:.2} ms")).target(target).print()?;
        // The door stores no message before it asks: from what it adds nothing is taken off.
        let (writes, name) = if targets {
            (2.0, "… added p50 without two synced writes")
        } else {
            (0.0, "… added p50, a synced write")
        };
        let beyond = of(&|round| round.1[0] - round.0[0] - writes * round.2[0]);
        Row::new(name, format!("{beyond:.2} ms"))
            .control(format!("write + fdatasync of 4 KiB: {synced:.2} ms p50, {:.2} ms p99", of(&|round| round.2[1])))
            .print()?;
        Row::new("… server CPU a question and answer", format!("{:.2} ms", of(&|round| round.4))).print()?;
    }
    Ok(())
}

/// p50 and p99 of: the provider alone, through Taifas, a synced write; then questions a second and CPU.
type Round = ([f64; 2], [f64; 2], [f64; 2], f64, f64);

impl Crowd {
    /// First tokens of everybody's `turns` questions, and how many came a second.
    async fn round(&self, asked: &Asked, turns: usize) -> Result<(Samples, f64)> {
        let start = Instant::now();
        let clients = (0..self.clients).map(|number| async move {
            let mut client = Client::of(asked).await?;
            let mut samples = Samples::default();
            for turn in 0..turns {
                // Spread evenly, the same in every round: randomness would only add noise.
                let spread = ((number * 7 + turn * 13) % 50) as f64 / 50.0;
                sleep(self.think.mul_f64(0.5 + spread)).await;
                samples.add(client.ask("paced").await?.first);
            }
            anyhow::Ok(samples)
        });
        let mut all = Samples::default();
        for samples in try_join_all(clients).await? {
            all.extend(samples);
        }
        let rate = all.len() as f64 / start.elapsed().as_secs_f64();
        Ok((all, rate))
    }
}

/// What the disk itself takes for a small synced write.
pub fn syncs(folder: &Path) -> Result<Samples> {
    let file = File::create(folder.join("synced"))?;
    let block = [7_u8; 4096];
    for at in 0..64 {
        file.write_all_at(&block, at * 4096)?;
    }
    file.sync_all()?;
    let mut samples = Samples::default();
    for at in 0..100 {
        let start = Instant::now();
        file.write_all_at(&block, at % 64 * 4096)?;
        file.sync_data()?;
        samples.add(start.elapsed());
    }
    Ok(samples)
}
