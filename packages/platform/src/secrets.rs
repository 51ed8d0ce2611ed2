//! The `secrets` port: named secrets of this installation. A value never appears in a log: the type
//! does not print it and forgets it from memory when dropped.

mod file;

pub use file::FileSecrets;

use crate::{Error, Result};
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretSlice};
use std::{fmt, ops::RangeInclusive};

/// How long a name may be, in bytes.
const NAME: RangeInclusive<usize> = 1..=64;
/// How many random bytes a new secret may have.
const LENGTH: RangeInclusive<usize> = 16..=1024;

#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret as it is now, so a rotated one is seen by the next call; `None` when there is none.
    ///
    /// # Errors
    /// `invalid` for a name that cannot be one, `unavailable` with a sentence when it cannot be read
    /// or is not kept safely.
    async fn get(&self, name: &str) -> Result<Option<Secret>>;

    /// The secret, made of `length` random bytes (16 to 1024) when there is none: for keys that an
    /// installation makes for itself. Everybody who asks gets the same one.
    ///
    /// # Errors
    /// As `get`; `unavailable` also when it cannot be stored.
    async fn get_or_create(&self, name: &str, length: usize) -> Result<Secret>;
}

/// The bytes of a secret.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

impl Secret {
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// The bytes; whoever takes them keeps them out of logs and messages.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The secret as text, such as a password or an API key.
    ///
    /// # Errors
    /// `unavailable` when it is not UTF-8.
    pub fn expose_text(&self) -> Result<&str> {
        str::from_utf8(self.expose()).map_err(|_| Error::unavailable("a secret that is needed as text is not UTF-8"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Names are lower-case letters, digits and dashes, so that one is a file name, a variable and a
/// path in a vault alike.
fn checked(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    // …-file would be the variable that names a file
    if NAME.contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('-') && !name.ends_with("-file") {
        return Ok(());
    }
    Err(Error::invalid(
        "name",
        "of a secret is 1 to 64 lower-case letters, digits and dashes, and does not end in -file",
    ))
}

fn checked_length(length: usize) -> Result<()> {
    if LENGTH.contains(&length) {
        return Ok(());
    }
    Err(Error::invalid("length", "of a secret is 16 to 1024 bytes"))
}
