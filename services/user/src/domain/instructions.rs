//! Custom instructions: what a person wants models to know of them.

use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest of the texts, in characters.
const TEXT_LIMIT: usize = 1500;

/// What a person wants models to know of them. It goes into new chats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Instructions {
    pub enabled: bool,
    /// What to call the person.
    pub nickname: String,
    pub occupation: String,
    pub about: String,
    /// How to answer.
    pub style: String,
    /// Name it with a change; 0 before the first.
    pub version: i64,
}

platform::from_row!(Instructions { enabled, nickname, occupation, about, style, version });

/// New instructions in place of the old ones.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Writing {
    pub enabled: bool,
    /// At most 1,500 characters, as each of the texts.
    pub nickname: String,
    pub occupation: String,
    pub about: String,
    pub style: String,
    /// The version you saw.
    pub version: i64,
}

impl Writing {
    /// # Errors
    /// `invalid` with the field that is too long or holds what no text does.
    pub fn check(self) -> Result<Instructions> {
        let texts = [
            ("nickname", &self.nickname),
            ("occupation", &self.occupation),
            ("about", &self.about),
            ("style", &self.style),
        ];
        for (field, text) in texts {
            if text.chars().count() > TEXT_LIMIT {
                return Err(Error::invalid(field, format!("has more than {TEXT_LIMIT} characters; shorten it")));
            }
            if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                return Err(Error::invalid(field, "holds a control character; remove it"));
            }
        }
        Ok(Instructions {
            enabled: self.enabled,
            nickname: self.nickname,
            occupation: self.occupation,
            about: self.about,
            style: self.style,
            version: self.version,
        })
    }
}
