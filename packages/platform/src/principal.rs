//! Who is asking. The gateway authenticates once and forwards a signed principal; every service
//! verifies it and never sees a credential. Calls that no person makes carry a service principal.

pub use crate::permission::{Permission, Permissions};
use crate::{Error, Result, clock::Clock};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// The header (and gRPC metadata key) that carries it between services.
pub const HEADER: &str = "x-taifas-principal";

/// The longest a principal may live: how long a service goes on trusting one that the gateway has
/// stopped minting.
pub const LIFE: TimeDelta = TimeDelta::seconds(60);

/// A role's name: a slug. What it allows is decided by auth, at run time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(Cow<'static, str>);

impl Role {
    /// Everything; cannot be changed or removed.
    pub const ADMIN: Self = Self(Cow::Borrowed("admin"));
    pub const USER: Self = Self(Cow::Borrowed("user"));
    pub const GUEST: Self = Self(Cow::Borrowed("guest"));

    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// # Errors
    /// `invalid` for what is no slug: a lower-case letter, then up to 31 of letters, digits, `-`.
    pub fn parse(name: &str) -> Result<Self> {
        let slug = name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !slug {
            return Err(Error::invalid(
                "role",
                "must begin with a letter from a to z and have at most 32 of a-z, 0-9 and -",
            ));
        }
        Ok([Self::ADMIN, Self::USER, Self::GUEST]
            .into_iter()
            .find(|role| role.name() == name)
            .unwrap_or_else(|| Self(Cow::Owned(name.to_owned()))))
    }

    /// What the built-in roles allow before anybody changed them; another role allows nothing.
    #[must_use]
    pub fn defaults(&self) -> Permissions {
        match self.name() {
            "admin" => Permissions::all(),
            "user" => Self::GUEST.defaults().iter().chain([Permission::KeysManage]).collect(),
            "guest" => [
                Permission::ChatsRead,
                Permission::ChatsWrite,
                Permission::ModelsUse,
                Permission::AccountRead,
                Permission::AccountWrite,
                Permission::AccountSecurity,
                Permission::UsageRead,
            ]
            .into_iter()
            .collect(),
            _ => Permissions::NONE,
        }
    }
}

impl TryFrom<String> for Role {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::parse(&name)
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.0.into_owned()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A signed-in person, or a program with one of their API keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub user: Uuid,
    /// The session; the nil id for a request by key.
    pub session: Uuid,
    pub role: Role,
    /// What this request may do: the role's permissions, and for a key those of them it carries.
    pub permissions: Permissions,
    /// The API key the request came with.
    pub key: Option<Uuid>,
}

impl Person {
    /// Somebody at a browser, with what their role allows by default.
    #[must_use]
    pub fn signed_in(user: Uuid, session: Uuid, role: Role) -> Self {
        Self { user, session, permissions: role.defaults(), role, key: None }
    }

    /// The person's own space: it has its owner's id.
    #[must_use]
    pub const fn space(&self) -> Uuid {
        self.user
    }

    /// # Errors
    /// `forbidden`, with the name of what is missing.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.permissions.has(permission) {
            return Ok(());
        }
        let name = permission.name();
        Err(Error::forbidden(match self.key {
            Some(_) => format!(
                "this API key does not have the permission {name}; make one that has it in Taifas under Settings, API keys \
                 (a key can do no more than your role)"
            ),
            None => format!("your role does not give you the permission {name}; ask an administrator for it"),
        }))
    }
}

/// Whoever makes a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Caller {
    Nobody,
    Person(Person),
    Service(String),
}

#[derive(Serialize, Deserialize)]
struct Claims {
    who: Caller,
    /// Seconds since 1970.
    exp: i64,
}

/// Signs and verifies principals with the instance's key (HMAC-SHA256, RFC 2104).
#[derive(Clone)]
pub struct Signer {
    mac: Hmac<Sha256>,
    clock: Arc<dyn Clock>,
}

impl Signer {
    /// # Errors
    /// When the key is unusable.
    pub fn new(key: &[u8], clock: Arc<dyn Clock>) -> Result<Self> {
        if key.len() < 32 {
            return Err(Error::internal("the principal key is shorter than 32 bytes"));
        }
        Ok(Self { mac: Hmac::new_from_slice(key).map_err(Error::internal)?, clock })
    }

    /// A header value naming `who` for [`LIFE`].
    ///
    /// # Errors
    /// Never for a principal of ours; kept for the encoder.
    pub fn sign(&self, who: &Caller) -> Result<HeaderValue> {
        let exp = (self.clock.now() + LIFE).timestamp();
        let claims = serde_json::to_vec(&Claims { who: who.clone(), exp }).map_err(Error::internal)?;
        let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
        let tag = self.mac.clone().chain_update(&payload).finalize().into_bytes();
        let signed = format!("{payload}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag));
        HeaderValue::from_str(&signed).map_err(Error::internal)
    }

    /// Who a request says it is from. One without a principal is nobody's.
    ///
    /// # Errors
    /// As [`Signer::verify`]: one that does not verify is refused, never served as nobody's.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Caller> {
        headers.get(HEADER).map_or(Ok(Caller::Nobody), |header| self.verify(header.as_bytes()))
    }

    /// # Errors
    /// `unauthenticated` for a forged or altered principal, `unavailable` for one that has expired: never
    /// an anonymous caller.
    pub fn verify(&self, header: &[u8]) -> Result<Caller> {
        let refused = || Error::unauthenticated("the request carries an identity that this instance did not issue");
        let text = std::str::from_utf8(header).map_err(|_| refused())?;
        let (payload, tag) = text.split_once('.').ok_or_else(refused)?;
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).map_err(|_| refused())?;
        self.mac.clone().chain_update(payload).verify_slice(&tag).map_err(|_| refused())?;
        let claims = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| refused())?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| refused())?;
        if claims.exp < self.clock.now().timestamp() {
            // It waited too long, or the clock was set meanwhile. Nobody is signed out for that.
            return Err(Error::unavailable("the identity of this request has expired on its way; send it again"));
        }
        Ok(claims.who)
    }
}

/// Who this process is when no person asks: mints its principal once per half life.
pub struct Identity {
    signer: Signer,
    who: Caller,
    minted: Mutex<Option<(HeaderValue, DateTime<Utc>)>>,
}

impl Identity {
    #[must_use]
    pub fn new(signer: Signer, service: &str) -> Self {
        Self { signer, who: Caller::Service(service.into()), minted: Mutex::new(None) }
    }

    /// # Errors
    /// As [`Signer::sign`].
    pub fn header(&self) -> Result<HeaderValue> {
        let now = self.signer.clock.now();
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((header, at)) = &*minted
            && (now - *at).abs() < LIFE / 2
        {
            return Ok(header.clone());
        }
        let header = self.signer.sign(&self.who)?;
        *minted = Some((header.clone(), now));
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    fn signer(clock: Arc<FixedClock>) -> Signer {
        Signer::new(&[7; 32], clock).unwrap()
    }

    #[test]
    fn a_principal_lives_a_minute_and_no_longer() {
        let clock = FixedClock::at(DateTime::from_timestamp(1_000_000, 0).unwrap());
        let signer = signer(clock.clone());
        let who = Caller::Service("ai".into());
        let header = signer.sign(&who).unwrap();
        clock.advance(LIFE);
        assert_eq!(signer.verify(header.as_bytes()).unwrap(), who);
        clock.advance(TimeDelta::seconds(1));
        assert!(signer.verify(header.as_bytes()).is_err());
    }

    #[test]
    fn any_altered_byte_is_refused() {
        let signer = signer(FixedClock::at(Utc::now()));
        let person = Person::signed_in(Uuid::from_u128(1), Uuid::from_u128(2), Role::USER);
        let header = signer.sign(&Caller::Person(person)).unwrap();
        for at in 0..header.len() {
            let mut forged = header.as_bytes().to_vec();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert!(signer.verify(&forged).is_err(), "byte {at}");
        }
        let other = Signer::new(&[8; 32], FixedClock::at(Utc::now())).unwrap();
        assert!(other.verify(header.as_bytes()).is_err());
    }

    #[test]
    fn a_role_is_a_slug_and_an_unknown_one_allows_nothing() {
        for good in ["admin", "user", "guest", "team-lead", "a1"] {
            assert_eq!(Role::parse(good).unwrap().name(), good);
        }
        for wrong in ["", "Admin", "1a", "-a", "a b", "ă", &"a".repeat(33), "admin\0"] {
            assert!(Role::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Role::parse("team-lead").unwrap().defaults(), Permissions::NONE);
        assert!(Role::ADMIN.defaults().covers(Role::USER.defaults()));
        assert!(Role::USER.defaults().covers(Role::GUEST.defaults()));
        assert!(!Role::USER.defaults().has(Permission::PeopleManage));
        assert!(serde_json::from_str::<Role>("\"no role\"").is_err());
    }

    #[test]
    fn what_is_missing_is_named() {
        let person = Person::signed_in(Uuid::from_u128(1), Uuid::from_u128(2), Role::GUEST);
        assert!(person.require(Permission::ChatsWrite).is_ok());
        let refusal = person.require(Permission::KeysManage).unwrap_err();
        assert!(refusal.to_string().contains("keys:manage"), "{refusal}");
    }
}
