//! Section `[auth]` of the configuration.

use platform::{Error, Result};
use serde::Deserialize;

/// How sign-in behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the instance calls itself.
    pub instance_name: String,
    /// Wrong passwords for one e-mail address within the window, after which even the right one is
    /// refused until the window ends. A sign-in that works begins a new count.
    pub tries_per_account: u32,
    /// Wrong passwords from one address within the window, whatever the accounts.
    pub tries_per_address: u32,
    /// The window, in seconds. It begins with the first wrong password.
    pub tries_window_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { instance_name: "Taifas".into(), tries_per_account: 5, tries_per_address: 50, tries_window_seconds: 900 }
    }
}

impl Config {
    /// # Errors
    /// A sentence that names the keys when nobody could sign in.
    pub fn check(&self) -> Result<()> {
        if self.tries_per_account == 0 || self.tries_per_address == 0 || self.tries_window_seconds == 0 {
            return Err(Error::malformed(
                "auth.tries_per_account, auth.tries_per_address and auth.tries_window_seconds must be 1 or more",
            ));
        }
        Ok(())
    }
}
