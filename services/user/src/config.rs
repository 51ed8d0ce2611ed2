//! Section `[user]` of the configuration.

use chrono::TimeDelta;
use platform::{Error, Result};
use serde::Deserialize;

/// How accounts behave.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days between the decision to delete an account and its end, in which it can be kept.
    pub deletion_grace_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { deletion_grace_days: 14 }
    }
}

impl Config {
    #[must_use]
    pub fn grace(&self) -> TimeDelta {
        TimeDelta::days(self.deletion_grace_days.into())
    }

    /// # Errors
    /// A sentence that names the key when the time is too long to be meant.
    pub fn check(&self) -> Result<()> {
        if self.deletion_grace_days > 3650 {
            return Err(Error::malformed("user.deletion_grace_days must be at most 3650 (ten years)"));
        }
        Ok(())
    }
}
