//! `kill -9` at every point of a message's way, for models that go on, that go on when asked, and
//! that cannot.

use super::{
    crowd::{Crowd, Fate},
    dice::Dice,
    kills::{Case, Kill, MODELS, prepared, run},
    ledger::{Ledger, Stage},
};
use crate::harness::{Binary, Database};
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// A point, the pass at which to die, and where the reply stands then.
const POINTS: &[(&str, u32, Stage)] = &[
    // the door has the request
    ("G1", 1, Stage::Before),
    // the message is being stored
    ("C1", 1, Stage::Before),
    // it is stored and not acknowledged
    ("C2", 1, Stage::Before),
    // half of the acknowledgement is on its way
    ("G2", 1, Stage::Within),
    // somebody has read the event of it
    ("R1.message.sent", 1, Stage::Before),
    // a worker has the lease
    ("A1", 1, Stage::Before),
    // the provider was asked
    ("A2", 1, Stage::Before),
    // the first piece came and is not on the stream; the ninth
    ("A3", 1, Stage::Before),
    ("A3", 9, Stage::Within),
    // pieces are on the stream: the first, some, many
    ("A4", 1, Stage::Within),
    ("A4", 7, Stage::Within),
    ("A4", 33, Stage::Within),
    // half of a piece is on its way to the reader
    ("S1", 1, Stage::Within),
    ("S1", 12, Stage::Within),
    // the provider has said its end, the stream does not know it
    ("A5", 1, Stage::Within),
    // the stream knows it, chat does not
    ("A6", 1, Stage::After),
    // chat knows it, the stream's readers do not
    ("A7", 1, Stage::After),
    // only the lease is not closed
    ("A8", 1, Stage::After),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_breaks_whatever_the_point_of_death() -> Result<()> {
    let points = POINTS.iter().enumerate().map(|(number, point)| async move {
        at(number, *point).await.with_context(|| format!("{}:{}", point.0, point.1))
    });
    let kills: Vec<usize> = stream::iter(points).buffer_unordered(4).try_collect().await?;
    let kills: usize = kills.iter().sum();
    ensure!(kills >= 3 * POINTS.len(), "only {kills} kills");
    Ok(())
}

/// One server, killed there once for each model.
async fn at(number: usize, (name, pass, stage): (&'static str, u32, Stage)) -> Result<usize> {
    let (mut server, client) = prepared(Binary::Failpoints).await?;
    let mut ledger = Ledger::default();
    for (model, seed) in MODELS.into_iter().zip(number..) {
        if server.pid().is_ok() {
            // the next kill is of the next message
            Database::settled(&server).await?;
            server.stop().await?;
        }
        let case = Case::new(model, Kill::Point { name, pass, stage }, seed);
        run(&mut server, &client, &case, "", &mut ledger)
            .await
            .with_context(|| format!("{case:?}: {}", server.log_end()))?;
    }
    ledger.close(&mut server).await?;
    ledger.verdict()?;
    Ok(ledger.kills)
}

/// The points for a crowd, each with how often it is passed in a round, about.
pub const CROWDED: &[(&str, u64)] = &[
    ("G1", 9),
    ("C1", 5),
    ("C2", 5),
    ("G2", 5),
    ("R1", 30),
    ("R1.message.sent", 8),
    ("R2", 4),
    ("R2.ai", 2),
    ("A1", 6),
    ("A2", 6),
    ("A3", 300),
    ("A4", 200),
    ("A5", 5),
    ("A6", 5),
    ("A7", 5),
    ("A8", 5),
    ("S1", 200),
    ("N1", 2),
    ("Y1", 5),
    ("T1", 1),
    ("U1", 1),
];

/// A pass of a point.
pub fn fate((name, passes): (&str, u64), dice: &mut Dice) -> Fate {
    Fate::Point(format!("{name}:{}", 1 + dice.roll(passes)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_breaks_for_a_crowd() -> Result<()> {
    let points = CROWDED.iter().zip(1..).map(|(point, seed)| async move {
        let kills = crowded(*point, seed).await.with_context(|| format!("{}, seed {seed}", point.0))?;
        ensure!(kills >= 3, "{} is not reached: {kills} kills", point.0);
        Ok(kills)
    });
    let kills: Vec<usize> = stream::iter(points).buffer_unordered(4).try_collect().await?;
    ensure!(kills.iter().sum::<usize>() >= 3 * CROWDED.len());
    Ok(())
}

/// One server with its people, until it has died there three times.
async fn crowded(point: (&str, u64), seed: u64) -> Result<usize> {
    let (mut crowd, mut dice) = (Crowd::gather(Binary::Failpoints, "").await?, Dice::new(seed));
    for _ in 0..12 {
        let (fate, seed) = (fate(point, &mut dice), dice.roll(1 << 40));
        crowd.round(&fate, seed).await.with_context(|| format!("{fate:?}, seed {seed}: {}", crowd.server.log_end()))?;
        if crowd.ledger.kills >= 3 {
            break;
        }
    }
    let (ledger, _) = crowd.leave().await?;
    ledger.verdict()?;
    Ok(ledger.kills)
}
