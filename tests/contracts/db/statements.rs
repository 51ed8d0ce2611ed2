//! Binding values and reading them back.

use super::{Database, Harness, fresh, read, write};
use crate::suite::{Check, checks};
use anyhow::{Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Code,
    db::{Migration, Value},
};
use uuid::Uuid;

pub fn checks() -> Vec<Check<dyn Harness>> {
    checks![
        values_are_bound_by_name,
        a_wrong_number_of_values_is_an_error,
        every_value_comes_back,
        a_value_of_another_type_is_an_error,
        changes_are_counted,
        one_statement_at_a_time,
    ]
    .into()
}

const VALUES: &[Migration] = &[Migration {
    version: 1,
    name: "values",
    sql: "create table value_values (
        id blob primary key not null, number bigint, text text, bytes blob, flag bigint, at bigint
    );",
}];

#[derive(Clone, Debug, PartialEq)]
struct Stored {
    id: Uuid,
    number: Option<i64>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    flag: Option<bool>,
    at: Option<DateTime<Utc>>,
}
platform::from_row!(Stored { id, number, text, bytes, flag, at });

async fn texts(db: &dyn Database, sql: &'static str, values: Vec<Value>) -> platform::Result<Option<String>> {
    read(db, move |tx| {
        let values = values.clone();
        async move { values.into_iter().fold(tx.query(sql), |query, value| query.bind(value)).value().await }.boxed()
    })
    .await
}

fn letters(count: usize) -> Vec<Value> {
    ('a'..).take(count).map(|letter| Value::Text(letter.into())).collect()
}

async fn values_are_bound_by_name(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    for (sql, count, expected) in [
        ("select $1 || $2 || $3", 3, "abc"),
        ("select $3 || $1 || $2", 3, "cab"),
        ("select $2 || $1 || $2 || $1 || $1", 2, "babaa"),
        ("select $10 || $1 || $9 || $2 || $3 || $4 || $5 || $6 || $7 || $8", 10, "jaibcdefgh"),
        ("select $16||$1||$2||$3||$4||$5||$6||$7||$8||$9||$10||$11||$12||$13||$14||$15", 16, "pabcdefghijklmno"),
    ] {
        let bound = texts(&*db, sql, letters(count)).await?;
        ensure!(bound.as_deref() == Some(expected), "{sql} gives {bound:?}");
    }
    Ok(())
}

async fn a_wrong_number_of_values_is_an_error(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    for (sql, count) in [
        ("select 'x'", 1),
        ("select $1 || $2", 1),
        ("select $1 || $2", 3),
        ("select $1 || $3", 2),
        ("select $1 || $3", 3),
        ("select $1 || $1", 2),
        ("select $1", 0),
        ("select $1", 17),
    ] {
        let bound = texts(&*db, sql, letters(count)).await;
        ensure!(bound.is_err_and(|error| error.code() == Code::Internal), "{sql} takes {count} values");
    }
    Ok(())
}

async fn every_value_comes_back(harness: &dyn Harness) -> Result<()> {
    let db = harness.open(platform::db::Options::default()).await?;
    db.migrate("value", VALUES).await?;
    let time = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap_or_default();
    let numbers = [0, 1, -1, i64::MAX, i64::MIN, i64::from(u32::MAX) + 1];
    let texts =
        ["", "\0", "a\0b", "é 漢 👩‍👩‍👧 \u{202e}", "'; drop table value_values; --", "$1 ?1 :a", &"ß".repeat(500_000)];
    let bytes: [&[u8]; 4] = [&[], &[0], &[0, 255, 10, 13, 128], &[7; 1_000_000]];
    let times =
        [time, DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH - TimeDelta::milliseconds(1), time + TimeDelta::days(40_000)];
    let nothing =
        |id: u128| Stored { id: Uuid::from_u128(id), number: None, text: None, bytes: None, flag: None, at: None };
    let mut rows = vec![nothing(0), Stored { id: Uuid::max(), ..nothing(0) }];
    rows.extend((100..).zip(numbers).map(|(id, number)| Stored { number: Some(number), ..nothing(id) }));
    rows.extend((200..).zip(texts).map(|(id, text)| Stored { text: Some(text.into()), ..nothing(id) }));
    rows.extend((300..).zip(bytes).map(|(id, bytes)| Stored { bytes: Some(bytes.into()), ..nothing(id) }));
    rows.extend((400..).zip([true, false]).map(|(id, flag)| Stored { flag: Some(flag), ..nothing(id) }));
    rows.extend((500..).zip(times).map(|(id, at)| Stored { at: Some(at), ..nothing(id) }));
    for row in rows {
        let given = row.clone();
        write(&*db, move |tx| {
            let row = given.clone();
            async move {
                tx.query("insert into value_values (at, flag, bytes, text, number, id) values ($6, $5, $4, $3, $2, $1)")
                    .bind(row.id)
                    .bind(row.number)
                    .bind(row.text)
                    .bind(row.bytes)
                    .bind(row.flag)
                    .bind(row.at)
                    .run()
                    .await
            }
            .boxed()
        })
        .await?;
        let id = row.id;
        let stored: Stored = read(&*db, move |tx| {
            async move { tx.query("select * from value_values where id = $1").bind(id).one().await }.boxed()
        })
        .await?;
        ensure!(stored == row, "{id} comes back changed");
    }
    // what is finer than a millisecond is cut, not rounded up
    let fine = write(&*db, move |tx| {
        async move { tx.query("select $1").bind(time + TimeDelta::microseconds(999)).value().await }.boxed()
    })
    .await?;
    ensure!(fine == Some(time), "{fine:?}");
    Ok(())
}

async fn a_value_of_another_type_is_an_error(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    macro_rules! refused {
        ($type:ty, $($sql:literal),+) => {$(
            let value = read(&*db, |tx| async move { tx.query($sql).value::<$type>().await }.boxed()).await;
            ensure!(value.is_err_and(|error| error.code() == Code::Internal), "{} as {}", $sql, stringify!($type));
        )+};
    }
    refused!(i64, "select 'a'", "select null", "select x'00'");
    refused!(u32, "select -1", "select 4294967296");
    refused!(String, "select 1", "select null");
    refused!(Uuid, "select x'00'", "select 'a'", "select null");
    let empty = read(&*db, |tx| async move { tx.query("select 1 where 1 = 0").value::<i64>().await }.boxed()).await?;
    ensure!(empty.is_none(), "a value without a row");
    let none = read(&*db, |tx| async move { tx.query("select null").value::<Option<i64>>().await }.boxed()).await?;
    ensure!(none == Some(None), "{none:?}");
    Ok(())
}

async fn changes_are_counted(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let counted = write(&*db, |tx| {
        async move {
            let mut counted = Vec::new();
            for sql in [
                "insert into note_notes (number, part) values (1, 0), (1, 1), (2, 0)",
                "insert into note_notes (number, part) values (1, 0) on conflict (number, part) do nothing",
                "update note_notes set part = part + 10 where number = 1",
                "delete from note_notes where number = 3",
                "delete from note_notes",
            ] {
                counted.push(tx.query(sql).run().await?);
            }
            Ok(counted)
        }
        .boxed()
    })
    .await?;
    ensure!(counted == [3, 0, 2, 0, 3], "{counted:?}");
    Ok(())
}

/// A second statement in one text would be lost without a word.
async fn one_statement_at_a_time(harness: &dyn Harness) -> Result<()> {
    let db = fresh(harness).await?;
    let both = write(&*db, |tx| {
        async move {
            tx.query("insert into note_notes (number, part) values (1, 0); insert into note_notes (number, part) values (2, 0)")
                .run()
                .await
        }
        .boxed()
    })
    .await;
    ensure!(both.is_err(), "half of it has run");
    Ok(())
}
