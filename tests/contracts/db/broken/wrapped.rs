//! A database with a fault around it.

use super::Fault;
use crate::db::{Database, Job, job};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use platform::{
    Code, Error, Result,
    db::{Db, Migration},
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};
use tokio::sync::{RwLock, watch};

pub struct Wrapped {
    db: Db,
    fault: Fault,
    /// Where the state before the last write is kept.
    before: PathBuf,
    turn: RwLock<()>,
    woken: watch::Sender<u64>,
    group: Mutex<Vec<Job>>,
}

impl Wrapped {
    pub fn new(db: Db, fault: Fault, before: PathBuf) -> Self {
        Self { db, fault, before, turn: RwLock::default(), woken: watch::Sender::default(), group: Mutex::default() }
    }

    /// Answers when the closure has run, which is before the commit.
    async fn acknowledged_early(&self, work: Job) -> Result<()> {
        let (ran, outcome) = tokio::sync::oneshot::channel();
        let ran = Arc::new(Mutex::new(Some(ran)));
        let db = self.db.clone();
        tokio::spawn(async move {
            let slow = job(move |tx| {
                let (work, ran) = (work.clone(), ran.clone());
                async move {
                    let outcome = work(tx).await;
                    if let Some(ran) = ran.lock().unwrap_or_else(PoisonError::into_inner).take() {
                        let _ = ran.send(outcome);
                    }
                    std::thread::sleep(Duration::from_millis(5));
                    Ok(())
                }
                .boxed()
            });
            Database::write(&db, slow).await
        });
        outcome.await.map_err(Error::internal)?
    }

    /// What has gathered in a moment runs as one closure.
    async fn as_one(&self, work: Job) -> Result<()> {
        let group =
            |group: &Mutex<Vec<Job>>| std::mem::take(&mut *group.lock().unwrap_or_else(PoisonError::into_inner));
        self.group.lock().unwrap_or_else(PoisonError::into_inner).push(work);
        tokio::time::sleep(Duration::from_millis(5)).await;
        let jobs = Arc::new(group(&self.group));
        let all = job(move |tx| {
            let jobs = jobs.clone();
            async move {
                for work in &*jobs {
                    work(tx).await?;
                }
                Ok(())
            }
            .boxed()
        });
        Database::write(&self.db, all).await
    }
}

/// Says elsewhere how `work` ended, and lets the database believe that it went well.
fn always_well(work: Job) -> (Job, mpsc::Receiver<Result<()>>) {
    let (said, outcome) = mpsc::channel();
    let well = job(move |tx| {
        let (work, said) = (work.clone(), said.clone());
        async move {
            let _ = said.send(work(tx).await);
            Ok(())
        }
        .boxed()
    });
    (well, outcome)
}

/// Each statement of `work` sees what is there when it runs.
fn torn(work: Job) -> Job {
    job(move |tx| {
        let work = work.clone();
        async move {
            tx.query("rollback").run().await?;
            work(tx).await
        }
        .boxed()
    })
}

#[async_trait]
impl Database for Wrapped {
    async fn write(&self, work: Job) -> Result<()> {
        match self.fault {
            Fault::LosesTheLastWrite => {
                let _ = std::fs::remove_file(&self.before);
                self.db.copy_to(&self.before).await?;
                Database::write(&self.db, work).await
            }
            Fault::AcknowledgesEarly => self.acknowledged_early(work).await,
            Fault::KeepsWhatFailed => {
                let (well, outcome) = always_well(work);
                Database::write(&self.db, well).await?;
                outcome.try_recv().map_err(Error::internal)?
            }
            Fault::FailsTogether => self.as_one(work).await,
            Fault::WaitsForOthers => match Database::write(&self.db, work).await {
                Err(error) if error.to_string().contains("waited") => std::future::pending().await,
                outcome => outcome,
            },
            Fault::ConflictLooksUnexpected => {
                Database::write(&self.db, work).await.map_err(|error| match error.code() {
                    Code::Conflict => Error::internal(error),
                    _ => error,
                })
            }
            Fault::CommitsOneByOne => {
                let _turn = self.turn.write().await;
                Database::write(&self.db, work).await
            }
            Fault::StopsWhenCallersGiveUp => {
                let turn = self.turn.write().await;
                // kept for ever by a caller that goes away in between
                let kept = std::mem::ManuallyDrop::new(turn);
                let outcome = Database::write(&self.db, work).await;
                drop(std::mem::ManuallyDrop::into_inner(kept));
                outcome
            }
            Fault::ReadersBlockWriters => {
                let _turn = self.turn.write().await;
                Database::write(&self.db, work).await
            }
            Fault::WakesEarly => {
                let woken = self.woken.clone();
                let early = job(move |tx| {
                    let (work, woken) = (work.clone(), woken.clone());
                    async move {
                        let outcome = work(tx).await;
                        woken.send_modify(|count| *count += 1);
                        std::thread::sleep(Duration::from_millis(5));
                        outcome
                    }
                    .boxed()
                });
                Database::write(&self.db, early).await
            }
            Fault::WakesAlways => {
                let outcome = Database::write(&self.db, work).await;
                self.woken.send_modify(|count| *count += 1);
                outcome
            }
            _ => Database::write(&self.db, work).await,
        }
    }

    async fn read(&self, work: Job) -> Result<()> {
        match self.fault {
            Fault::TornReads => Database::read(&self.db, torn(work)).await,
            Fault::ReadsMayWrite => Database::write(&self.db, work).await,
            Fault::ReadersBlockWriters => {
                let _turn = self.turn.write().await;
                Database::read(&self.db, work).await
            }
            _ => Database::read(&self.db, work).await,
        }
    }

    async fn migrate(&self, service: &'static str, migrations: &'static [Migration]) -> Result<()> {
        match self.fault {
            Fault::ForgetsMigrations => {
                let forget = job(|tx| {
                    async move { tx.query("drop table if exists note_migrations").run().await.map(drop) }.boxed()
                });
                Database::write(&self.db, forget).await?;
                Database::migrate(&self.db, service, migrations).await
            }
            Fault::AcceptsAnySchema => {
                let _ = Database::migrate(&self.db, service, migrations).await;
                Ok(())
            }
            Fault::OneMigrationTable => Database::migrate(&self.db, "all", migrations).await,
            Fault::ChangesTexts => {
                Database::migrate(&self.db, service, migrations).await?;
                if service != "value" {
                    return Ok(());
                }
                let change = job(|tx| {
                    async move {
                        tx.query(
                            "create trigger changes after insert on value_values begin
                             update value_values set text = substr(new.text, 1, 100) where id = new.id; end",
                        )
                        .run()
                        .await
                        .map(drop)
                    }
                    .boxed()
                });
                Database::write(&self.db, change).await
            }
            _ => Database::migrate(&self.db, service, migrations).await,
        }
    }

    fn committed(&self, topic: &'static str) -> watch::Receiver<u64> {
        match self.fault {
            Fault::WakesEarly | Fault::WakesAlways => self.woken.subscribe(),
            Fault::WakesEverybody => Database::committed(&self.db, "notes"),
            _ => Database::committed(&self.db, topic),
        }
    }
}
