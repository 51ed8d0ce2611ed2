//! Section `[analytics]` of the configuration.

use platform::{Error, Result};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days after which usage is forgotten.
    pub keep_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { keep_days: 1096 }
    }
}

impl Config {
    /// # Errors
    /// A sentence that says what can be set.
    pub fn check(&self) -> Result<()> {
        if (31..=36_500).contains(&self.keep_days) {
            return Ok(());
        }
        Err(Error::malformed(format!("analytics.keep_days = {} is not between 31 and 36500", self.keep_days)))
    }
}
