//! Sessions and their tokens: types and rules, no input or output.

use crate::config::Config;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    Result,
    db::{FromRow, Row},
    ids::Ids,
    principal::Role,
    secrets::Secret,
};
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where the user's id ends and the random part begins.
const USER: usize = 16;
/// The user's id and 256 random bits.
const LENGTH: usize = USER + 32;
/// The longest device text, in characters.
const DEVICE_LIMIT: usize = 200;
/// How old the note of last use may become before it is written again.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Someone signed in on a device.
#[derive(Clone)]
pub struct Session {
    pub id: Uuid,
    pub user: Uuid,
    pub token_hash: Vec<u8>,
    pub role: Role,
    /// The User-Agent the person signed in with.
    pub device: String,
    /// The network address it was used last from.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub seen_at: DateTime<Utc>,
    /// When it ends whatever happens.
    pub ends_at: DateTime<Utc>,
    /// When somebody ended it.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl FromRow for Session {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "space_id",
        "token_hash",
        "role",
        "device",
        "address",
        "created_at",
        "seen_at",
        "ends_at",
        "revoked_at",
    ];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            user: row.get(1)?,
            token_hash: row.get(2)?,
            role: Role::parse(&row.get::<String>(3)?)?,
            device: row.get(4)?,
            address: row.get(5)?,
            created_at: row.get(6)?,
            seen_at: row.get(7)?,
            ends_at: row.get(8)?,
            revoked_at: row.get(9)?,
        })
    }
}

impl Session {
    /// Whether it signs anybody in at `now`.
    #[must_use]
    pub fn is_alive(&self, config: &Config, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.ends_at && now - self.seen_at < config.idle(&self.role)
    }

    /// Whether its last use is to be written: at most once a minute, not at every use.
    #[must_use]
    pub fn is_seen_again(&self, now: DateTime<Utc>) -> bool {
        now - self.seen_at >= SEEN_EVERY
    }
}

/// A session as its person sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct Seen {
    pub id: Uuid,
    /// The browser and the system, as far as they say: `Firefox, Linux`.
    pub device: String,
    /// The network address it was used last from.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub seen_at: DateTime<Utc>,
    /// The session that asks.
    pub current: bool,
    /// Whether it has a live connection at this moment.
    pub online: bool,
}

/// What a browser shows to be recognised: whose session it is, then 256 random bits, in base64url.
pub struct Token {
    user: Uuid,
    bytes: Secret,
}

impl Token {
    /// A new token of `user`.
    #[must_use]
    pub fn new(user: Uuid, ids: &dyn Ids) -> Self {
        let mut bytes = vec![0; LENGTH];
        let (head, tail) = bytes.split_at_mut(USER);
        head.copy_from_slice(user.as_bytes());
        ids.random(tail);
        Self { user, bytes: Secret::new(bytes) }
    }

    /// Reads what somebody shows; `None` when it cannot be a token of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // another length is not worth decoding
        if text.len() != LENGTH.div_ceil(3) * 4 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self { user: Uuid::from_slice(bytes.get(..USER)?).ok()?, bytes: Secret::new(bytes) })
    }

    /// As the browser keeps it.
    #[must_use]
    pub fn text(&self) -> SecretString {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes.expose()).into()
    }

    /// Whose session it claims to be.
    #[must_use]
    pub const fn user(&self) -> Uuid {
        self.user
    }

    /// What is stored of it. A plain hash will do: 256 random bits cannot be guessed from it.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.bytes.expose()).to_vec()
    }

    /// Whether `hash` is this token's; takes as long for a near miss as for a far one.
    #[must_use]
    pub fn has_hash(&self, hash: &[u8]) -> bool {
        self.hash().as_slice().ct_eq(hash).into()
    }
}

/// A device text fit to be stored and shown: one line of at most 200 characters.
#[must_use]
pub fn clean_device(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(DEVICE_LIMIT).collect::<String>().trim().to_owned()
}

/// The browser and the system that a User-Agent names, for people; itself when it names none.
#[must_use]
pub fn device_name(agent: &str) -> String {
    // whoever names several means the first of these: Edge says Chrome as well, Chrome says Safari
    let browsers = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.to_owned(),
    }
}

/// A network address fit to be stored and shown; none for what is no address.
#[must_use]
pub fn clean_address(text: &str) -> Option<String> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::ids::SystemIds;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_token_reads_back_and_names_its_user() {
        let user = Uuid::from_u128(7);
        let token = Token::new(user, &SystemIds);
        let again = Token::read(token.text().expose_secret()).unwrap();
        assert_eq!(again.user(), user);
        assert!(again.has_hash(&token.hash()));
        assert!(!Token::new(user, &SystemIds).has_hash(&token.hash()));
        assert!(!again.has_hash(&[]));
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let good = Token::new(Uuid::from_u128(7), &SystemIds).text();
        let good = good.expose_secret();
        for wrong in [
            "",
            "x",
            &good[1..],
            &format!("{good}A"),
            &format!("{}=", &good[1..]),
            &format!("{}+", &good[1..]),
            &"é".repeat(32),
        ] {
            assert!(Token::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_device_is_one_short_line() {
        assert_eq!(clean_device(" Mozilla/5.0\r\n\u{1b}[31m (X11)\0 "), "Mozilla/5.0[31m (X11)");
        assert_eq!(clean_device(&"ș".repeat(1000)), "ș".repeat(200));
    }

    #[test]
    fn a_device_has_a_name_for_people() {
        let cases = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.5", "curl/8.5"),
            ("", ""),
        ];
        for (agent, name) in cases {
            assert_eq!(device_name(agent), name);
        }
    }
}
