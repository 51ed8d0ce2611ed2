//! SQLite in a folder of its own, and what its file says of how it is written.

use super::{Database, Harness, add, checks, fresh};
use crate::suite::passes;
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use platform::{
    Code,
    db::{AtOnce, Db, Options},
};
use std::{fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;

pub struct InFolder {
    pub folder: TempDir,
    other: TempDir,
}

impl InFolder {
    pub fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, other: tempfile::tempdir()? })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn db(&self, options: &Options) -> Result<Db> {
        Ok(Db::open(&self.file("taifas.db"), options)?)
    }
}

#[async_trait]
impl Harness for InFolder {
    async fn open(&self, options: Options) -> Result<Box<dyn Database>> {
        Ok(Box::new(self.db(&options)?))
    }

    async fn elsewhere(&self) -> Result<Box<dyn Database>> {
        Ok(Box::new(Db::open(&self.other.path().join("taifas.db"), &Options::default())?))
    }

    /// Counted in the write-ahead log: the last frame of a commit says how large the file is then
    /// (SQLite file format, section 4).
    fn commits(&self) -> Result<Option<usize>> {
        const HEADER: usize = 32;
        const FRAME_HEADER: usize = 24;
        let log = fs::read(self.file("taifas.db-wal"))?;
        let header = log.get(..HEADER).context("no header")?;
        let page = u32::from_be_bytes(header[8..12].try_into()?);
        let frames = log[HEADER..].chunks_exact(FRAME_HEADER + usize::try_from(page)?);
        // frames of an earlier round of the log have another salt
        Ok(Some(frames.filter(|frame| frame[8..16] == header[16..24] && frame[4..8] != [0; 4]).count()))
    }
}

/// The same without threads.
struct InLine(InFolder);

#[async_trait]
impl Harness for InLine {
    async fn open(&self, options: Options) -> Result<Box<dyn Database>> {
        Ok(Box::new(Db::open_in_line(&self.0.file("taifas.db"), &options, Arc::new(AtOnce))?))
    }

    async fn elsewhere(&self) -> Result<Box<dyn Database>> {
        let file = self.0.other.path().join("taifas.db");
        Ok(Box::new(Db::open_in_line(&file, &Options::default(), Arc::new(AtOnce))?))
    }

    fn commits(&self) -> Result<Option<usize>> {
        self.0.commits()
    }
}

/// They hold one transaction up while another one waits, which needs a thread for each.
const OF_TWO_THREADS: [&str; 4] = [
    "an_interrupted_write_takes_no_other_with_it",
    "writers_share_commits",
    "a_read_sees_one_moment",
    "a_full_queue_refuses",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_line_keeps_the_contract() -> Result<()> {
    let (left_out, kept): (Vec<_>, Vec<_>) =
        checks().into_iter().partition(|check| OF_TWO_THREADS.contains(&check.name));
    ensure!(left_out.len() == OF_TWO_THREADS.len(), "a check that is left out has another name now");
    passes(&kept, || Ok(Box::new(InLine(InFolder::new()?)))).await
}

#[tokio::test]
async fn in_line_a_transaction_that_asks_for_another_one_is_refused() -> Result<()> {
    let harness = InLine(InFolder::new()?);
    let db: Arc<dyn Database> = harness.open(Options::default()).await?.into();
    let inner = db.clone();
    let nested = super::write(&*db, move |_| {
        let inner = inner.clone();
        async move { inner.migrate("note", super::NOTES).await }.boxed()
    });
    ensure!(nested.await.is_err_and(|error| error.code() == Code::Internal), "it is let through");
    db.migrate("note", super::NOTES).await?;
    add(&*db, 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract() -> Result<()> {
    passes(&checks(), || Ok(Box::new(InFolder::new()?))).await
}

#[tokio::test]
async fn the_file_is_written_durably() -> Result<()> {
    let harness = InFolder::new()?;
    let db = fresh(&harness).await?;
    let synchronous =
        super::write(&*db, |tx| async move { tx.query("pragma synchronous").value::<i64>().await }.boxed()).await?;
    ensure!(synchronous == Some(2), "synchronous is {synchronous:?}, not full");
    // read and write version 2 in the header of the file: a write-ahead log
    let header = fs::read(harness.file("taifas.db"))?;
    ensure!(header.get(18..20) == Some(&[2, 2]), "the file has no write-ahead log");
    ensure!(harness.commits()? > Some(0), "the log is not where it should be");
    Ok(())
}

#[tokio::test]
async fn a_copy_is_whole_while_others_write() -> Result<()> {
    let harness = InFolder::new()?;
    let db = harness.db(&Options::default())?;
    Database::migrate(&db, "note", super::NOTES).await?;
    for number in 0..20 {
        add(&db, number).await?;
    }
    let copy = harness.file("copy.db");
    let writing = async {
        for number in 20..60 {
            add(&db, number).await?;
        }
        Ok::<_, platform::Error>(())
    };
    let (copied, written) = tokio::join!(db.copy_to(&copy), writing);
    copied?;
    written?;
    let copied = super::notes(&Db::open(&copy, &Options::default())?).await?;
    ensure!(copied.len() >= 20 && copied.iter().all(|(_, parts)| *parts == 3), "{copied:?}");
    ensure!(db.copy_to(&copy).await.is_err(), "a copy replaces another");
    Ok(())
}

#[tokio::test]
async fn what_is_no_database_is_refused_with_its_name() -> Result<()> {
    let harness = InFolder::new()?;
    fs::write(
        harness.file("taifas.db"),
        "a letter to a friend, long enough to be taken for something else".repeat(20),
    )?;
    let refused = harness.db(&Options::default()).err().context("it is opened")?.to_string();
    ensure!(refused.contains("taifas.db"), "{refused}");
    let missing = Db::open(&harness.file("missing/taifas.db"), &Options::default()).err().context("it is opened")?;
    ensure!(missing.to_string().contains("missing/taifas.db"), "{missing}");
    Ok(())
}

#[tokio::test]
async fn the_last_handle_may_go_with_a_closure() -> Result<()> {
    let harness = InFolder::new()?;
    let db = harness.db(&Options::default())?;
    Database::migrate(&db, "note", super::NOTES).await?;
    let held = db.clone();
    let call = tokio::spawn(async move {
        let inner = held.clone();
        Database::write(
            &held,
            super::job(move |tx| {
                let _held = inner.clone();
                async move { super::insert(tx, 1, 0).await }.boxed()
            }),
        )
        .await
    });
    tokio::task::yield_now().await;
    call.abort();
    drop(db);
    // the file is closed by whoever was last, and can be opened again
    let db = fresh(&harness).await?;
    add(&*db, 2).await?;
    Ok(())
}
