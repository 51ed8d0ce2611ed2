//! What is secret and must be stored: encrypted under a key of this installation (AES-256-GCM) and bound
//! to what it belongs to. Whoever reads the database or a backup of it reads nothing of it, and what was
//! moved to another place does not open.

use crate::{Error, Platform, Result, ids::Ids, secrets::Secret};
use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use std::sync::Arc;

const NONCE: usize = 12;

/// Seals and opens under one key. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    cipher: Aes256Gcm,
    ids: Arc<dyn Ids>,
}

impl Sealer {
    /// Under the secret of this name, which is made when it is missing.
    ///
    /// # Errors
    /// When the secret cannot be read or made, or has not 32 bytes.
    pub async fn open(platform: &Platform, secret: &str) -> Result<Self> {
        let key = platform.secrets.get_or_create(secret, 32).await?;
        Self::with(&key, platform.ids.clone())
            .map_err(|_| Error::unavailable(format!("the secret {secret} has not 32 bytes")))
    }

    /// Under this key.
    ///
    /// # Errors
    /// `invalid` for a key that has not 32 bytes.
    pub fn with(key: &Secret, ids: Arc<dyn Ids>) -> Result<Self> {
        let cipher = Aes256Gcm::new_from_slice(key.expose()).map_err(|_| Error::invalid("key", "has not 32 bytes"))?;
        Ok(Self { cipher, ids })
    }

    /// `text` encrypted, to be opened with the same `bound` alone.
    ///
    /// # Errors
    /// `internal` for a text of many gigabytes.
    pub fn seal(&self, bound: &[u8], text: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        self.ids.random(&mut nonce);
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), Payload { msg: text, aad: bound });
        let sealed = sealed.map_err(|_| Error::internal("a secret could not be encrypted"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed; none when it was sealed with another `bound` or by another installation.
    #[must_use]
    pub fn unseal(&self, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: bound }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;

    #[test]
    fn what_is_sealed_opens_only_where_it_belongs() {
        let sealer = |byte| Sealer::with(&Secret::new(vec![byte; 32]), Arc::new(SystemIds)).unwrap();
        let sealed = sealer(7).seal(b"here", b"a secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, sealer(7).seal(b"here", b"a secret").unwrap());
        assert_eq!(sealer(7).unseal(b"here", &sealed).as_deref(), Some(b"a secret".as_slice()));
        assert!(sealer(7).unseal(b"there", &sealed).is_none() && sealer(8).unseal(b"here", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 1;
            assert!(sealer(7).unseal(b"here", &forged).is_none(), "byte {at}");
        }
        assert!(sealer(7).unseal(b"here", b"short").is_none());
        assert!(Sealer::with(&Secret::new(vec![7; 31]), Arc::new(SystemIds)).is_err());
    }
}
