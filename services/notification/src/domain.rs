//! Notices and what people want to be told: types and rules, no input or output.

use chrono::{DateTime, Utc};
use platform::{
    Error, Result,
    db::{FromRow, Row},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a notice is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    ReplyFinished,
    NewDevice,
    CapReached,
    InvitationAccepted,
    ExportReady,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReplyFinished => "reply_finished",
            Self::NewDevice => "new_device",
            Self::CapReached => "cap_reached",
            Self::InvitationAccepted => "invitation_accepted",
            Self::ExportReady => "export_ready",
        }
    }

    /// The letter that tells of it.
    pub const fn template(self) -> &'static str {
        match self {
            Self::ReplyFinished => "reply-finished",
            Self::NewDevice => "new-device",
            Self::CapReached => "cap-reached",
            Self::InvitationAccepted => "invitation-accepted",
            Self::ExportReady => "export-ready",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [Self::ReplyFinished, Self::NewDevice, Self::CapReached, Self::InvitationAccepted, Self::ExportReady]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Error::internal(format!("a notice of kind {name}")))
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Notice {
    pub id: Uuid,
    pub kind: Kind,
    /// `chat_id`, `reply_id`, `state`; `session_id`, `device`; `scope`, `resets_at`; `person_id`, `name`;
    /// `export_id`.
    #[schema(value_type = Object)]
    pub data: Value,
    pub at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

impl FromRow for Notice {
    const COLUMNS: &'static [&'static str] = &["id", "kind", "data", "at", "read_at"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            kind: Kind::parse(&row.get::<String>(1)?)?,
            data: serde_json::from_str(&row.get::<String>(2)?).map_err(Error::internal)?,
            at: row.get(3)?,
            read_at: row.get(4)?,
        })
    }
}

/// Where somebody wants to hear of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ways {
    pub app: bool,
    pub mail: bool,
}

/// What somebody wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Kinds {
    #[serde(default = "in_app")]
    pub reply_finished: Ways,
    #[serde(default = "everywhere")]
    pub new_device: Ways,
    #[serde(default = "in_app")]
    pub cap_reached: Ways,
    #[serde(default = "in_app")]
    pub invitation: Ways,
    #[serde(default = "everywhere")]
    pub export_ready: Ways,
}

const fn in_app() -> Ways {
    Ways { app: true, mail: false }
}

const fn everywhere() -> Ways {
    Ways { app: true, mail: true }
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            reply_finished: in_app(),
            new_device: everywhere(),
            cap_reached: in_app(),
            invitation: in_app(),
            export_ready: everywhere(),
        }
    }
}

impl Kinds {
    pub const fn ways(&self, kind: Kind) -> Ways {
        match kind {
            Kind::ReplyFinished => self.reply_finished,
            Kind::NewDevice => self.new_device,
            Kind::CapReached => self.cap_reached,
            Kind::InvitationAccepted => self.invitation,
            Kind::ExportReady => self.export_ready,
        }
    }
}

/// A person's wishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preferences {
    /// 0 before anything was chosen.
    pub version: i64,
    pub kinds: Kinds,
}

impl FromRow for Preferences {
    const COLUMNS: &'static [&'static str] = &["version", "kinds"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        let kinds = serde_json::from_str(&row.get::<String>(1)?).map_err(Error::internal)?;
        Ok(Self { version: row.get(0)?, kinds })
    }
}
