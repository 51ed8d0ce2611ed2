//! The embedded secrets (`file:data/secrets`): one file per secret that only its owner can read. The
//! environment wins: `TAIFAS_SECRET_<NAME>` holds a value, `TAIFAS_SECRET_<NAME>_FILE` names a file of
//! the operator's own. A value that starts with `base64:` is bytes, any other is text without its last
//! line break.

use super::{Secret, Secrets, checked, checked_length};
use crate::{Error, Result, folder};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    env,
    fs::{self, DirBuilder, File},
    io::{self, Read as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The largest secret in bytes, as stored.
const LARGEST: u64 = 64 * 1024;
const BYTES: &str = "base64:";

/// Looks up an environment variable.
type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

#[derive(Clone)]
pub struct FileSecrets(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    environment: Box<Environment>,
    /// Two callers that ask for a new secret at once get the same one.
    creating: Mutex<()>,
}

impl FileSecrets {
    /// The secrets of a folder, made with mode 0700 when it is missing.
    ///
    /// # Errors
    /// `unavailable` with a sentence when others can read the folder, or it cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::with_environment(folder, |name| env::var(name).ok())
    }

    /// The same with a look-up of the caller's own in place of the environment.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_environment(
        folder: impl Into<PathBuf>,
        environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Result<Self> {
        let folder = folder.into();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| unusable(&folder, &error))?;
        let mode = fs::metadata(&folder).map_err(|error| unusable(&folder, &error))?.permissions().mode();
        private(&folder, mode, "700")?;
        Ok(Self(Arc::new(Inner { folder, environment: Box::new(environment), creating: Mutex::new(()) })))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(Error::internal)?
    }
}

#[async_trait]
impl Secrets for FileSecrets {
    async fn get(&self, name: &str) -> Result<Option<Secret>> {
        checked(name)?;
        let name = name.to_owned();
        self.blocking(move |inner| inner.get(&name)).await
    }

    async fn get_or_create(&self, name: &str, length: usize) -> Result<Secret> {
        checked(name)?;
        checked_length(length)?;
        let name = name.to_owned();
        self.blocking(move |inner| {
            let _creating = inner.creating.lock().unwrap_or_else(PoisonError::into_inner);
            match inner.get(&name)? {
                Some(secret) => Ok(secret),
                None => inner.create(&name, length),
            }
        })
        .await
    }
}

impl Inner {
    fn get(&self, name: &str) -> Result<Option<Secret>> {
        let variable = format!("TAIFAS_SECRET_{}", name.to_uppercase().replace('-', "_"));
        if let Some(value) = (self.environment)(&variable) {
            return parse(value.into_bytes(), &variable).map(Some);
        }
        let variable = format!("{variable}_FILE");
        if let Some(path) = (self.environment)(&variable) {
            // mounted by an orchestrator, which decides who can read it
            let path = PathBuf::from(path);
            let file = File::open(&path).map_err(|error| unusable(&path, &error))?;
            return read(file, &path).map(Some);
        }
        let path = self.folder.join(name);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| unusable(&path, &error))?,
        };
        let mode = file.metadata().map_err(|error| unusable(&path, &error))?.permissions().mode();
        private(&path, mode, "600")?;
        read(file, &path).map(Some)
    }

    /// Written aside, synced and renamed: after a crash there is a whole secret or none.
    fn create(&self, name: &str, length: usize) -> Result<Secret> {
        let mut bytes = vec![0; length];
        rand::fill(&mut bytes[..]);
        let path = self.folder.join(name);
        // no name of a secret has a dot, as those of files that are being written have
        let text = format!("{BYTES}{}\n", STANDARD.encode(&bytes));
        folder::replace(&path, text.as_bytes()).map_err(|error| unusable(&path, &error))?;
        Ok(Secret::new(bytes))
    }
}

fn read(file: File, path: &Path) -> Result<Secret> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| unusable(path, &error))?;
    parse(bytes, &path.display().to_string())
}

/// `place` names where it stands, never what stands there.
fn parse(mut bytes: Vec<u8>, place: &str) -> Result<Secret> {
    if bytes.len() as u64 > LARGEST {
        return Err(Error::unavailable(format!("the secret in {place} is larger than {LARGEST} bytes")));
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    if let Some(encoded) = bytes.strip_prefix(BYTES.as_bytes()) {
        let decoded = STANDARD.decode(encoded);
        bytes = decoded
            .map_err(|_| Error::unavailable(format!("the secret in {place} starts with {BYTES} but is not base64")))?;
    }
    if bytes.is_empty() {
        return Err(Error::unavailable(format!("the secret in {place} is empty; fill it in or remove it")));
    }
    Ok(Secret::new(bytes))
}

fn private(path: &Path, mode: u32, wanted: &str) -> Result<()> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::unavailable(format!(
        "{} can be read by other users of this machine (mode {:o}); run: chmod {wanted} {}",
        path.display(),
        mode & 0o777,
        path.display()
    )))
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::unavailable(format!("the secret {} cannot be used: {error}", path.display()))
}
