//! Every transaction has a deadline, and the queue an end.

use super::{Harness, add, gate, insert, notes, read, with, write};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use futures_util::{FutureExt as _, future::join_all};
use platform::{
    Code,
    db::{Options, Tx},
};
use std::time::Duration;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![an_endless_read_is_stopped, an_endless_write_is_stopped, a_full_queue_refuses].into()
}

/// Ends after a few seconds, so that a database that does not stop it fails and does not hang.
const ENDLESS: &str = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 12000000)
    select count(*) from n";

/// As [`ENDLESS`]; adds nothing.
pub async fn endless_write(tx: &mut Tx<'_>) -> platform::Result<()> {
    tx.query(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 12000000)
         insert into note_notes (number, part) select i, 0 from n where i > 11999999 and i < 0",
    )
    .run()
    .await?;
    Ok(())
}

fn short() -> Options {
    Options { deadline: Duration::from_millis(200), ..Options::default() }
}

async fn an_endless_read_is_stopped(harness: &dyn Harness) -> Result<()> {
    let db = with(harness, short()).await?;
    for _ in 0..3 {
        let endless = read(&*db, |tx| async move { tx.query(ENDLESS).value::<i64>().await }.boxed()).await;
        ensure!(endless.as_ref().is_err_and(|error| error.code() == Code::Timeout), "{endless:?}");
    }
    // as often as there are readers, or more: none of them is lost
    add(&*db, 1).await?;
    ensure!(notes(&*db).await?.len() == 1, "reading does not go on");
    Ok(())
}

async fn an_endless_write_is_stopped(harness: &dyn Harness) -> Result<()> {
    let db = with(harness, short()).await?;
    for endless in [
        write(&*db, |tx| async move { tx.query(ENDLESS).value::<i64>().await.map(drop) }.boxed()).await,
        write(&*db, |tx| async move { endless_write(tx).await }.boxed()).await,
    ] {
        ensure!(endless.as_ref().is_err_and(|error| error.code() == Code::Timeout), "{endless:?}");
    }
    add(&*db, 1).await?;
    ensure!(notes(&*db).await? == [(1, 3)], "the writer does not go on");
    Ok(())
}

async fn a_full_queue_refuses(harness: &dyn Harness) -> Result<()> {
    let db = with(harness, Options { queue: 4, ..Options::default() }).await?;
    let (gate, mut keeper) = gate();
    let first = write(&*db, move |tx| {
        let gate = gate.clone();
        async move {
            gate.pass();
            insert(tx, 0, 0).await
        }
        .boxed()
    });
    let more = async {
        keeper.is_reached().await?;
        let all = join_all((1..=20).map(|number| add(&*db, number)));
        let (all, ()) = tokio::join!(all, async { keeper.let_go() });
        anyhow::Ok(all)
    };
    let (first, more) = tokio::join!(first, more);
    first?;
    let (stored, refused): (Vec<_>, Vec<_>) = more?.into_iter().partition(Result::is_ok);
    ensure!(stored.len() >= 4, "{} of what fits is stored", stored.len());
    ensure!(!refused.is_empty(), "a queue without an end");
    for outcome in refused {
        ensure!(outcome.as_ref().is_err_and(|error| error.code() == Code::Unavailable), "{outcome:?}");
    }
    ensure!(notes(&*db).await?.len() == stored.len() + 1, "what was refused is stored all the same");
    add(&*db, 100).await?;
    Ok(())
}
