//! `db:`: tasks in a table beside what they belong to, so that asking for one and the reason for it are
//! one transaction. Workers are woken by the commit.

use super::{Outcome, Standing, Taken, Task, Tasks};
use crate::{
    Error, Result,
    clock::Clock,
    db::{Db, Migration, Scope, Tx},
    from_row,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "tasks", sql: include_str!("tables.sql") }];

/// A writer of another process cannot wake us, and clocks are set; look at least this often.
const LOOK: Duration = Duration::from_secs(5);
/// How long a task that has ended is remembered, so that it is not done again, or can be looked at.
const REMEMBER: TimeDelta = TimeDelta::days(7);
/// The most of them that are forgotten beside one end.
const FORGET: i64 = 16;
const LARGEST_KEY: usize = 200;
const LARGEST_PAYLOAD: usize = 64 << 10;
/// Of a reason, as stored.
const LARGEST_REASON: usize = 2_000;

/// Asks for `task` in the running transaction; its worker is woken once that is durable. Answers
/// whether it is a new one.
///
/// # Errors
/// `internal` for a key or a payload past its limit; else as any statement.
pub async fn enqueue(tx: &mut Tx<'_>, task: &Task) -> Result<bool> {
    if task.key.is_empty() || task.key.len() > LARGEST_KEY || task.payload.len() > LARGEST_PAYLOAD {
        return Err(Error::internal(format!(
            "a task of {} with a key of {} and a payload of {} bytes",
            task.queue,
            task.key.len(),
            task.payload.len()
        )));
    }
    let added = tx
        .query(
            "insert into tasks_tasks (queue, key, space_id, payload, added_at, due_at, attempt, tries, taken)
             values ($1, $2, $3, $4, $5, $6, 0, 0, 0) on conflict (queue, key) do nothing",
        )
        .bind(task.queue)
        .bind(task.key.as_str())
        .bind(task.space)
        .bind(task.payload.clone())
        .bind(task.added)
        .bind(task.due)
        .run()
        .await?;
    tx.announce(task.queue);
    Ok(added > 0)
}

/// Forgets all tasks of a space, those in somebody's hands too.
///
/// # Errors
/// As any statement.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid) -> Result<u64> {
    tx.query("delete from tasks_tasks where space_id = $1").bind(space).run().await
}

struct Row {
    key: String,
    space_id: Uuid,
    payload: Vec<u8>,
    added_at: DateTime<Utc>,
    attempt: i64,
    tries: i64,
}
from_row!(Row { key, space_id, payload, added_at, attempt, tries });

struct Counts {
    queue: String,
    open: i64,
    buried: i64,
    oldest: Option<DateTime<Utc>>,
}
from_row!(Counts { queue, open, buried, oldest });

/// The embedded tasks.
pub struct TableTasks {
    db: Db,
    clock: Arc<dyn Clock>,
}

impl TableTasks {
    /// When nobody else can use the database, whoever held a task is dead, and it is free at once.
    ///
    /// # Errors
    /// When the tables cannot be made.
    pub async fn open(db: Db, clock: Arc<dyn Clock>) -> Result<Self> {
        db.migrate("tasks", MIGRATIONS).await?;
        if db.exclusive() {
            let now = clock.now();
            db.write(Scope::System, move |tx| {
                async move {
                    tx.query("update tasks_tasks set taken = 0, due_at = $1 where taken = 1").bind(now).run().await
                }
                .boxed()
            })
            .await?;
        }
        Ok(Self { db, clock })
    }

    /// When the next task of a queue is due.
    async fn next_due(&self, queue: &'static str) -> Result<Option<DateTime<Utc>>> {
        self.db
            .read(Scope::System, move |tx| {
                async move {
                    tx.query(
                        "select due_at from tasks_tasks where queue = $1 and ended is null order by due_at limit 1",
                    )
                    .bind(queue)
                    .value()
                    .await
                }
                .boxed()
            })
            .await
    }

    async fn take_due(&self, queue: &'static str, lease: Duration, most: i64) -> Result<Vec<Taken>> {
        let now = self.clock.now();
        let until = later(now, lease);
        let rows: Vec<Row> = self
            .db
            .write(Scope::System, move |tx| {
                async move {
                    tx.query(
                        "update tasks_tasks set taken = 1, due_at = $3, attempt = attempt + 1, tries = tries + 1
                         where queue = $1 and key in (
                             select key from tasks_tasks
                             where queue = $1 and ended is null and due_at <= $2 order by due_at limit $4
                         )
                         returning key, space_id, payload, added_at, attempt, tries",
                    )
                    .bind(queue)
                    .bind(now)
                    .bind(until)
                    .bind(most)
                    .all()
                    .await
                }
                .boxed()
            })
            .await?;
        let taken = |row: Row| Taken {
            queue,
            key: row.key,
            space: row.space_id,
            payload: row.payload,
            added: row.added_at,
            attempt: row.attempt,
            tries: row.tries,
        };
        Ok(rows.into_iter().map(taken).collect())
    }
}

#[async_trait]
impl Tasks for TableTasks {
    async fn take(&self, queue: &'static str, lease: Duration, most: usize) -> Result<Vec<Taken>> {
        let most = i64::try_from(most.max(1)).unwrap_or(i64::MAX);
        let mut woken = self.db.committed(queue);
        loop {
            // Marked seen before the read: what commits after it wakes us again.
            woken.borrow_and_update();
            let due = self.next_due(queue).await?;
            let wait = match due {
                Some(due) => (due - self.clock.now()).to_std().unwrap_or_default().min(LOOK),
                None => LOOK,
            };
            if due.is_some() && wait.is_zero() {
                let taken = self.take_due(queue, lease, most).await?;
                if !taken.is_empty() {
                    return Ok(taken);
                }
            }
            // A time to the millisecond is reached a little before the clock says so.
            let _ = tokio::time::timeout(wait + Duration::from_millis(1), woken.changed()).await;
        }
    }

    async fn keep(&self, task: &Taken, lease: Duration) -> Result<()> {
        let until = later(self.clock.now(), lease);
        let (queue, key, attempt) = (task.queue, task.key.clone(), task.attempt);
        let kept = self.db.write(Scope::System, move |tx| {
            let key = key.clone();
            async move {
                tx.query(
                    "update tasks_tasks set due_at = $4
                     where queue = $1 and key = $2 and attempt = $3 and taken = 1 and ended is null",
                )
                .bind(queue)
                .bind(key)
                .bind(attempt)
                .bind(until)
                .run()
                .await
            }
            .boxed()
        });
        theirs(kept.await?)
    }

    async fn end(&self, task: &Taken, outcome: Outcome) -> Result<()> {
        let now = self.clock.now();
        let end = Arc::new(End::of(outcome, now, task.payload.clone()));
        let (queue, key, attempt) = (task.queue, task.key.clone(), task.attempt);
        let ended = self.db.write(Scope::System, move |tx| {
            let (key, end) = (key.clone(), end.clone());
            async move {
                let changed = tx
                    .query(
                        "update tasks_tasks
                         set taken = 0, ended = $4, why = $5, due_at = $6, tries = tries - $7, payload = $8
                         where queue = $1 and key = $2 and attempt = $3 and taken = 1 and ended is null",
                    )
                    .bind(queue)
                    .bind(key)
                    .bind(attempt)
                    .bind(end.ended)
                    .bind(end.why.clone())
                    .bind(end.due)
                    .bind(end.uncounted)
                    .bind(end.payload.clone())
                    .run()
                    .await?;
                if changed > 0 && end.ended.is_some() {
                    forget(tx, queue, now - REMEMBER).await?;
                }
                tx.announce(queue);
                Ok(changed)
            }
            .boxed()
        });
        theirs(ended.await?)
    }

    async fn standing(&self) -> Result<Vec<Standing>> {
        let rows: Vec<Counts> = self
            .db
            .read(Scope::System, move |tx| {
                async move {
                    tx.query(
                        "select queue,
                             sum(case when ended is null then 1 else 0 end) as open,
                             sum(case when ended = 'buried' then 1 else 0 end) as buried,
                             min(case when ended is null then due_at end) as oldest
                         from tasks_tasks group by queue order by queue",
                    )
                    .all()
                    .await
                }
                .boxed()
            })
            .await?;
        let standing =
            |row: Counts| Standing { queue: row.queue, open: row.open, buried: row.buried, oldest: row.oldest };
        Ok(rows.into_iter().map(standing).collect())
    }
}

/// What an outcome writes.
struct End {
    ended: Option<&'static str>,
    why: Option<String>,
    due: DateTime<Utc>,
    uncounted: i64,
    payload: Vec<u8>,
}

impl End {
    fn of(outcome: Outcome, now: DateTime<Utc>, payload: Vec<u8>) -> Self {
        let short = |why: String| why.chars().take(LARGEST_REASON).collect();
        match outcome {
            // whatever it was about need not be kept
            Outcome::Done => Self { ended: Some("done"), why: None, due: now, uncounted: 0, payload: Vec::new() },
            Outcome::Again { after, counts, why } => Self {
                ended: None,
                why: Some(short(why)),
                due: later(now, after),
                uncounted: i64::from(!counts),
                payload,
            },
            Outcome::Buried { why } => {
                Self { ended: Some("buried"), why: Some(short(why)), due: now, uncounted: 0, payload }
            }
        }
    }
}

async fn forget(tx: &mut Tx<'_>, queue: &'static str, before: DateTime<Utc>) -> Result<()> {
    for ended in ["done", "buried"] {
        tx.query(
            "delete from tasks_tasks where queue = $1 and key in (
                 select key from tasks_tasks where queue = $1 and ended = $2 and due_at < $3 limit $4
             )",
        )
        .bind(queue)
        .bind(ended)
        .bind(before)
        .bind(FORGET)
        .run()
        .await?;
    }
    Ok(())
}

fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by).ok().and_then(|by| now.checked_add_signed(by)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn theirs(changed: u64) -> Result<()> {
    if changed > 0 {
        return Ok(());
    }
    Err(Error::stale("this task is in other hands now, or has ended"))
}
