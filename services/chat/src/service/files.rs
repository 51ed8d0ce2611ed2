//! Files: taken in as they arrive, looked into, given back to their owner alone.

use super::Chats;
use crate::{
    domain::{File, HEAD, Message, file_name, look, sniff},
    repository::files,
};
use bytes::{Bytes, BytesMut};
use chrono::TimeDelta;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use platform::{
    Error, Result,
    db::{Scope, Tx},
    objects::{self, GetOptions, ObjectStore as _, Path},
    principal::Person,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// The longest pause of a body that is arriving.
const PAUSE: Duration = Duration::from_secs(30);

/// How many files a message may have.
pub(super) const PER_MESSAGE: usize = 10;

/// A file's bytes, on their way.
pub type Content = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

impl Chats {
    /// Keeps a picture: its bytes first, then its row. What is refused leaves nothing.
    pub async fn keep_file(
        &self,
        person: &Person,
        name: &str,
        declared: Option<&str>,
        body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<File> {
        let (space, id, now) = (person.space(), self.platform.ids.id(), self.platform.clock.now());
        let limit = self.config.image_limit_mb << 20;
        let quota = self.config.files_limit_mb << 20;
        let stored =
            self.platform.db.read(space, move |tx| async move { files::stored(tx, space).await }.boxed()).await?;
        let left = quota.saturating_sub(u64::try_from(stored).unwrap_or(0));
        if left == 0 {
            return Err(Error::too_large(format!(
                "your files take up all of the {} MB there are; delete chats with files",
                self.config.files_limit_mb
            )));
        }
        let (path, head) = (place(space, id)?, Arc::new(Mutex::new(BytesMut::new())));
        let body = watched(timed(body), head.clone());
        let kept = objects::write(&*self.platform.objects, &path, Box::pin(body), limit.min(left)).await?;
        let head = std::mem::take(&mut *head.lock().unwrap_or_else(PoisonError::into_inner)).freeze();
        let made = look(&head, declared).map(|picture| File {
            id,
            name: file_name(name, picture.kind),
            kind: picture.kind.into(),
            size: i64::try_from(kept.size).unwrap_or(i64::MAX),
            width: Some(picture.width.into()),
            height: Some(picture.height.into()),
        });
        let stored = match made {
            Ok(file) => {
                let row = file.clone();
                let insert = self.write(space, move |tx| {
                    let row = row.clone();
                    async move { files::insert(tx, space, &row, now).await }.boxed()
                });
                insert.await.map(|()| file)
            }
            Err(error) => Err(error),
        };
        self.or_remove(&path, stored).await
    }

    /// A file and its bytes. Somebody else's is not there.
    pub async fn file(&self, space: Uuid, id: Uuid) -> Result<(File, Content)> {
        let found =
            self.platform.db.read(space, move |tx| async move { files::find(tx, space, id).await }.boxed()).await?;
        let file = found.ok_or_else(|| Error::not_found("file"))?;
        let object = self.platform.objects.get_opts(&place(space, id)?, GetOptions::default()).await?;
        Ok((file, Box::pin(object.into_stream().map(|piece| piece.map_err(Error::from)))))
    }

    /// A file as a model gets it: whole.
    pub async fn attachment(&self, space: Uuid, id: Uuid) -> Result<(File, Bytes)> {
        let found =
            self.platform.db.read(space, move |tx| async move { files::find(tx, space, id).await }.boxed()).await?;
        let file = found.ok_or_else(|| Error::not_found("file"))?;
        let bytes =
            objects::read(&*self.platform.objects, &place(space, id)?, self.config.image_limit_mb << 20).await?;
        // What was stored years ago by other rules is looked at again.
        if sniff(&bytes) != Some(file.kind.as_str()) {
            return Err(Error::internal(format!("the file {id} is not what its row says")));
        }
        Ok((file, bytes))
    }

    /// Removes files that were sent and never used, and those of erased chats.
    pub async fn sweep_files(self) {
        loop {
            let pause = match self.sweep_some().await {
                Ok(0) => Duration::from_secs(600),
                Ok(_) => Duration::from_millis(50),
                Err(error) => {
                    tracing::warn!(%error, "unused files could not be removed; trying again");
                    Duration::from_secs(60)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn sweep_some(&self) -> Result<usize> {
        let before = self.platform.clock.now() - TimeDelta::days(1);
        let loose = self
            .platform
            .db
            .read(Scope::System, move |tx| async move { files::loose(tx, before, 50).await }.boxed())
            .await?;
        let found = loose.len();
        for file in loose {
            let (space, id) = (file.space_id, file.id);
            let db = &self.platform.db;
            if db.write(space, move |tx| async move { files::let_go(tx, space, id).await }.boxed()).await? {
                objects::remove(&*self.platform.objects, &place(space, id)?).await?;
                db.write(space, move |tx| async move { files::remove(tx, space, id).await }.boxed()).await?;
            }
        }
        Ok(found)
    }
}

/// Within a transaction: the files become those of a message. Each must be the person's own.
pub(super) async fn attach(tx: &mut Tx<'_>, space: Uuid, message: &mut Message, ids: &[Uuid]) -> Result<()> {
    for (position, id) in (0..).zip(ids) {
        let file = files::find(tx, space, *id).await?.ok_or_else(|| Error::not_found("file"))?;
        files::attach(tx, space, message.id, position, *id).await?;
        message.attachments.push(file);
    }
    Ok(())
}

/// All files of a space lie below `folder(space)`.
pub(super) fn folder(space: Uuid) -> Result<Path> {
    objects::path("chat", &[&space.simple().to_string()])
}

pub(super) fn place(space: Uuid, file: Uuid) -> Result<Path> {
    objects::path("chat", &[&space.simple().to_string(), "files", &file.simple().to_string()])
}

/// A body that stands still is given up.
pub(super) fn timed(
    body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> impl Stream<Item = Result<Bytes>> + Send + Unpin {
    Box::pin(stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match tokio::time::timeout(PAUSE, body.next()).await {
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(body))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => Some((Err(Error::timeout("the file did not arrive to its end; send it again")), None)),
        }
    }))
}

/// Keeps the beginning of what passes, and lets nothing pass that does not begin like a picture.
fn watched(
    body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    head: Arc<Mutex<BytesMut>>,
) -> impl Stream<Item = Result<Bytes>> + Send {
    body.map(move |bytes| {
        let bytes = bytes?;
        let mut head = head.lock().unwrap_or_else(PoisonError::into_inner);
        let room = HEAD.saturating_sub(head.len()).min(bytes.len());
        head.extend_from_slice(&bytes[..room]);
        if head.len() >= 12 && sniff(&head).is_none() {
            look(&head, None)?;
        }
        Ok(bytes)
    })
}
