//! Keys of providers at rest: encrypted, and bound to the provider and to the origin of its address. A
//! row that was moved to another provider, or whose address was changed behind our back, does not open.

use platform::{Error, Platform, Result, sealed};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

const SECRET: &str = "provider-keys";

/// Seals and opens keys. Cheap to clone.
#[derive(Clone)]
pub struct Sealer(sealed::Sealer);

impl Sealer {
    /// # Errors
    /// When the secret cannot be read or made.
    pub async fn open(platform: &Platform) -> Result<Self> {
        sealed::Sealer::open(platform, SECRET).await.map(Self)
    }

    /// The key for the provider `id` at `origin`, encrypted.
    ///
    /// # Errors
    /// Never for a key of sensible length; kept for the cipher.
    pub fn seal(&self, id: Uuid, origin: &str, key: &SecretString) -> Result<Vec<u8>> {
        self.0.seal(&bound(id, origin), key.expose_secret().as_bytes())
    }

    /// # Errors
    /// `unavailable` when it was sealed for another provider, another origin or by another installation.
    pub fn unseal(&self, id: Uuid, origin: &str, sealed: &[u8]) -> Result<SecretString> {
        let opened = self.0.unseal(&bound(id, origin), sealed).and_then(|opened| String::from_utf8(opened).ok());
        opened.map(SecretString::from).ok_or_else(|| {
            Error::unavailable("the stored key cannot be opened on this installation; enter the provider's key again")
        })
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
    use platform::{ids::SystemIds, secrets::Secret};
    use std::sync::Arc;

    #[test]
    fn a_key_opens_only_where_it_belongs() {
        let inner = sealed::Sealer::with(&Secret::new(vec![7; 32]), Arc::new(SystemIds)).unwrap();
        let sealer = Sealer(inner);
        let (id, origin, key) =
            (Uuid::from_u128(1), "https://a.example:443", SecretString::from("sk-secret-0123456789"));
        let sealed = sealer.seal(id, origin, &key).unwrap();
        assert_eq!(sealer.unseal(id, origin, &sealed).unwrap().expose_secret(), key.expose_secret());
        assert!(sealer.unseal(Uuid::from_u128(2), origin, &sealed).is_err());
        assert!(sealer.unseal(id, "https://b.example:443", &sealed).is_err());
        assert_eq!(hint(&key).as_deref(), Some("…6789"));
        assert_eq!(hint(&SecretString::from("short")), None);
    }
}
