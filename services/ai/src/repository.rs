//! Every SQL statement of ai.

pub mod ledger;
pub mod models;
pub mod providers;

use crate::{
    domain::Lease,
    events::{self, Account},
    providers::Usage,
};
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx, from_row};
use uuid::Uuid;

/// Who has a reply, and what its earlier attempts used.
struct Standing {
    model: String,
    attempt: u32,
    asked: u32,
    state: String,
    used_input: i64,
    used_output: i64,
    used_cost: i64,
}
from_row!(Standing { model, attempt, asked, state, used_input, used_output, used_cost });

/// Takes an asked reply for `worker`. Answers `false` when this attempt, or a later one, was taken
/// already: the event came again, or a sweep was sooner.
///
/// Whoever asks has seen the attempt before it end as `ended`. Where that one has not closed its lease (its
/// process died, or is slow to), its account is given here, and its own comes too late.
pub async fn lease(tx: &mut Tx<'_>, lease: &Lease, ended: &str, worker: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let standing: Option<Standing> = tx
        .query(
            "select model, attempt, asked, state, used_input, used_output, used_cost from ai_generations
             where space_id = $1 and reply_id = $2",
        )
        .bind(lease.space_id)
        .bind(lease.reply_id)
        .maybe()
        .await?;
    if let Some(standing) = standing {
        if standing.asked >= lease.attempt {
            return Ok(false);
        }
        // a sweep that has this number already took it from a lease that was open
        if standing.state == "open" || standing.attempt >= lease.attempt {
            account_for_former(tx, lease, &standing, ended, now).await?;
        }
    }
    let taken = tx
        .query(
            "insert into ai_generations
                 (space_id, reply_id, chat_id, model, attempt, asked, worker, state, stalled, last_next, asked_at)
             values ($1, $2, $3, $4, $5, $5, $6, 'open', 0, -1, $7)
             on conflict (space_id, reply_id) do update set
                 model = excluded.model, attempt = excluded.attempt, asked = excluded.asked,
                 worker = excluded.worker, state = 'open', stalled = 0, last_next = -1,
                 asked_at = excluded.asked_at, closed_at = null, used_input = 0, used_output = 0, used_cost = 0
             where ai_generations.attempt < excluded.attempt",
        )
        .bind(lease.space_id)
        .bind(lease.reply_id)
        .bind(lease.chat_id)
        .bind(lease.model.as_str())
        .bind(lease.attempt)
        .bind(worker)
        .bind(now)
        .run()
        .await?;
    if taken == 0 {
        tx.query("update ai_generations set asked = $3 where space_id = $1 and reply_id = $2")
            .bind(lease.space_id)
            .bind(lease.reply_id)
            .bind(lease.attempt)
            .run()
            .await?;
    }
    Ok(taken > 0)
}

/// The account of the attempt before `lease`, with what is booked of it. Reservations that are open are settled
/// by the next attempt ([`settle_former`]), which knows the text; so is everything when a sweep goes on with
/// the lease.
async fn account_for_former(
    tx: &mut Tx<'_>,
    lease: &Lease,
    standing: &Standing,
    ended: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let former = Lease { attempt: lease.attempt - 1, model: standing.model.clone(), ..lease.clone() };
    let mut account = Account {
        // events of earlier programs do not say it
        state: if ended.is_empty() { "interrupted" } else { ended }.into(),
        estimated: true,
        ..Account::default()
    };
    if standing.attempt < lease.attempt {
        account.usage = usage(standing.used_input, standing.used_output);
        account.cost = standing.used_cost;
    }
    events::TOPIC.append(tx, events::generation_finished(&former, &account), now).await
}

/// None when nothing was used.
fn usage(input: i64, output: i64) -> Option<Usage> {
    let total = |tokens: i64| u64::try_from(tokens).unwrap_or(0);
    (input + output > 0).then(|| Usage { input: total(input), output: total(output) })
}

/// The next attempt of a reply that `lease` still holds; none when somebody else took it. It counts as one
/// without new text until [`note_takeover`] knows better.
pub async fn next_attempt(tx: &mut Tx<'_>, lease: &Lease, worker: Uuid) -> Result<Option<Lease>> {
    tx.query(
        "update ai_generations set attempt = attempt + 1, stalled = stalled + 1, worker = $4
         where space_id = $1 and reply_id = $2 and attempt = $3 and state = 'open'
         returning space_id, reply_id, chat_id, model, attempt, stalled",
    )
    .bind(lease.space_id)
    .bind(lease.reply_id)
    .bind(lease.attempt)
    .bind(worker)
    .maybe()
    .await
}

/// Notes where the stream stood at a takeover; answers how many takeovers in a row, this one among them, found it
/// there. The same one again changes nothing, and those that did not come so far have found nothing new.
pub async fn note_takeover(tx: &mut Tx<'_>, lease: &Lease, next: i64) -> Result<i64> {
    let stalled = tx
        .query(
            "update ai_generations set
                 stalled = case when last_next in (-1, $4) then stalled else 1 end, last_next = $4
             where space_id = $1 and reply_id = $2 and attempt = $3
             returning stalled",
        )
        .bind(lease.space_id)
        .bind(lease.reply_id)
        .bind(lease.attempt)
        .bind(next)
        .value()
        .await?;
    Ok(stalled.unwrap_or(0))
}

/// Settles what attempts before this one used: all text of the reply (`total` tokens) behind what each of them began with.
pub async fn settle_former(tx: &mut Tx<'_>, lease: &Lease, total: i64) -> Result<()> {
    for open in ledger::of_reply(tx, lease.space_id, lease.reply_id, lease.attempt.saturating_sub(1)).await? {
        let output = (total - open.base).max(0);
        // One that has said nothing was refused, or nobody knows.
        let input = if output > 0 { open.input } else { 0 };
        let cost = ledger::settle(tx, &open, input, output).await?.unwrap_or(0);
        tx.query(
            "update ai_generations set
                 used_input = used_input + $3, used_output = used_output + $4, used_cost = used_cost + $5
             where space_id = $1 and reply_id = $2",
        )
        .bind(lease.space_id)
        .bind(lease.reply_id)
        .bind(input)
        .bind(output)
        .bind(cost)
        .run()
        .await?;
    }
    Ok(())
}

/// What earlier attempts of a run used.
struct Before {
    used_input: i64,
    used_output: i64,
    used_cost: i64,
}
from_row!(Before { used_input, used_output, used_cost });

/// Closes a lease with its account and the event that says how it went; nothing happens when it is not
/// the current attempt, or closed already.
pub async fn close(tx: &mut Tx<'_>, lease: &Lease, account: &Account, now: DateTime<Utc>) -> Result<()> {
    let closed: Option<Before> = tx
        .query(
            "update ai_generations set state = 'closed', closed_at = $4
             where space_id = $1 and reply_id = $2 and attempt = $3 and state = 'open'
             returning used_input, used_output, used_cost",
        )
        .bind(lease.space_id)
        .bind(lease.reply_id)
        .bind(lease.attempt)
        .bind(now)
        .maybe()
        .await?;
    let Some(before) = closed else { return Ok(()) };
    let said = account.usage.unwrap_or(Usage { input: 0, output: 0 });
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    let (mut input, mut output, mut cost) = (before.used_input, before.used_output, before.used_cost);
    for open in ledger::of_reply(tx, lease.space_id, lease.reply_id, lease.attempt).await? {
        let last = open.attempt == lease.attempt;
        let (i, o) = if last { (count(said.input), count(said.output)) } else { (open.input, 0) };
        cost += ledger::settle(tx, &open, i, o).await?.unwrap_or(0);
        (input, output) = (input + i, output + o);
    }
    let account = Account { usage: usage(input, output), cost, ..account.clone() };
    events::TOPIC.append(tx, events::generation_finished(lease, &account), now).await
}

/// Open leases of `worker` itself.
pub async fn held(tx: &mut Tx<'_>, worker: Uuid) -> Result<Vec<Lease>> {
    tx.query(
        "select space_id, reply_id, chat_id, model, attempt, stalled from ai_generations
         where worker = $1 and state = 'open'",
    )
    .bind(worker)
    .all()
    .await
}

/// Open leases of workers whose last beat does not lie between two times (one from the future is of
/// before the clock was set back); all others' when there can be no other worker (`alone`).
pub async fn orphans(
    tx: &mut Tx<'_>,
    worker: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    alone: bool,
) -> Result<Vec<Lease>> {
    tx.query(
        "select g.space_id, g.reply_id, g.chat_id, g.model, g.attempt, g.stalled
         from ai_generations g left join ai_workers w on w.id = g.worker
         where g.state = 'open' and g.worker <> $1 and ($4 or w.beat_at is null or w.beat_at < $2 or w.beat_at > $3)
         order by g.asked_at limit 1000",
    )
    .bind(worker)
    .bind(from)
    .bind(to)
    .bind(alone)
    .all()
    .await
}

/// `worker` lives.
pub async fn beat(tx: &mut Tx<'_>, worker: Uuid, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "insert into ai_workers (id, beat_at) values ($1, $2)
         on conflict (id) do update set beat_at = excluded.beat_at",
    )
    .bind(worker)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// Forgets workers that are long dead and hold nothing.
pub async fn forget_workers(tx: &mut Tx<'_>, before: DateTime<Utc>) -> Result<()> {
    tx.query(
        "delete from ai_workers where beat_at < $1
             and not exists (select 1 from ai_generations g where g.worker = ai_workers.id and g.state = 'open')",
    )
    .bind(before)
    .run()
    .await?;
    Ok(())
}
