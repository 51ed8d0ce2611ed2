//! `kill -9` at every point of a message's way, for models that go on, that go on when asked, and
//! that cannot.

use super::{
    kills::{Case, Kill, MODELS, prepared, run},
    ledger::{Ledger, Stage},
};
use crate::harness::{Binary, Database};
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// A point, the pass at which to die, and where the reply stands then.
const POINTS: &[(&str, u32, Stage)] = &[
    // the message is being stored
    ("C1", 1, Stage::Before),
    // it is stored and not acknowledged
    ("C2", 1, Stage::Before),
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
