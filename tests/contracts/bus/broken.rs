//! Buses and consumer loops that break one promise each, and the check that must notice.

use super::{Handler, Harness, NOTES, checks, embedded::InTables};
use crate::suite::{fails, passes};
use anyhow::Result;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, future::try_join_all};
use platform::{
    Code, Error, Platform,
    bus::{Bus, Delivery, Lag, Limits, Subscription},
    db::{Db, Scope},
    events::Topic,
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
    CommitsWhenRead,
    CommitsTheHighest,
    ForgetsCommits,
    CommitsGoBack,
    SkipsOneAtStart,
    StartsAtTheEnd,
    OneCursor,
    OneTopic,
    Shuffles,
    LosesPayloads,
    LosesVersions,
    LosesTimes,
    PollsSeldom,
    LosesDroppedCalls,
    BuriesNothing,
    OneAtATime,
    NoParallelLimit,
    NoHeldLimit,
    UnavailableIsATry,
    GivesUpAtOnce,
    NeverGivesUp,
    PanicsGoOn,
    SweepsWhatIsUnread,
    SweepsTheYoung,
    SweepsNothing,
    NobodyIsBehind,
}

struct Broken {
    inner: InTables,
    fault: Fault,
    starts: AtomicU32,
}

impl Broken {
    fn new(fault: Fault) -> Result<Self> {
        Ok(Self { inner: InTables::new()?, fault, starts: AtomicU32::new(0) })
    }
}

#[async_trait]
impl Harness for Broken {
    async fn start(&self) -> Result<Platform> {
        let again = self.starts.fetch_add(1, Ordering::SeqCst) > 0;
        let platform = self.inner.start().await?;
        let bus = BrokenBus { inner: platform.bus.clone(), db: platform.db.clone(), fault: self.fault, again };
        Ok(Platform { bus: Arc::new(bus), ..platform })
    }

    fn consume(&self, platform: &Platform, group: &'static str, topic: Topic, mut limits: Limits, handler: Handler) {
        match self.fault {
            Fault::OneAtATime => limits.parallel = 1,
            Fault::NoParallelLimit => limits.parallel = 1000,
            Fault::NoHeldLimit => limits.held = 1_000_000,
            Fault::GivesUpAtOnce => limits.tries = 1,
            Fault::NeverGivesUp => limits.tries = u32::MAX,
            _ => {}
        }
        let fault = self.fault;
        let handler: Handler = Arc::new(move |delivery| {
            let handler = handler.clone();
            async move {
                if fault == Fault::PanicsGoOn {
                    let outcome = std::panic::AssertUnwindSafe(async { handler(delivery).await }).catch_unwind().await;
                    return outcome.unwrap_or(Ok(()));
                }
                handler(delivery).await.map_err(|error| match error.code() {
                    Code::Unavailable | Code::Timeout if fault == Fault::UnavailableIsATry => Error::internal(error),
                    _ => error,
                })
            }
            .boxed()
        });
        self.inner.consume(platform, group, topic, limits, handler);
    }

    async fn buried(&self, platform: &Platform, group: &'static str) -> Result<Vec<u64>> {
        self.inner.buried(platform, group).await
    }
}

struct BrokenBus {
    inner: Arc<dyn Bus>,
    db: Db,
    fault: Fault,
    again: bool,
}

#[async_trait]
impl Bus for BrokenBus {
    async fn subscribe(&self, group: &'static str, topic: Topic) -> platform::Result<Box<dyn Subscription>> {
        let group = if self.fault == Fault::OneCursor { "all" } else { group };
        let inner = match self.fault {
            // both topics under the name of one
            Fault::OneTopic => {
                let both = Topic {
                    select: "select position, space_id, aggregate_id, version, kind, payload, at from (
                                 select * from note_events union all select * from list_events
                             ) where position > $1 order by position limit $2",
                    ..NOTES
                };
                self.inner.subscribe(group, both).await?
            }
            _ => self.inner.subscribe(group, topic).await?,
        };
        Ok(Box::new(BrokenSubscription { inner, fault: self.fault, skip: self.again, highest: 0, first: true }))
    }

    async fn lag(&self) -> platform::Result<Vec<Lag>> {
        let mut lag = self.inner.lag().await?;
        if self.fault == Fault::NobodyIsBehind {
            lag.iter_mut().for_each(|lag| lag.behind = 0);
        }
        Ok(lag)
    }

    async fn sweep(&self, before: DateTime<Utc>) -> platform::Result<u64> {
        match self.fault {
            Fault::SweepsWhatIsUnread => {
                let all = self
                    .db
                    .write(Scope::System, |tx| async move { tx.query("delete from note_events").run().await }.boxed());
                all.await
            }
            Fault::SweepsTheYoung => self.inner.sweep(before + chrono::TimeDelta::days(400)).await,
            Fault::SweepsNothing => Ok(0),
            _ => self.inner.sweep(before).await,
        }
    }
}

struct BrokenSubscription {
    inner: Box<dyn Subscription>,
    fault: Fault,
    skip: bool,
    first: bool,
    highest: i64,
}

#[async_trait]
impl Subscription for BrokenSubscription {
    async fn next(&mut self) -> platform::Result<Vec<Delivery>> {
        let mut deliveries = self.inner.next().await?;
        self.highest = deliveries.last().map_or(self.highest, |last| last.position);
        let first = std::mem::take(&mut self.first);
        match self.fault {
            Fault::CommitsWhenRead => self.inner.commit(self.highest).await?,
            Fault::SkipsOneAtStart if std::mem::take(&mut self.skip) => drop(deliveries.remove(0)),
            Fault::StartsAtTheEnd if first => deliveries.drain(..deliveries.len().saturating_sub(1)).for_each(drop),
            Fault::Shuffles => deliveries.reverse(),
            Fault::LosesPayloads => deliveries.iter_mut().for_each(|delivery| delivery.payload.truncate(4)),
            Fault::LosesVersions => deliveries.iter_mut().for_each(|delivery| delivery.version = 0),
            Fault::LosesTimes => deliveries.iter_mut().for_each(|delivery| delivery.at = chrono::DateTime::UNIX_EPOCH),
            Fault::PollsSeldom => tokio::time::sleep(Duration::from_secs(1)).await,
            Fault::LosesDroppedCalls => tokio::time::sleep(Duration::from_micros(500)).await,
            _ => {}
        }
        Ok(deliveries)
    }

    async fn commit(&mut self, position: i64) -> platform::Result<()> {
        match self.fault {
            Fault::ForgetsCommits => Ok(()),
            Fault::CommitsTheHighest => self.inner.commit(self.highest).await,
            // what was committed before counts no more
            Fault::CommitsGoBack if position > 3 => Ok(()),
            _ => self.inner.commit(position).await,
        }
    }

    async fn bury(&mut self, delivery: &Delivery, why: &str) -> platform::Result<()> {
        match self.fault {
            Fault::BuriesNothing => Ok(()),
            _ => self.inner.bury(delivery, why).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_buses_are_noticed() -> Result<()> {
    let checks = checks();
    passes::<dyn Harness>(&checks, || Ok(Box::new(Broken::new(Fault::None)?))).await?;
    let broken = [
        (Fault::CommitsWhenRead, "what_was_in_hand_is_heard_again"),
        (Fault::CommitsWhenRead, "the_lowest_unfinished_is_committed"),
        (Fault::CommitsTheHighest, "the_lowest_unfinished_is_committed"),
        (Fault::ForgetsCommits, "what_was_committed_is_not_heard_again"),
        (Fault::CommitsGoBack, "commits_never_go_back"),
        (Fault::SkipsOneAtStart, "what_was_in_hand_is_heard_again"),
        (Fault::SkipsOneAtStart, "what_was_said_before_is_heard"),
        (Fault::StartsAtTheEnd, "what_was_said_before_is_heard"),
        (Fault::StartsAtTheEnd, "each_group_hears_everything"),
        (Fault::OneCursor, "each_group_hears_everything"),
        (Fault::OneTopic, "topics_are_told_apart"),
        (Fault::Shuffles, "an_aggregate_stays_in_order"),
        (Fault::LosesPayloads, "everything_of_an_event_arrives"),
        (Fault::LosesVersions, "everything_of_an_event_arrives"),
        (Fault::LosesTimes, "everything_of_an_event_arrives"),
        (Fault::PollsSeldom, "who_waits_is_woken"),
        (Fault::LosesDroppedCalls, "a_dropped_call_loses_nothing"),
        (Fault::BuriesNothing, "poison_is_put_aside"),
        (Fault::OneAtATime, "a_slow_aggregate_holds_up_nobody"),
        (Fault::OneAtATime, "an_aggregate_stays_in_order"),
        (Fault::OneAtATime, "so_many_at_once_and_no_more"),
        (Fault::NoParallelLimit, "so_many_at_once_and_no_more"),
        (Fault::NoHeldLimit, "so_much_is_held_and_no_more"),
        (Fault::UnavailableIsATry, "what_is_unavailable_is_tried_on"),
        (Fault::GivesUpAtOnce, "what_works_at_last_is_not_put_aside"),
        (Fault::NeverGivesUp, "poison_is_put_aside"),
        (Fault::PanicsGoOn, "a_panic_is_a_failed_try"),
        (Fault::SweepsWhatIsUnread, "what_is_unread_stays"),
        (Fault::SweepsTheYoung, "what_is_young_stays"),
        (Fault::SweepsNothing, "what_everybody_had_is_swept"),
        (Fault::NobodyIsBehind, "who_is_behind_is_told"),
    ];
    let noticed = |(fault, check)| {
        let checks = &checks;
        async move { fails::<dyn Harness>(checks, check, &Broken::new(fault)?).await }
    };
    // all at once, as those that hang take their time
    try_join_all(broken.map(noticed)).await.map(drop)
}
