//! Keys of providers at rest: AES-256-GCM under a key of this installation, bound to the provider and to the origin of its address. A
//! row that was moved to another provider, or whose address was changed behind our back, does not open.

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use platform::{Error, Platform, Result};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

const SECRET: &str = "provider-keys";
const NONCE: usize = 12;

/// Seals and opens keys. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    cipher: Aes256Gcm,
    ids: std::sync::Arc<dyn platform::ids::Ids>,
}

impl Sealer {
    /// # Errors
    /// When the secret cannot be read or made.
    pub async fn open(platform: &Platform) -> Result<Self> {
        let secret = platform.secrets.get_or_create(SECRET, 32).await?;
        let cipher = Aes256Gcm::new_from_slice(secret.expose())
            .map_err(|_| Error::unavailable(format!("the secret {SECRET} has not 32 bytes")))?;
        Ok(Self { cipher, ids: platform.ids.clone() })
    }

    /// The key for the provider `id` at `origin`, encrypted.
    ///
    /// # Errors
    /// Never for a key of sensible length; kept for the cipher.
    pub fn seal(&self, id: Uuid, origin: &str, key: &SecretString) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        self.ids.random(&mut nonce);
        let bound = bound(id, origin);
        let payload = Payload { msg: key.expose_secret().as_bytes(), aad: &bound };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::internal("a key could not be encrypted"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// # Errors
    /// `unavailable` when it was sealed for another provider, another origin or by another installation.
    pub fn unseal(&self, id: Uuid, origin: &str, sealed: &[u8]) -> Result<SecretString> {
        let unreadable = || {
            Error::unavailable("the stored key cannot be opened on this installation; enter the provider's key again")
        };
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(unreadable)?;
        let bound = bound(id, origin);
        let opened = self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &bound });
        let opened = opened.map_err(|_| unreadable())?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| unreadable())
    }
}

fn bound(id: Uuid, origin: &str) -> Vec<u8> {
    [b"taifas provider key\0".as_slice(), id.as_bytes(), origin.as_bytes()].concat()
}

/// What people may see of a key: its last four characters, if the rest keeps it secret.
pub fn hint(key: &SecretString) -> Option<String> {
    let key: Vec<char> = key.expose_secret().chars().collect();
    (key.len() >= 16).then(|| format!("…{}", key[key.len() - 4..].iter().collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::ids::SystemIds;
    use std::sync::Arc;

    #[test]
    fn a_key_opens_only_where_it_belongs() {
        let sealer = |byte| Sealer { cipher: Aes256Gcm::new(&[byte; 32].into()), ids: Arc::new(SystemIds) };
        let (id, origin, key) =
            (Uuid::from_u128(1), "https://a.example:443", SecretString::from("sk-secret-0123456789"));
        let sealed = sealer(7).seal(id, origin, &key).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, sealer(7).seal(id, origin, &key).unwrap());
        assert_eq!(sealer(7).unseal(id, origin, &sealed).unwrap().expose_secret(), key.expose_secret());
        assert!(sealer(7).unseal(Uuid::from_u128(2), origin, &sealed).is_err());
        assert!(sealer(7).unseal(id, "https://b.example:443", &sealed).is_err());
        assert!(sealer(8).unseal(id, origin, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 1;
            assert!(sealer(7).unseal(id, origin, &forged).is_err(), "byte {at}");
        }
        assert_eq!(hint(&key).as_deref(), Some("…6789"));
        assert_eq!(hint(&SecretString::from("short")), None);
    }
}
