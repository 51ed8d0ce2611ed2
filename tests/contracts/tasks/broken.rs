//! Tasks and worker loops that break one promise each, and the check that must notice.

use super::{Handler, Harness, checks, embedded::InTables};
use crate::suite::{fails, passes};
use anyhow::Result;
use async_trait::async_trait;
use futures_util::{FutureExt as _, future::try_join_all};
use platform::{
    Code, Error, Platform,
    db::Scope,
    tasks::{Limits, Outcome, Standing, Taken, Task, Tasks},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    LosesPayloads,
    LeavesOneOut,
    OneQueue,
    KeysDoNotMatter,
    NothingIsDone,
    NoDelay,
    PollsSeldom,
    NoLease,
    LeasesForEver,
    KeepsNothing,
    NoFence,
    TheDeadHoldOn,
    NoPause,
    CountsEverything,
    BuriesNothing,
    YoungestFirst,
    ForgetsAtRestart,
    GivesUpAtOnce,
    NeverGivesUp,
    UnavailableIsATry,
    NoPatience,
    InvalidIsTriedOn,
    PanicsGoOn,
    NoParallelLimit,
    NoGrace,
}

struct Broken {
    inner: InTables,
    fault: Fault,
    added: AtomicU32,
}

impl Broken {
    fn new(fault: Fault) -> Result<Self> {
        Ok(Self { inner: InTables::new()?, fault, added: AtomicU32::new(0) })
    }
}

#[async_trait]
impl Harness for Broken {
    async fn start(&self) -> Result<Platform> {
        let platform = self.inner.start().await?;
        let sql = match self.fault {
            Fault::TheDeadHoldOn => {
                "update tasks_tasks set taken = 1, due_at = due_at + 600000 where attempt > 0 and ended is null"
            }
            Fault::ForgetsAtRestart => "delete from tasks_tasks",
            _ => "delete from tasks_tasks where 1 = 0",
        };
        platform.db.write(Scope::System, move |tx| async move { tx.query(sql).run().await }.boxed()).await?;
        let tasks = BrokenTasks { inner: platform.tasks.clone(), fault: self.fault };
        Ok(Platform { tasks: Arc::new(tasks), ..platform })
    }

    async fn add(&self, platform: &Platform, mut task: Task) -> Result<bool> {
        let n = self.added.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::LeavesOneOut if n == 7 => return Ok(true),
            Fault::OneQueue => task.queue = super::MAIL,
            Fault::KeysDoNotMatter => task.key = format!("{}{n}", task.key.get(..190).unwrap_or(&task.key)),
            Fault::NoDelay => task.due = task.added,
            Fault::YoungestFirst => task.due = task.added - (task.added - task.due) * -1,
            _ => {}
        }
        self.inner.add(platform, task).await
    }

    fn work(&self, platform: &Platform, queue: &'static str, mut limits: Limits, handler: Handler) {
        match self.fault {
            Fault::GivesUpAtOnce => limits.tries = 1,
            Fault::NeverGivesUp => limits.tries = i64::MAX,
            Fault::NoPatience => limits.patience = Duration::ZERO,
            Fault::NoParallelLimit => limits.parallel = 100,
            Fault::NoGrace => limits.grace = super::LONG,
            _ => {}
        }
        let fault = self.fault;
        let handler: Handler = Arc::new(move |task| {
            let handler = handler.clone();
            async move {
                if fault == Fault::PanicsGoOn {
                    let outcome = std::panic::AssertUnwindSafe(async { handler(task).await }).catch_unwind().await;
                    return outcome.unwrap_or(Ok(()));
                }
                handler(task).await.map_err(|error| match (error.code(), fault) {
                    (Code::Timeout, Fault::UnavailableIsATry) => Error::internal(error),
                    (Code::Invalid, Fault::InvalidIsTriedOn) => Error::internal(error),
                    _ => error,
                })
            }
            .boxed()
        });
        self.inner.work(platform, queue, limits, handler);
    }
}

struct BrokenTasks {
    inner: Arc<dyn Tasks>,
    fault: Fault,
}

#[async_trait]
impl Tasks for BrokenTasks {
    async fn take(&self, queue: &'static str, lease: Duration, most: usize) -> platform::Result<Vec<Taken>> {
        let (queue, lease) = match self.fault {
            Fault::OneQueue => (super::MAIL, lease),
            Fault::NoLease => (queue, Duration::ZERO),
            Fault::LeasesForEver => (queue, Duration::from_secs(86_400)),
            _ => (queue, lease),
        };
        if self.fault == Fault::PollsSeldom {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let mut taken = self.inner.take(queue, lease, most).await?;
        if self.fault == Fault::LosesPayloads {
            taken.iter_mut().for_each(|task| task.payload.truncate(4));
        }
        Ok(taken)
    }

    async fn keep(&self, task: &Taken, lease: Duration) -> platform::Result<()> {
        match self.fault {
            Fault::KeepsNothing => Ok(()),
            Fault::NoFence => self.inner.keep(task, lease).await.or(Ok(())),
            _ => self.inner.keep(task, lease).await,
        }
    }

    async fn end(&self, task: &Taken, outcome: Outcome) -> platform::Result<()> {
        let outcome = match (self.fault, outcome) {
            (Fault::NothingIsDone, Outcome::Done) => return Ok(()),
            (Fault::NoPause, Outcome::Again { counts, why, .. }) => {
                Outcome::Again { after: Duration::ZERO, counts, why }
            }
            (Fault::CountsEverything, Outcome::Again { after, why, .. }) => Outcome::Again { after, counts: true, why },
            (Fault::BuriesNothing, Outcome::Buried { why }) => {
                Outcome::Again { after: Duration::ZERO, counts: true, why }
            }
            (_, outcome) => outcome,
        };
        match self.fault {
            Fault::NoFence => self.inner.end(task, outcome).await.or(Ok(())),
            _ => self.inner.end(task, outcome).await,
        }
    }

    async fn standing(&self) -> platform::Result<Vec<Standing>> {
        self.inner.standing().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_tasks_are_noticed() -> Result<()> {
    let checks = checks();
    passes::<dyn Harness>(&checks, || Ok(Box::new(Broken::new(Fault::None)?))).await?;
    let broken = [
        (Fault::LosesPayloads, "everything_of_a_task_arrives"),
        (Fault::LeavesOneOut, "each_is_taken_once"),
        (Fault::NoLease, "each_is_taken_once"),
        (Fault::OneQueue, "queues_are_told_apart"),
        (Fault::KeysDoNotMatter, "the_same_key_is_one_task"),
        (Fault::NothingIsDone, "a_done_one_is_not_done_again"),
        (Fault::ForgetsAtRestart, "a_done_one_is_not_done_again"),
        (Fault::NoDelay, "not_before_it_is_due"),
        (Fault::PollsSeldom, "who_waits_is_woken"),
        (Fault::NoLease, "one_worker_at_a_time"),
        (Fault::LeasesForEver, "a_lease_ends"),
        (Fault::KeepsNothing, "a_kept_lease_does_not_end"),
        (Fault::NoFence, "an_earlier_holder_is_refused"),
        (Fault::TheDeadHoldOn, "what_a_dead_process_held_is_free"),
        (Fault::NoPause, "again_comes_after_its_pause"),
        (Fault::CountsEverything, "what_does_not_count_is_not_counted"),
        (Fault::BuriesNothing, "buried_is_not_taken_again"),
        (Fault::YoungestFirst, "the_oldest_comes_first"),
        (Fault::LeavesOneOut, "all_are_done"),
        (Fault::ForgetsAtRestart, "what_was_asked_for_before_is_done"),
        (Fault::GivesUpAtOnce, "what_fails_is_tried_and_put_aside"),
        (Fault::NeverGivesUp, "what_fails_is_tried_and_put_aside"),
        (Fault::GivesUpAtOnce, "what_works_at_last_is_done"),
        (Fault::UnavailableIsATry, "what_is_unavailable_is_tried_on"),
        (Fault::NoPatience, "patience_ends"),
        (Fault::InvalidIsTriedOn, "what_can_never_be_done_is_tried_once"),
        (Fault::PanicsGoOn, "a_panic_is_a_failed_try"),
        (Fault::NoParallelLimit, "so_many_at_once_and_no_more"),
        (Fault::KeepsNothing, "long_work_keeps_its_lease"),
        (Fault::CountsEverything, "the_end_of_the_process_is_not_a_try"),
        (Fault::NoGrace, "the_end_of_the_process_is_not_a_try"),
        (Fault::NeverGivesUp, "what_ends_its_process_is_put_aside"),
    ];
    let noticed = |(fault, check)| {
        let checks = &checks;
        async move { fails::<dyn Harness>(checks, check, &Broken::new(fault)?).await }
    };
    // all at once, as those that hang take their time
    try_join_all(broken.map(noticed)).await.map(drop)
}
