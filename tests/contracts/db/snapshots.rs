//! What readers see, and when those who wait for a commit are woken.

use super::{Harness, add, fresh, gate, insert, notes, read, write};
use crate::suite::{Check, checks};
use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use platform::{Code, Error};
use std::time::Duration;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        a_read_sees_one_moment,
        a_read_cannot_write,
        who_waits_is_woken_after_the_commit,
        a_failed_transaction_wakes_nobody,
        topics_are_told_apart,
    ]
    .into()
}

async fn a_read_sees_one_moment(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    add(&*db, 1).await?;
    let (gate, mut keeper) = gate();
    let count = "select count(*) from note_notes";
    let reading = read(&*db, move |tx| {
        let gate = gate.clone();
        async move {
            let before = tx.query(count).value::<i64>().await?;
            gate.pass();
            Ok((before, tx.query(count).value::<i64>().await?))
        }
        .boxed()
    });
    let writing = async {
        keeper.is_reached().await?;
        let written = tokio::time::timeout(Duration::from_secs(5), add(&*db, 2)).await;
        keeper.let_go();
        written.context("a reader holds up a writer")??;
        anyhow::Ok(())
    };
    let (seen, written) = tokio::join!(reading, writing);
    written?;
    ensure!(seen? == (Some(3), Some(3)), "a read sees what was written while it ran");
    ensure!(notes(&*db).await?.len() == 2, "the next read does not see it");
    Ok(())
}

async fn a_read_cannot_write(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let written = read(&*db, |tx| async move { insert(tx, 1, 0).await }.boxed()).await;
    ensure!(written.is_err(), "a read has written");
    ensure!(notes(&*db).await?.is_empty(), "a read has left something");
    Ok(())
}

async fn who_waits_is_woken_after_the_commit(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let mut woken = db.committed("notes");
    for number in 0..50 {
        woken.borrow_and_update();
        let writing = write(&*db, move |tx| {
            async move {
                tx.announce("notes");
                insert(tx, number, 0).await
            }
            .boxed()
        });
        let seeing = async {
            tokio::time::timeout(Duration::from_secs(1), woken.changed()).await.context("nobody is woken")??;
            anyhow::Ok(notes(&*db).await?.last().copied())
        };
        let (written, seen) = tokio::join!(writing, seeing);
        written?;
        ensure!(seen? == Some((number, 1)), "woken before {number} could be seen");
    }
    Ok(())
}

async fn a_failed_transaction_wakes_nobody(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let mut woken = db.committed("notes");
    woken.borrow_and_update();
    let failed = write(&*db, |tx| {
        async move {
            tx.announce("notes");
            Err::<(), _>(Error::stale("no"))
        }
        .boxed()
    })
    .await;
    ensure!(failed.is_err_and(|error| error.code() == Code::Stale), "it has not failed");
    // what was announced by then would have been delivered with the next commit at the latest
    add(&*db, 1).await?;
    ensure!(!woken.has_changed()?, "woken by a transaction that failed");
    Ok(())
}

async fn topics_are_told_apart(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let (mut notes, mut others) = (db.committed("notes"), db.committed("others"));
    notes.borrow_and_update();
    others.borrow_and_update();
    write(&*db, |tx| {
        async move {
            tx.announce("notes");
            Ok(())
        }
        .boxed()
    })
    .await?;
    ensure!(notes.has_changed()?, "not woken");
    ensure!(!others.has_changed()?, "woken for another topic");
    Ok(())
}
