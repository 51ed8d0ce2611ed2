//! The `objects` port: whole files that are too large for a row (pictures, imports, exports). The trait
//! is that of the `object_store` crate, so that every store it knows fits; what is said here is how
//! Taifas uses one: bodies arrive in pieces, are counted while they arrive, and exist whole or not at all.

mod file;

pub use file::{FileObjects, LARGEST};
pub use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult, UploadPart,
    path::Path,
};

use crate::{Error, Result};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};

/// How much of a body is held before it goes on to the store.
const PART: usize = 1 << 20;

/// What was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub size: u64,
    /// SHA-256 of the bytes.
    pub digest: [u8; 32],
}

/// A path below a service's own folder: `path("chat", &[space, file])`. Ids and plain words only, so a
/// name that a person chose never becomes a path.
///
/// # Errors
/// `internal` for a part that is not letters, digits, dashes or underscores.
pub fn path(service: &str, parts: &[&str]) -> Result<Path> {
    let plain = |part: &str| {
        !part.is_empty()
            && part.len() <= 64
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if let Some(wrong) = [service].iter().chain(parts).find(|part| !plain(part)) {
        return Err(Error::internal(format!("\"{wrong}\" cannot be a part of an object's path")));
    }
    Ok(Path::from_iter([service].iter().chain(parts).copied()))
}

/// Keeps a body as it arrives, at most `limit` bytes of it. Until the last byte is safe there is
/// nothing at `to`, or what was there before.
///
/// # Errors
/// `too_large` past the limit, whatever the body ends with, `unavailable` when the store refuses.
pub async fn write<B>(objects: &dyn ObjectStore, to: &Path, mut body: B, limit: u64) -> Result<Kept>
where
    B: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    let mut upload = objects.put_multipart_opts(to, PutMultipartOptions::default()).await?;
    let received = receive(&mut *upload, &mut body, limit).await;
    match received {
        Ok(kept) => {
            upload.complete().await?;
            Ok(kept)
        }
        Err(error) => {
            if let Err(left) = upload.abort().await {
                tracing::warn!(error = %left, "what arrived of a body could not be removed; the next start does it");
            }
            Err(error)
        }
    }
}

async fn receive<B>(upload: &mut dyn MultipartUpload, body: &mut B, limit: u64) -> Result<Kept>
where
    B: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    let (mut size, mut digest, mut part) = (0_u64, Sha256::new(), BytesMut::new());
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        size += bytes.len() as u64;
        if size > limit {
            return Err(Error::too_large(format!("the body is larger than {limit} bytes; send less at a time")));
        }
        digest.update(&bytes);
        part.extend_from_slice(&bytes);
        if part.len() >= PART {
            upload.put_part(part.split().freeze().into()).await?;
        }
    }
    if !part.is_empty() {
        upload.put_part(part.freeze().into()).await?;
    }
    Ok(Kept { size, digest: digest.finalize().into() })
}

/// The whole object, when it has at most `limit` bytes.
///
/// # Errors
/// `not_found` when there is none, `too_large` past the limit, `unavailable` when the store refuses.
pub async fn read(objects: &dyn ObjectStore, from: &Path, limit: u64) -> Result<Bytes> {
    let found = objects.get_opts(from, GetOptions::default()).await?;
    if found.meta.size > limit {
        return Err(Error::too_large(format!("this file has {} bytes, more than {limit}", found.meta.size)));
    }
    Ok(found.bytes().await?)
}

/// Removes an object; one that is not there is fine.
///
/// # Errors
/// `unavailable` when the store refuses.
pub async fn remove(objects: &dyn ObjectStore, at: &Path) -> Result<()> {
    match objects.delete(at).await {
        Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes everything below `prefix` and answers how much it was: for a space that is erased.
///
/// # Errors
/// `unavailable` when the store refuses; what was removed until then stays removed.
pub async fn remove_below(objects: &dyn ObjectStore, prefix: &Path) -> Result<u64> {
    let (mut found, mut removed) = (objects.list(Some(prefix)), 0);
    while let Some(object) = found.next().await {
        remove(objects, &object?.location).await?;
        removed += 1;
    }
    Ok(removed)
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::not_found("file"),
            StoreError::AlreadyExists { .. } => Self::conflict("there is a file of this name already"),
            _ => match file::refusal(&error) {
                Some(refusal) => refusal,
                None if file::is_input_output(&error) => {
                    tracing::error!(%error, "the objects refuse");
                    Self::unavailable("files cannot be stored or read now; the log of this server says why")
                }
                None => Self::internal(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_name_never_becomes_a_path() {
        assert_eq!(path("chat", &["a-1", "b_2"]).unwrap().as_ref(), "chat/a-1/b_2");
        for wrong in ["", "..", "a/b", "a b", "a#1", "ä", "a.b"] {
            assert!(path("chat", &[wrong]).is_err(), "{wrong}");
        }
    }
}
