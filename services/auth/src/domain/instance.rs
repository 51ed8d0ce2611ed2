//! The instance itself: its name and look, and who may make an account.

use super::{Accent, line};
use crate::config::Config;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const NAME_LIMIT: usize = 60;
const GREETING_LIMIT: usize = 500;
const ACCENTS: [&str; 5] = ["azurite", "moss", "plum", "rust", "graphite"];

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody; administrators make accounts.
    Closed,
}

impl Registration {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }

    fn read(text: &str) -> Result<Self> {
        [Self::Open, Self::Invite, Self::Closed]
            .into_iter()
            .find(|registration| registration.name() == text)
            .ok_or_else(|| Error::internal(format!("unknown registration \"{text}\"")))
    }
}

/// This installation, for everybody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Instance {
    pub name: String,
    pub version: String,
    /// The colour of what can be pressed, for people who have not chosen one.
    #[schema(value_type = Accent)]
    pub accent: String,
    /// What the sign-in page says besides.
    pub greeting: Option<String>,
}

/// What administrators see and change of the instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InstanceSettings)]
pub struct Look {
    pub name: String,
    #[schema(value_type = Accent)]
    pub accent: String,
    pub greeting: Option<String>,
    pub registration: Registration,
    /// Name it with a change; 0 before the first.
    pub version: i64,
}

/// What is to be different; what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InstanceChange)]
pub struct LookChange {
    /// The version you saw.
    pub version: i64,
    /// One line of 1 to 60 characters.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<Accent>)]
    pub accent: Option<String>,
    /// At most 500 characters; empty for none.
    #[serde(default)]
    pub greeting: Option<String>,
    #[serde(default)]
    pub registration: Option<Registration>,
}

impl LookChange {
    /// # Errors
    /// `invalid` with the field that will not do.
    pub fn check(mut self) -> Result<Self> {
        self.name = self.name.map(|name| line("name", &name, NAME_LIMIT)).transpose()?;
        if let Some(accent) = &self.accent
            && !ACCENTS.contains(&accent.as_str())
        {
            return Err(Error::invalid("accent", format!("must be one of {}", ACCENTS.join(", "))));
        }
        if let Some(greeting) = &mut self.greeting {
            *greeting = greeting.trim().to_owned();
            if greeting.chars().count() > GREETING_LIMIT {
                return Err(Error::invalid(
                    "greeting",
                    format!("has more than {GREETING_LIMIT} characters; shorten it"),
                ));
            }
            if greeting.chars().any(|c| c.is_control() && c != '\n') {
                return Err(Error::invalid("greeting", "holds a control character; remove it"));
            }
        }
        Ok(self)
    }
}

/// What was set in the browser; what was not is what the configuration says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub name: Option<String>,
    pub accent: Option<String>,
    /// Empty: none, whatever the configuration says.
    pub greeting: Option<String>,
    pub registration: Option<String>,
    pub version: i64,
}

platform::from_row!(Overrides { name, accent, greeting, registration, version });

impl Overrides {
    /// # Errors
    /// `internal` when the table holds what was never stored.
    pub fn over(&self, config: &Config) -> Result<Look> {
        let greeting = self.greeting.clone().unwrap_or_else(|| config.greeting.clone());
        Ok(Look {
            name: self.name.clone().unwrap_or_else(|| config.instance_name.clone()),
            accent: self.accent.clone().unwrap_or_else(|| config.accent.clone()),
            greeting: Some(greeting).filter(|greeting| !greeting.is_empty()),
            registration: self.registration.as_deref().map_or(Ok(config.registration), Registration::read)?,
            version: self.version,
        })
    }

    #[must_use]
    pub fn with(&self, change: LookChange) -> Self {
        Self {
            name: change.name.or_else(|| self.name.clone()),
            accent: change.accent.or_else(|| self.accent.clone()),
            greeting: change.greeting.or_else(|| self.greeting.clone()),
            registration: change
                .registration
                .map(|registration| registration.name().to_owned())
                .or_else(|| self.registration.clone()),
            version: self.version + 1,
        }
    }
}

/// Whether the configuration can be meant.
///
/// # Errors
/// `invalid` with the field.
pub fn check_config(config: &Config) -> Result<()> {
    LookChange {
        version: 0,
        name: Some(config.instance_name.clone()),
        accent: Some(config.accent.clone()),
        greeting: Some(config.greeting.clone()),
        registration: None,
    }
    .check()
    .map(|_| ())
}
