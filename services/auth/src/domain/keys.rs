//! API keys: what a program shows to act for a person.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    Result,
    db::{FromRow, Row},
    hex::hex,
    ids::Ids,
    principal::{Permission, Permissions},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;
use uuid::Uuid;

/// How every key begins, so that scanners of secrets find it.
pub const MARK: &str = "tfs_";
/// Characters of the part that is shown.
const PREFIX: usize = 8;
/// The owner's id, then 256 random bits.
const LENGTH: usize = 16 + 32;
/// How old the note of last use may become before it is written again.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A key as it is stored.
#[derive(Clone)]
pub struct KeyRow {
    pub id: Uuid,
    pub name: String,
    pub prefix: String,
    pub secret_hash: Vec<u8>,
    /// Names of permissions, with spaces between.
    pub scopes: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl FromRow for KeyRow {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "prefix", "secret_hash", "scopes", "created_at", "last_used_at", "expires_at"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            prefix: row.get(2)?,
            secret_hash: row.get(3)?,
            scopes: row.get(4)?,
            created_at: row.get(5)?,
            last_used_at: row.get(6)?,
            expires_at: row.get(7)?,
        })
    }
}

impl KeyRow {
    /// What it carries, as far as this program knows the names and keys may carry them.
    #[must_use]
    pub fn scopes(&self) -> Permissions {
        let known = self.scopes.split(' ').filter_map(|name| Permission::parse(name).ok());
        known.filter(|permission| permission.is_for_keys()).collect()
    }

    #[must_use]
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether its last use is to be written: at most once a minute.
    #[must_use]
    pub fn is_used_again(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_none_or(|used| now - used >= USED_EVERY)
    }
}

/// An API key, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Key {
    pub id: Uuid,
    pub name: String,
    /// How the key begins, to recognise it by.
    pub prefix: String,
    pub scopes: Vec<Permission>,
    pub created_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl From<KeyRow> for Key {
    fn from(row: KeyRow) -> Self {
        Self {
            scopes: row.scopes().into(),
            id: row.id,
            name: row.name,
            prefix: format!("{MARK}{}", row.prefix),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        }
    }
}

/// A new key. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
pub struct Minted {
    pub key: Key,
    /// The whole key: keep it, nobody can say it again.
    pub secret: String,
}

/// The whole of a key: `tfs_`, the part that is shown, `_`, and in base64url whose it is and 256
/// random bits.
pub struct SecretKey {
    pub owner: Uuid,
    pub prefix: String,
    text: SecretString,
}

impl SecretKey {
    #[must_use]
    pub fn new(owner: Uuid, ids: &dyn Ids) -> Self {
        let mut bytes = [0; LENGTH];
        bytes[..16].copy_from_slice(owner.as_bytes());
        ids.random(&mut bytes[16..]);
        let mut shown = [0; PREFIX / 2];
        ids.random(&mut shown);
        let prefix = hex(shown);
        let text = format!("{MARK}{prefix}_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into();
        Self { owner, prefix, text }
    }

    /// Reads what somebody shows; none when it cannot be a key of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != MARK.len() + PREFIX + 1 + LENGTH.div_ceil(3) * 4 {
            return None;
        }
        let (prefix, secret) = text.strip_prefix(MARK)?.split_once('_')?;
        let shown = prefix.len() == PREFIX && prefix.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(secret).ok()?;
        let owner = Uuid::from_slice(bytes.get(..16)?).ok()?;
        shown.then(|| Self { owner, prefix: prefix.to_owned(), text: text.to_owned().into() })
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// What is stored of it. A plain hash will do: 256 random bits cannot be guessed from it.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.expose()).to_vec()
    }

    /// Takes as long for a near miss as for a far one.
    #[must_use]
    pub fn has_hash(&self, hash: &[u8]) -> bool {
        self.hash().as_slice().ct_eq(hash).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::ids::SystemIds;

    #[test]
    fn a_key_reads_back_and_names_its_owner() {
        let key = SecretKey::new(Uuid::from_u128(7), &SystemIds);
        let again = SecretKey::read(key.expose()).unwrap();
        assert_eq!((again.owner, &again.prefix), (Uuid::from_u128(7), &key.prefix));
        assert!(again.has_hash(&key.hash()) && !again.has_hash(&[]));
        assert!(!SecretKey::new(Uuid::from_u128(7), &SystemIds).has_hash(&key.hash()));
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let good = SecretKey::new(Uuid::from_u128(7), &SystemIds);
        let good = good.expose();
        let other_mark = good.replacen("tfs_", "sk-_", 1);
        let capitals = format!("tfs_ABCDEF01{}", &good[12..]);
        for wrong in [
            "",
            "tfs_",
            &good[1..],
            &format!("{good} "),
            &other_mark,
            &capitals,
            &"é".repeat(38),
            &good.replace('_', "-"),
        ] {
            assert!(SecretKey::read(wrong).is_none(), "{wrong}");
        }
    }
}
