//! Links that work once: invitations, and new passwords. A link's token holds 256 random bits, is
//! stored as a hash, and stands behind the # of an address, which browsers send to nobody.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use platform::{
    Result,
    db::{FromRow, Row},
    ids::Ids,
    principal::Role,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// Whom it is for (the nil id for nobody yet), then 256 random bits.
const LENGTH: usize = 16 + 32;

/// The token of a link.
pub struct LinkToken {
    pub space: Uuid,
    text: SecretString,
}

impl LinkToken {
    #[must_use]
    pub fn new(space: Uuid, ids: &dyn Ids) -> Self {
        let mut bytes = [0; LENGTH];
        bytes[..16].copy_from_slice(space.as_bytes());
        ids.random(&mut bytes[16..]);
        Self { space, text: BASE64_URL_SAFE_NO_PAD.encode(bytes).into() }
    }

    /// Reads what somebody shows; none when it cannot be a token of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != LENGTH.div_ceil(3) * 4 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self { space: Uuid::from_slice(bytes.get(..16)?).ok()?, text: text.to_owned().into() })
    }

    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.text.expose_secret()).to_vec()
    }

    /// The address to open, on the page `page` of the web app.
    #[must_use]
    pub fn link(&self, url: &str, page: &str) -> String {
        format!("{url}/{page}#{}", self.text.expose_secret())
    }
}

/// An invitation as it is stored.
#[derive(Clone, Debug)]
pub struct InvitationRow {
    pub id: Uuid,
    pub token_hash: Vec<u8>,
    pub email: Option<String>,
    pub role: Role,
    /// The account it lets somebody into; none when accepting makes one.
    pub account: Option<Uuid>,
    /// None when the command line made it.
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl FromRow for InvitationRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "token_hash",
        "email",
        "role",
        "account",
        "created_by",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    ];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            token_hash: row.get(1)?,
            email: row.get(2)?,
            role: Role::parse(&row.get::<String>(3)?)?,
            account: row.get(4)?,
            created_by: row.get(5)?,
            created_at: row.get(6)?,
            expires_at: row.get(7)?,
            accepted_at: row.get(8)?,
            revoked_at: row.get(9)?,
        })
    }
}

impl InvitationRow {
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> &'static str {
        match self {
            Self { accepted_at: Some(_), .. } => "accepted",
            Self { revoked_at: Some(_), .. } => "revoked",
            Self { expires_at, .. } if *expires_at <= now => "expired",
            _ => "open",
        }
    }

    #[must_use]
    pub fn view(self, now: DateTime<Utc>) -> Invitation {
        Invitation {
            state: self.state(now),
            id: self.id,
            email: self.email,
            role: self.role,
            created_by: self.created_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            accepted_at: self.accepted_at,
        }
    }
}

/// A way to make an account, for whoever has its link.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Invitation {
    pub id: Uuid,
    /// The only address that may accept it.
    pub email: Option<String>,
    /// The role of the account that comes of it.
    #[schema(value_type = String)]
    pub role: Role,
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    /// `open`, `accepted`, `expired` or `revoked`.
    pub state: &'static str,
}
