//! Every SQL statement of analytics. Each names the space it touches, but for those that add up the
//! instance and those that forget.

use crate::domain::{By, Day, Grouped, Span, Used};
use chrono::{DateTime, NaiveDate, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

/// The most rows one answer has.
pub const ROWS: i64 = 20_000;

/// Notes that an event is counted; answers whether it had not been.
pub async fn mark_counted(tx: &mut Tx<'_>, space: Uuid, position: i64, at: DateTime<Utc>) -> Result<bool> {
    let added = tx
        .query(
            "insert into analytics_counted (space_id, position, at) values ($1, $2, $3)
             on conflict (space_id, position) do nothing",
        )
        .bind(space)
        .bind(position)
        .bind(at)
        .run()
        .await?;
    Ok(added > 0)
}

pub async fn is_gone(tx: &mut Tx<'_>, space: Uuid) -> Result<bool> {
    let found: Option<i64> = tx.query("select 1 from analytics_gone where space_id = $1").bind(space).value().await?;
    Ok(found.is_some())
}

pub async fn add(tx: &mut Tx<'_>, space: Uuid, day: NaiveDate, model: &str, used: Used) -> Result<()> {
    tx.query(
        "insert into analytics_days (space_id, day, model, requests, input_tokens, output_tokens, cost)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (space_id, day, model) do update set
             requests = analytics_days.requests + excluded.requests,
             input_tokens = analytics_days.input_tokens + excluded.input_tokens,
             output_tokens = analytics_days.output_tokens + excluded.output_tokens,
             cost = analytics_days.cost + excluded.cost",
    )
    .bind(space)
    .bind(day.to_string())
    .bind(model)
    .bind(used.requests)
    .bind(used.input_tokens)
    .bind(used.output_tokens)
    .bind(used.cost)
    .run()
    .await?;
    Ok(())
}

/// What a person used, by day and model.
pub async fn days(tx: &mut Tx<'_>, space: Uuid, span: Span) -> Result<Vec<Day>> {
    tx.query(
        "select day, model, requests, input_tokens, output_tokens, cost from analytics_days
         where space_id = $1 and day >= $2 and day <= $3 order by day, model limit $4",
    )
    .bind(space)
    .bind(span.from.to_string())
    .bind(span.to.to_string())
    .bind(ROWS)
    .all()
    .await
}

pub async fn total_of(tx: &mut Tx<'_>, space: Uuid, span: Span) -> Result<Used> {
    let total = tx
        .query(
            "select coalesce(sum(requests), 0) as requests, coalesce(sum(input_tokens), 0) as input_tokens,
                    coalesce(sum(output_tokens), 0) as output_tokens, coalesce(sum(cost), 0) as cost
             from analytics_days where space_id = $1 and day >= $2 and day <= $3",
        )
        .bind(space)
        .bind(span.from.to_string())
        .bind(span.to.to_string())
        .maybe()
        .await?;
    Ok(total.unwrap_or_default())
}

/// What the whole instance used.
pub async fn total(tx: &mut Tx<'_>, span: Span) -> Result<Used> {
    let total = tx
        .query(
            "select coalesce(sum(requests), 0) as requests, coalesce(sum(input_tokens), 0) as input_tokens,
                    coalesce(sum(output_tokens), 0) as output_tokens, coalesce(sum(cost), 0) as cost
             from analytics_days where day >= $1 and day <= $2",
        )
        .bind(span.from.to_string())
        .bind(span.to.to_string())
        .maybe()
        .await?;
    Ok(total.unwrap_or_default())
}

pub async fn active_people(tx: &mut Tx<'_>, span: Span) -> Result<i64> {
    let people = tx
        .query("select count(distinct space_id) from analytics_days where day >= $1 and day <= $2 and space_id <> $3")
        .bind(span.from.to_string())
        .bind(span.to.to_string())
        .bind(Uuid::nil())
        .value()
        .await?;
    Ok(people.unwrap_or(0))
}

pub async fn grouped(tx: &mut Tx<'_>, span: Span, by: By) -> Result<Vec<Grouped>> {
    let query = match by {
        By::Day => tx.query(
            "select day, null as model, null as space_id, sum(requests) as requests, sum(input_tokens) as input_tokens,
                    sum(output_tokens) as output_tokens, sum(cost) as cost
             from analytics_days where day >= $1 and day <= $2 group by day order by day limit $3",
        ),
        By::Model => tx.query(
            "select null as day, model, null as space_id, sum(requests) as requests, sum(input_tokens) as input_tokens,
                    sum(output_tokens) as output_tokens, sum(cost) as cost
             from analytics_days where day >= $1 and day <= $2
             group by model order by cost desc, output_tokens desc, model limit $3",
        ),
        By::Person => tx.query(
            "select null as day, null as model, space_id, sum(requests) as requests, sum(input_tokens) as input_tokens,
                    sum(output_tokens) as output_tokens, sum(cost) as cost
             from analytics_days where day >= $1 and day <= $2
             group by space_id order by cost desc, output_tokens desc, space_id limit $3",
        ),
    };
    query.bind(span.from.to_string()).bind(span.to.to_string()).bind(ROWS).all().await
}

/// Makes a person's usage nobody's. Again changes nothing.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid, at: DateTime<Utc>) -> Result<()> {
    tx.query("insert into analytics_gone (space_id, at) values ($1, $2) on conflict (space_id) do nothing")
        .bind(space)
        .bind(at)
        .run()
        .await?;
    // `where true` tells the conflict's clause from a join's
    tx.query(
        "insert into analytics_days (space_id, day, model, requests, input_tokens, output_tokens, cost)
         select $2, day, model, requests, input_tokens, output_tokens, cost from analytics_days
         where space_id = $1 and true
         on conflict (space_id, day, model) do update set
             requests = analytics_days.requests + excluded.requests,
             input_tokens = analytics_days.input_tokens + excluded.input_tokens,
             output_tokens = analytics_days.output_tokens + excluded.output_tokens,
             cost = analytics_days.cost + excluded.cost",
    )
    .bind(space)
    .bind(Uuid::nil())
    .run()
    .await?;
    tx.query("delete from analytics_days where space_id = $1").bind(space).run().await?;
    tx.query("delete from analytics_counted where space_id = $1").bind(space).run().await?;
    Ok(())
}

/// Forgets what is too old to come again, and usage before `day`; some at a time, answers how many.
pub async fn forget(tx: &mut Tx<'_>, before: DateTime<Utc>, day: NaiveDate) -> Result<u64> {
    let counted = tx
        .query(
            "delete from analytics_counted where (space_id, position) in (
                 select space_id, position from analytics_counted where at < $1 limit 1000
             )",
        )
        .bind(before)
        .run()
        .await?;
    let gone = tx
        .query(
            "delete from analytics_gone where space_id in (
                 select space_id from analytics_gone where at < $1 limit 1000
             )",
        )
        .bind(before)
        .run()
        .await?;
    let days = tx
        .query(
            "delete from analytics_days where (space_id, day, model) in (
                 select space_id, day, model from analytics_days where day < $1 limit 1000
             )",
        )
        .bind(day.to_string())
        .run()
        .await?;
    Ok(counted.max(gone).max(days))
}
