//! Tokens and costs: reserved before a provider is asked, settled when it has answered. Whatever may be used up together is looked at
//! and written in one transaction.

use crate::settings::Prices;
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

/// The space of the whole instance's sums.
const INSTANCE: Uuid = Uuid::nil();

/// What a request may use while it runs.
#[derive(Clone, Debug)]
pub struct Reservation {
    pub space_id: Uuid,
    pub id: Uuid,
    pub attempt: u32,
    pub kind: String,
    pub model: String,
    pub api_key: Option<Uuid>,
    pub worker: Uuid,
    pub day: i64,
    pub input: i64,
    pub output: i64,
    pub price_input: i64,
    pub price_output: i64,
    /// Tokens the reply had when this attempt began.
    pub base: i64,
    pub at: DateTime<Utc>,
}
from_row!(Reservation {
    space_id,
    id,
    attempt,
    kind,
    model,
    api_key,
    worker,
    day,
    input,
    output,
    price_input,
    price_output,
    base,
    at
});

impl Reservation {
    pub fn prices(&self) -> Prices {
        Prices { input: self.price_input, output: self.price_output }
    }
}

/// The caps of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub person_tokens: Option<i64>,
    pub person_cost: Option<i64>,
    pub instance_tokens: Option<i64>,
    pub instance_cost: Option<i64>,
    pub version: i64,
}
from_row!(Limits { person_tokens, person_cost, instance_tokens, instance_cost, version });

/// Where one person's caps differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonLimits {
    pub tokens: Option<i64>,
    pub cost: Option<i64>,
    pub version: i64,
}
from_row!(PersonLimits { tokens, cost, version });

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub tokens: i64,
    pub cost: i64,
}
from_row!(Used { tokens, cost });

/// Which cap was in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `person` or `instance`
    pub scope: &'static str,
    /// `tokens` or `cost`
    pub measure: &'static str,
}

pub async fn limits(tx: &mut Tx<'_>) -> Result<Limits> {
    let row = tx
        .query("select person_tokens, person_cost, instance_tokens, instance_cost, version from ai_limits where id = 1")
        .maybe()
        .await?;
    Ok(row.unwrap_or_default())
}

pub async fn put_limits(tx: &mut Tx<'_>, limits: &Limits) -> Result<()> {
    tx.query(
        "insert into ai_limits (id, person_tokens, person_cost, instance_tokens, instance_cost, version)
         values (1, $1, $2, $3, $4, $5)
         on conflict (id) do update set
             person_tokens = excluded.person_tokens, person_cost = excluded.person_cost,
             instance_tokens = excluded.instance_tokens, instance_cost = excluded.instance_cost,
             version = excluded.version",
    )
    .bind(limits.person_tokens)
    .bind(limits.person_cost)
    .bind(limits.instance_tokens)
    .bind(limits.instance_cost)
    .bind(limits.version)
    .run()
    .await?;
    Ok(())
}

pub async fn person_limits(tx: &mut Tx<'_>, space: Uuid) -> Result<PersonLimits> {
    let row =
        tx.query("select tokens, cost, version from ai_person_limits where space_id = $1").bind(space).maybe().await?;
    Ok(row.unwrap_or_default())
}

pub async fn put_person_limits(tx: &mut Tx<'_>, space: Uuid, limits: &PersonLimits) -> Result<()> {
    tx.query(
        "insert into ai_person_limits (space_id, tokens, cost, version) values ($1, $2, $3, $4)
         on conflict (space_id) do update set
             tokens = excluded.tokens, cost = excluded.cost, version = excluded.version",
    )
    .bind(space)
    .bind(limits.tokens)
    .bind(limits.cost)
    .bind(limits.version)
    .run()
    .await?;
    Ok(())
}

/// Whether anybody has any cap: without one there is nothing to wait for.
pub async fn any_cap(tx: &mut Tx<'_>) -> Result<bool> {
    let limits = limits(tx).await?;
    let instance = [limits.person_tokens, limits.person_cost, limits.instance_tokens, limits.instance_cost];
    if instance.iter().any(Option::is_some) {
        return Ok(true);
    }
    // lint: every person's, so no space is named
    let people = tx.query("select 1 from ai_person_limits where tokens is not null or cost is not null limit 1");
    Ok(people.value::<i64>().await?.is_some())
}

/// What was used on a day; the reserved is not counted.
pub async fn used(tx: &mut Tx<'_>, space: Uuid, day: i64) -> Result<Used> {
    let row = tx
        .query("select tokens, cost from ai_days where space_id = $1 and day = $2")
        .bind(space)
        .bind(day)
        .maybe()
        .await?;
    Ok(row.unwrap_or_default())
}

async fn reserved(tx: &mut Tx<'_>, space: Uuid, day: i64) -> Result<Used> {
    let row = tx
        .query(
            "select coalesce(sum(input + output), 0) as tokens, coalesce(sum(cost), 0) as cost
             from ai_reservations where space_id = $1 and day = $2",
        )
        .bind(space)
        .bind(day);
    row.one().await
}

async fn reserved_by_all(tx: &mut Tx<'_>, day: i64) -> Result<Used> {
    tx.query(
        "select coalesce(sum(input + output), 0) as tokens, coalesce(sum(cost), 0) as cost
         from ai_reservations where day = $1",
    )
    .bind(day)
    .one()
    .await
}

/// What is left under the caps, and which one is nearest in tokens of output for `prices` after `input`.
async fn room(tx: &mut Tx<'_>, space: Uuid, day: i64, input: i64, prices: Prices) -> Result<(i64, Refusal)> {
    let (all, own) = (limits(tx).await?, person_limits(tx, space).await?);
    let person = (own.tokens.or(all.person_tokens), own.cost.or(all.person_cost));
    let instance = (all.instance_tokens, all.instance_cost);
    let mut nearest = (i64::MAX, Refusal { scope: "person", measure: "tokens" });
    for (scope, space, (tokens, cost)) in [("person", space, person), ("instance", INSTANCE, instance)] {
        if tokens.is_none() && cost.is_none() {
            continue;
        }
        let used = used(tx, space, day).await?;
        let open = if scope == "person" { reserved(tx, space, day).await? } else { reserved_by_all(tx, day).await? };
        if let Some(cap) = tokens {
            let left = cap.saturating_sub(used.tokens + open.tokens).saturating_sub(input);
            if left < nearest.0 {
                nearest = (left, Refusal { scope, measure: "tokens" });
            }
        }
        if let Some(cap) = cost {
            let left = cap.saturating_sub(used.cost + open.cost).saturating_sub(prices.cost(input, 0));
            let left = if left < 0 { -1 } else { prices.affords(left) };
            if left < nearest.0 {
                nearest = (left, Refusal { scope, measure: "cost" });
            }
        }
    }
    Ok(nearest)
}

/// Reserves what `wanted` asks for, or less output when there is not room for all of it; the tokens of output that may be used.
/// With no room for a single one it is refused.
pub async fn reserve(tx: &mut Tx<'_>, wanted: &Reservation) -> Result<Result<i64, Refusal>> {
    let (left, refusal) = room(tx, wanted.space_id, wanted.day, wanted.input, wanted.prices()).await?;
    // Without output (texts turned into vectors) the input must fit, and no more.
    let least = wanted.output.min(1);
    if left < least {
        return Ok(Err(refusal));
    }
    let output = wanted.output.min(left);
    let cost = wanted.prices().cost(wanted.input, output);
    tx.query(
        "insert into ai_reservations (space_id, id, attempt, kind, model, api_key, worker, day, input, output, cost,
             price_input, price_output, base, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (space_id, id, attempt) do update set output = excluded.output, cost = excluded.cost",
    )
    .bind(wanted.space_id)
    .bind(wanted.id)
    .bind(wanted.attempt)
    .bind(wanted.kind.as_str())
    .bind(wanted.model.as_str())
    .bind(wanted.api_key)
    .bind(wanted.worker)
    .bind(wanted.day)
    .bind(wanted.input)
    .bind(output)
    .bind(cost)
    .bind(wanted.price_input)
    .bind(wanted.price_output)
    .bind(wanted.base)
    .bind(wanted.at)
    .run()
    .await?;
    Ok(Ok(output))
}

/// Reserves so many more tokens of output, or fewer; none when the cap is reached.
pub async fn extend(tx: &mut Tx<'_>, space: Uuid, id: Uuid, attempt: u32, more: i64) -> Result<Result<i64, Refusal>> {
    let Some(open) = find(tx, space, id, attempt).await? else { return Ok(Ok(more)) };
    let (left, refusal) = room(tx, space, open.day, 0, open.prices()).await?;
    let more = more.min(left);
    if more < 1 {
        return Ok(Err(refusal));
    }
    let cost = open.prices().cost(open.input, open.output + more);
    tx.query(
        "update ai_reservations set output = output + $4, cost = $5 where space_id = $1 and id = $2 and attempt = $3",
    )
    .bind(space)
    .bind(id)
    .bind(attempt)
    .bind(more)
    .bind(cost)
    .run()
    .await?;
    Ok(Ok(more))
}

async fn find(tx: &mut Tx<'_>, space: Uuid, id: Uuid, attempt: u32) -> Result<Option<Reservation>> {
    tx.query(
        "select space_id, id, attempt, kind, model, api_key, worker, day, input, output, price_input, price_output, base,
             at
         from ai_reservations where space_id = $1 and id = $2 and attempt = $3",
    )
    .bind(space)
    .bind(id)
    .bind(attempt)
    .maybe()
    .await
}

/// The open reservations of a reply, up to an attempt.
pub async fn of_reply(tx: &mut Tx<'_>, space: Uuid, reply: Uuid, until: u32) -> Result<Vec<Reservation>> {
    tx.query(
        "select space_id, id, attempt, kind, model, api_key, worker, day, input, output, price_input, price_output, base,
             at
         from ai_reservations where space_id = $1 and id = $2 and attempt <= $3 order by attempt",
    )
    .bind(space)
    .bind(reply)
    .bind(until)
    .all()
    .await
}

/// Open reservations of requests whose process is dead; replies have a lease, and whoever takes that settles.
pub async fn orphans(
    tx: &mut Tx<'_>,
    worker: Uuid,
    dead_since: DateTime<Utc>,
    alone: bool,
) -> Result<Vec<Reservation>> {
    tx.query(
        "select r.space_id, r.id, r.attempt, r.kind, r.model, r.api_key, r.worker, r.day, r.input, r.output,
             r.price_input, r.price_output, r.base, r.at
         from ai_reservations r left join ai_workers w on w.id = r.worker
         where r.kind <> 'reply' and r.worker <> $1 and r.at < $2 and ($3 or w.beat_at is null or w.beat_at < $2)
         order by r.at limit 1000",
    )
    .bind(worker)
    .bind(dead_since)
    .bind(alone)
    .all()
    .await
}

/// Books what was used and ends the reservation; the cost. Nothing happens, and it costs nothing, when it was settled already.
pub async fn settle(tx: &mut Tx<'_>, open: &Reservation, input: i64, output: i64) -> Result<Option<i64>> {
    let ended = tx
        .query("delete from ai_reservations where space_id = $1 and id = $2 and attempt = $3")
        .bind(open.space_id)
        .bind(open.id)
        .bind(open.attempt)
        .run()
        .await?;
    if ended == 0 {
        return Ok(None);
    }
    let cost = open.prices().cost(input, output);
    for space in [open.space_id, INSTANCE] {
        tx.query(
            "insert into ai_days (space_id, day, tokens, cost, told) values ($1, $2, $3, $4, 0)
             on conflict (space_id, day) do update set
                 tokens = ai_days.tokens + excluded.tokens, cost = ai_days.cost + excluded.cost",
        )
        .bind(space)
        .bind(open.day)
        .bind(input.saturating_add(output))
        .bind(cost)
        .run()
        .await?;
    }
    Ok(Some(cost))
}

/// Whether this refusal is the first of the person's day.
pub async fn tell_once(tx: &mut Tx<'_>, space: Uuid, day: i64) -> Result<bool> {
    let told = tx
        .query(
            "insert into ai_days (space_id, day, tokens, cost, told) values ($1, $2, 0, 0, 1)
             on conflict (space_id, day) do update set told = 1 where ai_days.told = 0",
        )
        .bind(space)
        .bind(day)
        .run()
        .await?;
    Ok(told > 0)
}

/// Days nobody asks about any more.
pub async fn forget_days(tx: &mut Tx<'_>, before: i64) -> Result<()> {
    tx.query("delete from ai_days where day < $1").bind(before).run().await?;
    Ok(())
}

/// Everything of a person who is gone.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    tx.query("delete from ai_reservations where space_id = $1").bind(space).run().await?;
    tx.query("delete from ai_days where space_id = $1").bind(space).run().await?;
    tx.query("delete from ai_person_limits where space_id = $1").bind(space).run().await?;
    tx.query("delete from ai_generations where space_id = $1").bind(space).run().await?;
    tx.query("delete from ai_events where space_id = $1").bind(space).run().await?;
    Ok(())
}
