//! Stores that break one promise each, and the check that must notice.

use super::{CHECKS, Harness, embedded::InFolder};
use crate::suite::{fails, passes};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use platform::objects::{
    CopyOptions, FileObjects, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, Path, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, StoreResult,
    UploadPart,
};
use std::{fmt, sync::Arc};

type Stored<T> = StoreResult<T>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    LosesTheLastPart,
    ForgetsAtRestart,
    OneForAll,
    SmallLetters,
    KeepsTheFirst,
    NobodyIsFirst,
    RemovesNothing,
    ShowsParts,
    NoLimit,
    IgnoresRanges,
}

struct Broken {
    inner: InFolder,
    fault: Fault,
}

impl Harness for Broken {
    fn open(&self) -> anyhow::Result<Arc<dyn ObjectStore>> {
        let other = matches!(self.fault, Fault::ForgetsAtRestart).then(InFolder::new).transpose()?;
        let inner = match self.fault {
            Fault::NoLimit => Arc::new(FileObjects::open(self.inner.folder())?),
            _ => other.as_ref().unwrap_or(&self.inner).open()?,
        };
        Ok(Arc::new(BrokenStore { inner, fault: self.fault, _other: other.map(Hidden) }))
    }
}

struct Hidden(#[expect(dead_code, reason = "lives as long as the store")] InFolder);

struct BrokenStore {
    inner: Arc<dyn ObjectStore>,
    fault: Fault,
    _other: Option<Hidden>,
}

impl fmt::Debug for BrokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}

impl fmt::Display for BrokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}

impl BrokenStore {
    fn place(&self, path: &Path) -> Path {
        match self.fault {
            Fault::OneForAll => Path::from("test/one"),
            Fault::SmallLetters => Path::from(path.as_ref().to_lowercase()),
            _ => path.clone(),
        }
    }
}

#[async_trait]
impl ObjectStore for BrokenStore {
    async fn put_opts(&self, to: &Path, payload: PutPayload, mut options: PutOptions) -> Stored<PutResult> {
        if self.fault == Fault::NobodyIsFirst {
            options.mode = PutMode::Overwrite;
        }
        self.inner.put_opts(&self.place(to), payload, options).await
    }

    async fn put_multipart_opts(&self, to: &Path, options: PutMultipartOptions) -> Stored<Box<dyn MultipartUpload>> {
        let to = self.place(to);
        let held = self.fault == Fault::KeepsTheFirst && self.inner.head(&to).await.is_ok();
        let inner = self.inner.put_multipart_opts(&to, options).await?;
        Ok(Box::new(BrokenUpload {
            inner,
            store: self.inner.clone(),
            to,
            fault: self.fault,
            held,
            parts: 0,
            seen: Vec::new(),
        }))
    }

    async fn get_opts(&self, from: &Path, mut options: GetOptions) -> Stored<GetResult> {
        if self.fault == Fault::IgnoresRanges {
            options.range = None;
        }
        self.inner.get_opts(&self.place(from), options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Stored<Path>>) -> BoxStream<'static, Stored<Path>> {
        match self.fault {
            Fault::RemovesNothing => paths,
            _ => self.inner.delete_stream(paths),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Stored<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Stored<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Stored<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

struct BrokenUpload {
    inner: Box<dyn MultipartUpload>,
    store: Arc<dyn ObjectStore>,
    to: Path,
    fault: Fault,
    held: bool,
    parts: usize,
    seen: Vec<u8>,
}

impl fmt::Debug for BrokenUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}

#[async_trait]
impl MultipartUpload for BrokenUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.parts += 1;
        match self.fault {
            Fault::LosesTheLastPart if self.parts > 1 => Box::pin(async { Ok(()) }),
            Fault::ShowsParts => {
                self.seen.extend(Bytes::from(part.clone()));
                let (store, to, seen) = (self.store.clone(), self.to.clone(), Bytes::from(self.seen.clone()));
                Box::pin(async move { store.put(&to, seen.into()).await.map(drop) })
            }
            _ => self.inner.put_part(part),
        }
    }

    async fn complete(&mut self) -> Stored<PutResult> {
        match self.fault {
            Fault::ShowsParts => self.store.put(&self.to, Bytes::from(std::mem::take(&mut self.seen)).into()).await,
            _ if self.held => {
                self.inner.abort().await?;
                self.store.put(&Path::from("elsewhere"), "x".into()).await
            }
            _ => self.inner.complete().await,
        }
    }

    async fn abort(&mut self) -> Stored<()> {
        self.inner.abort().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_stores_are_noticed() -> anyhow::Result<()> {
    let broken = |fault| anyhow::Ok(Broken { inner: InFolder::new()?, fault });
    passes::<dyn Harness>(CHECKS, || Ok(Box::new(broken(Fault::None)?))).await?;
    for (fault, check) in [
        (Fault::LosesTheLastPart, "any_bytes_come_back"),
        (Fault::ForgetsAtRestart, "it_survives_a_restart"),
        (Fault::SmallLetters, "paths_are_told_apart"),
        (Fault::OneForAll, "paths_are_told_apart"),
        (Fault::KeepsTheFirst, "the_last_one_counts"),
        (Fault::NobodyIsFirst, "created_once"),
        (Fault::RemovesNothing, "removed_is_gone"),
        (Fault::RemovesNothing, "a_space_is_erased"),
        (Fault::ShowsParts, "a_body_that_breaks_off_leaves_nothing"),
        (Fault::ShowsParts, "a_body_that_breaks_off_leaves_the_former_one"),
        (Fault::ShowsParts, "nothing_is_seen_before_the_end"),
        (Fault::NoLimit, "the_stores_limit_holds"),
        (Fault::IgnoresRanges, "a_part_is_read"),
    ] {
        fails::<dyn Harness>(CHECKS, check, &broken(fault)?).await?;
    }
    Ok(())
}
