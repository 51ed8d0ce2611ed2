//! Bringing tables up to date: once, each service its own, and never over what a newer program left.

use super::{Database, Harness, NOTES, add, notes};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use futures_util::FutureExt as _;
use platform::{
    Code,
    db::{Migration, Options},
};

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        migrations_are_applied_once,
        a_further_one_is_added,
        a_newer_schema_is_refused,
        a_diverging_one_is_refused,
        services_migrate_apart,
        a_failing_one_leaves_nothing,
    ]
    .into()
}

const LATER: &[Migration] = &[
    NOTES[0],
    Migration { version: 2, name: "marks", sql: "alter table note_notes add column mark text not null default 'x';" },
];

const ANOTHER: &[Migration] =
    &[Migration { version: 1, name: "notes", sql: "create table note_notes (number bigint not null);" }];

const OTHER_SERVICE: &[Migration] =
    &[Migration { version: 1, name: "lists", sql: "create table list_lists (number bigint not null);" }];

const FAILING: &[Migration] = &[
    NOTES[0],
    Migration {
        version: 2,
        name: "fails",
        sql: "create table note_more (number bigint); create table note_more (n bigint);",
    },
];

async fn count(db: &dyn Database, sql: &'static str) -> platform::Result<Option<i64>> {
    super::read(db, move |tx| async move { tx.query(sql).value::<i64>().await }.boxed()).await
}

async fn migrations_are_applied_once(harness: &dyn Harness) -> Result<()> {
    for number in 0..3 {
        let db = harness.open(Options::default()).await?;
        db.migrate("note", NOTES).await?;
        db.migrate("note", NOTES).await?;
        ensure!(notes(&*db).await?.len() == usize::try_from(number)?, "the table was made anew");
        add(&*db, number).await?;
    }
    Ok(())
}

async fn a_further_one_is_added(harness: &dyn Harness) -> Result<()> {
    let db = harness.open(Options::default()).await?;
    db.migrate("note", NOTES).await?;
    add(&*db, 1).await?;
    db.migrate("note", LATER).await?;
    let marked = count(&*db, "select count(*) from note_notes where mark = 'x'").await?;
    ensure!(marked == Some(3), "{marked:?} rows have the new column");
    Ok(())
}

async fn a_newer_schema_is_refused(harness: &dyn Harness) -> Result<()> {
    let db = harness.open(Options::default()).await?;
    db.migrate("note", LATER).await?;
    drop(db);
    let db = harness.open(Options::default()).await?;
    let refused = db.migrate("note", NOTES).await;
    let error = refused.err().filter(|error| error.code() == Code::Unavailable);
    let sentence = error.map(|error| error.message().to_owned()).unwrap_or_default();
    ensure!(
        ["note", "version 2", "newer", "backup"].iter().all(|word| sentence.contains(word)),
        "an older program goes on, or says only \"{sentence}\""
    );
    Ok(())
}

async fn a_diverging_one_is_refused(harness: &dyn Harness) -> Result<()> {
    let db = harness.open(Options::default()).await?;
    db.migrate("note", NOTES).await?;
    let refused = db.migrate("note", ANOTHER).await.err().map(|error| error.to_string());
    ensure!(refused.as_ref().is_some_and(|why| why.contains("V1__notes")), "{refused:?}");
    add(&*db, 1).await?;
    Ok(())
}

async fn services_migrate_apart(harness: &dyn Harness) -> Result<()> {
    let db = harness.open(Options::default()).await?;
    db.migrate("note", NOTES).await?;
    db.migrate("list", OTHER_SERVICE).await?;
    db.migrate("note", LATER).await?;
    db.migrate("list", OTHER_SERVICE).await?;
    add(&*db, 1).await?;
    ensure!(count(&*db, "select count(*) from list_lists").await? == Some(0), "no table of the other service");
    Ok(())
}

async fn a_failing_one_leaves_nothing(harness: &dyn Harness) -> Result<()> {
    let db = harness.open(Options::default()).await?;
    ensure!(db.migrate("note", FAILING).await.is_err(), "a faulty migration is applied");
    ensure!(count(&*db, "select count(*) from note_more").await.is_err(), "half a migration is applied");
    // the next release has mended it
    db.migrate("note", LATER).await?;
    add(&*db, 1).await?;
    Ok(())
}
