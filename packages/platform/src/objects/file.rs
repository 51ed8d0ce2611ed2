//! The embedded objects (`file:objects`): one file an object, written aside, synced and renamed, so that
//! after a crash there is the whole one, the former one or none.

use super::{
    GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, Path, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, StoreError,
};
use crate::{Error, Result};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::{CopyOptions, UploadPart, local::LocalFileSystem};
use std::{
    error::Error as _,
    fmt,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path as FilePath,
};

/// The largest object in bytes, whoever writes it; who takes bodies from people says less.
pub const LARGEST: u64 = 4 << 30;

type Stored<T> = object_store::Result<T>;

/// The embedded objects.
#[derive(Debug)]
pub struct FileObjects {
    files: LocalFileSystem,
    largest: u64,
}

impl FileObjects {
    /// The objects of a folder, made with mode 0700 when it is missing. What a crash has left half
    /// written is removed, so nobody else may use the folder.
    ///
    /// # Errors
    /// `unavailable` with a sentence when the folder cannot be used.
    pub fn open(folder: impl AsRef<FilePath>) -> Result<Self> {
        Self::with_largest(folder, LARGEST)
    }

    /// The same with another largest size of an object.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_largest(folder: impl AsRef<FilePath>, largest: u64) -> Result<Self> {
        let folder = folder.as_ref();
        let unusable = |error: &dyn fmt::Display| {
            Error::unavailable(format!("the folder {} of the stored files cannot be used: {error}", folder.display()))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| unusable(&error))?;
        let left = remove_halves(folder).map_err(|error| unusable(&error))?;
        if left > 0 {
            tracing::info!(left, "files that were being written when the process ended are removed");
        }
        let files = LocalFileSystem::new_with_prefix(folder).map_err(|error| unusable(&error))?.with_fsync(true);
        Ok(Self { files, largest })
    }
}

/// Removes what has the name of a file that is being written (`…#7`), and answers how many there were.
fn remove_halves(folder: &FilePath) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_halves(&entry.path())?;
        } else if is_half(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_half(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for FileObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stored files")
    }
}

#[async_trait]
impl ObjectStore for FileObjects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Stored<PutResult> {
        fits(payload.content_length() as u64, self.largest)?;
        self.files.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Stored<Box<dyn MultipartUpload>> {
        let inner = self.files.put_multipart_opts(location, options).await?;
        Ok(Box::new(Upload { inner, size: 0, largest: self.largest }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Stored<GetResult> {
        self.files.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Stored<Path>>) -> BoxStream<'static, Stored<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Stored<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Stored<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Stored<()> {
        self.files.copy_opts(from, to, options).await
    }
}

/// An upload whose parts are counted.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    size: u64,
    largest: u64,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.size += part.content_length() as u64;
        match fits(self.size, self.largest) {
            Ok(()) => self.inner.put_part(part),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }

    async fn complete(&mut self) -> Stored<PutResult> {
        fits(self.size, self.largest)?;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Stored<()> {
        self.inner.abort().await
    }
}

fn fits(size: u64, largest: u64) -> Stored<()> {
    if size <= largest {
        return Ok(());
    }
    let why = Error::too_large(format!("a stored file has at most {largest} bytes; send less at a time"));
    Err(StoreError::Generic { store: "files", source: why.into() })
}

/// What we ourselves had to say, or the disk: found below what the store made of it.
pub(super) fn refusal(error: &StoreError) -> Option<Error> {
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(ours) = source.downcast_ref::<Error>() {
            return Some(Error::new(ours.code(), ours.message()));
        }
        if let Some(disk) = source.downcast_ref::<io::Error>()
            && matches!(disk.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return Some(Error::unavailable("the disk of this server is full; its administrator must free some space"));
        }
        cause = source.source();
    }
    None
}

pub(super) fn is_input_output(error: &StoreError) -> bool {
    let mut cause = error.source();
    while let Some(source) = cause {
        if source.is::<io::Error>() {
            return true;
        }
        cause = source.source();
    }
    false
}
