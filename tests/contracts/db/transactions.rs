//! What a transaction promises: all or nothing, whatever becomes of the others that share its commit.

use super::{Database, Harness, add, aside, fresh, gate, insert, notes, with, write};
use crate::suite::{Check, checks};
use anyhow::{Context as _, Result, ensure};
use futures_util::{FutureExt as _, future::join_all};
use platform::{Code, Error, db::Options};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::unbounded_channel;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        what_is_written_is_read,
        what_is_acknowledged_is_visible,
        what_is_acknowledged_survives_reopening,
        a_failed_transaction_leaves_nothing,
        others_of_a_group_are_untouched,
        an_interrupted_write_takes_no_other_with_it,
        after_a_failed_statement_nothing_is_stored,
        waiting_for_something_else_is_an_error,
        what_exists_already_is_a_conflict,
        a_caller_who_gives_up_changes_nothing,
        writers_share_commits,
        instances_are_apart,
    ]
    .into()
}

async fn what_is_written_is_read(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    ensure!(notes(&*db).await?.is_empty(), "not empty");
    let value = write(&*db, |tx| {
        async move {
            insert(tx, 1, 0).await?;
            insert(tx, 1, 1).await?;
            tx.query("select count(*) from note_notes").value::<i64>().await
        }
        .boxed()
    })
    .await?;
    ensure!(value == Some(2), "a transaction sees {value:?} of its own two rows");
    ensure!(notes(&*db).await? == [(1, 2)], "{:?}", notes(&*db).await?);
    Ok(())
}

async fn what_is_acknowledged_is_visible(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    for number in 0..50 {
        add(&*db, number).await?;
        let last = notes(&*db).await?.last().copied();
        ensure!(last == Some((number, 3)), "{last:?} is shown after {number} was acknowledged");
    }
    Ok(())
}

async fn what_is_acknowledged_survives_reopening(harness: &dyn Harness) -> Result<()> {
    for number in 0..5 {
        let db = fresh(harness).await?;
        ensure!(notes(&*db).await? == (0..number).map(|n| (n, 3)).collect::<Vec<_>>(), "lost before {number}");
        add(&*db, number).await?;
    }
    Ok(())
}

async fn a_failed_transaction_leaves_nothing(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let failed = write(&*db, |tx| {
        async move {
            insert(tx, 1, 0).await?;
            Err::<(), _>(Error::stale("changed my mind"))
        }
        .boxed()
    })
    .await;
    ensure!(failed.is_err_and(|error| error.code() == Code::Stale), "another error than the closure's");
    let panicked = write(&*db, |tx| {
        async move {
            insert(tx, 2, 0).await?;
            fault()
        }
        .boxed()
    })
    .await;
    ensure!(panicked.is_err_and(|error| error.code() == Code::Internal), "a panic is no fault");
    ensure!(notes(&*db).await?.is_empty(), "{:?} of what failed", notes(&*db).await?);
    add(&*db, 3).await?;
    ensure!(notes(&*db).await? == [(3, 3)], "{:?}", notes(&*db).await?);
    Ok(())
}

/// A panic without a word on standard error.
fn fault() -> platform::Result<()> {
    std::panic::resume_unwind(Box::new("a fault"))
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Stored,
    Fails,
    Panics,
    Conflicts,
}

async fn others_of_a_group_are_untouched(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    add(&*db, 0).await?;
    let fate = |number: i64| match number % 10 {
        3 => Fate::Fails,
        5 => Fate::Panics,
        7 => Fate::Conflicts,
        _ => Fate::Stored,
    };
    let all = (1..=200).map(|number| {
        let db = &*db;
        async move {
            let fate = fate(number);
            let outcome = write(db, move |tx| {
                async move {
                    for part in 0..3 {
                        insert(tx, number, part).await?;
                    }
                    match fate {
                        Fate::Stored => Ok(()),
                        Fate::Fails => Err(Error::stale("no")),
                        Fate::Panics => fault(),
                        Fate::Conflicts => insert(tx, 0, 0).await,
                    }
                }
                .boxed()
            })
            .await;
            ensure!(outcome.is_ok() == (fate == Fate::Stored), "{number} says {outcome:?}");
            Ok(())
        }
    });
    join_all(all).await.into_iter().collect::<Result<()>>()?;
    let expected: Vec<_> = (0..=200).filter(|n| fate(*n) == Fate::Stored).map(|number| (number, 3)).collect();
    let stored = notes(&*db).await?;
    ensure!(stored == expected, "{} of {} are stored", stored.len(), expected.len());
    Ok(())
}

/// Nothing in an engine may let one statement that is stopped undo what others have done.
async fn an_interrupted_write_takes_no_other_with_it(harness: &dyn Harness) -> Result<()> {
    let db = with(harness, Options { deadline: Duration::from_millis(200), ..Options::default() }).await?;
    let (gate, mut keeper) = gate();
    let first = write(&*db, move |tx| {
        let gate = gate.clone();
        async move {
            gate.pass();
            insert(tx, 0, 0).await
        }
        .boxed()
    });
    let writes = (1..=20).map(|number| {
        let db = &*db;
        async move {
            match number {
                7 | 14 => write(db, |tx| async move { super::limits::endless_write(tx).await }.boxed()).await,
                _ => write(db, move |tx| async move { insert(tx, number, 0).await }.boxed()).await,
            }
        }
    });
    let all = join_all(writes);
    let (first, all, _) = tokio::join!(first, all, async {
        let reached = keeper.is_reached().await;
        keeper.let_go();
        reached
    });
    first.context("the first of the group")?;
    for (number, outcome) in (1..).zip(all) {
        let code = outcome.err().map(|error| error.code());
        let expected = [7, 14].contains(&number).then_some(Code::Timeout);
        ensure!(code == expected, "{number} says {code:?}");
    }
    let expected: Vec<_> = (0..=20).filter(|number| ![7, 14].contains(number)).map(|number| (number, 1)).collect();
    ensure!(notes(&*db).await? == expected, "{:?}", notes(&*db).await?);
    Ok(())
}

/// A closure that goes on after its transaction has been undone stores nothing by itself.
async fn after_a_failed_statement_nothing_is_stored(harness: &dyn Harness) -> Result<()> {
    let db = with(harness, Options { deadline: Duration::from_millis(200), ..Options::default() }).await?;
    let outcome = write(&*db, |tx| {
        async move {
            insert(tx, 1, 0).await?;
            let _ = super::limits::endless_write(tx).await;
            let _ = insert(tx, 2, 0).await;
            Ok(())
        }
        .boxed()
    })
    .await;
    ensure!(outcome.is_err(), "acknowledged");
    ensure!(notes(&*db).await?.is_empty(), "{:?} of what failed", notes(&*db).await?);
    add(&*db, 3).await?;
    Ok(())
}

async fn waiting_for_something_else_is_an_error(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let waited = write(&*db, |tx| {
        async move {
            insert(tx, 1, 0).await?;
            std::future::pending::<platform::Result<()>>().await
        }
        .boxed()
    })
    .await;
    ensure!(waited.is_err_and(|error| error.code() == Code::Internal), "a transaction may wait");
    let waited = super::read(&*db, |_| std::future::pending::<platform::Result<()>>().boxed()).await;
    ensure!(waited.is_err_and(|error| error.code() == Code::Internal), "a reading transaction may wait");
    ensure!(notes(&*db).await?.is_empty(), "it has left something");
    add(&*db, 2).await?;
    Ok(())
}

async fn what_exists_already_is_a_conflict(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    add(&*db, 1).await?;
    let again = add(&*db, 1).await;
    ensure!(again.as_ref().is_err_and(|error| error.code() == Code::Conflict), "{again:?}");
    Ok(())
}

async fn a_caller_who_gives_up_changes_nothing(harness: &dyn Harness) -> Result<()> {
    let db: Arc<dyn Database> = fresh(harness).await?.into();
    for number in 0..50 {
        let (begun, mut has_begun) = unbounded_channel();
        let (job, _) = aside(move |tx| {
            let begun = begun.clone();
            async move {
                let _ = begun.send(());
                // long enough for the caller to go away in between
                std::thread::sleep(Duration::from_millis(2));
                for part in 0..3 {
                    insert(tx, number, part).await?;
                }
                Ok(())
            }
            .boxed()
        });
        let db = db.clone();
        let call = tokio::spawn(async move { db.write(job).await });
        if number % 2 == 0 {
            has_begun.recv().await.context("it never begins")?;
        }
        call.abort();
    }
    add(&*db, 100).await?;
    let stored = notes(&*db).await?;
    ensure!(stored.iter().all(|(_, parts)| *parts == 3), "{stored:?} is half written");
    ensure!(stored.last() == Some(&(100, 3)), "the database stands still");
    Ok(())
}

async fn writers_share_commits(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let Some(before) = harness.commits()? else { return Ok(()) };
    let (gate, mut keeper) = gate();
    let first = write(&*db, move |tx| {
        let gate = gate.clone();
        async move {
            gate.pass();
            insert(tx, 0, 0).await
        }
        .boxed()
    });
    let all = join_all((1..=64).map(|number| add(&*db, number)));
    let (first, all, reached) = tokio::join!(first, all, async {
        let reached = keeper.is_reached().await;
        keeper.let_go();
        reached
    });
    reached?;
    first?;
    all.into_iter().collect::<platform::Result<()>>()?;
    let commits = harness.commits()?.unwrap_or_default() - before;
    ensure!((1..=4).contains(&commits), "{commits} commits for 65 writers at once");
    Ok(())
}

async fn instances_are_apart(harness: &dyn Harness) -> Result<()> {
    let (db, other) = (fresh(harness).await?, harness.elsewhere().await?);
    other.migrate("note", super::NOTES).await?;
    add(&*db, 1).await?;
    add(&*other, 2).await?;
    ensure!(notes(&*db).await? == [(1, 3)] && notes(&*other).await? == [(2, 3)], "two instances share rows");
    let mut woken = other.committed("notes");
    woken.borrow_and_update();
    write(&*db, |tx| {
        async move {
            tx.announce("notes");
            Ok(())
        }
        .boxed()
    })
    .await?;
    ensure!(!woken.has_changed()?, "two instances wake each other");
    Ok(())
}
