//! Section `[auth]` of the configuration.

use crate::domain::{Registration, check_config};
use platform::{Error, Result};
use serde::Deserialize;

/// How sign-in behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the instance calls itself, until an administrator says otherwise in the browser. So are
    /// the three that follow.
    pub instance_name: String,
    /// The colour of what can be pressed: azurite, moss, plum, rust or graphite.
    pub accent: String,
    /// What the sign-in page says besides; empty for nothing.
    pub greeting: String,
    /// Who may make an account: open, invite or closed.
    pub registration: Registration,
    /// Days an invitation is good, unless another number is asked for.
    pub invitation_days: u32,
    /// Minutes a link for a new password is good.
    pub reset_minutes: u32,
    /// API keys a person may have.
    pub keys_per_person: u32,
    /// Wrong passwords for one e-mail address within the window, after which even the right one is
    /// refused until the window ends. A sign-in that works begins a new count.
    pub tries_per_account: u32,
    /// Wrong passwords from one address within the window, whatever the accounts.
    pub tries_per_address: u32,
    /// Accounts that may be made, and links for new passwords that may be asked for, from one address
    /// within the window.
    pub requests_per_address: u32,
    /// The window, in seconds. It begins with the first wrong password.
    pub tries_window_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instance_name: "Taifas".into(),
            accent: "azurite".into(),
            greeting: String::new(),
            registration: Registration::Invite,
            invitation_days: 7,
            reset_minutes: 60,
            keys_per_person: 50,
            tries_per_account: 5,
            tries_per_address: 50,
            requests_per_address: 20,
            tries_window_seconds: 900,
        }
    }
}

impl Config {
    /// # Errors
    /// A sentence that names the keys when nobody could sign in, or what cannot be meant.
    pub fn check(&self) -> Result<()> {
        let limits = [
            self.tries_per_account,
            self.tries_per_address,
            self.requests_per_address,
            self.tries_window_seconds,
            self.invitation_days,
            self.reset_minutes,
        ];
        if limits.contains(&0) {
            return Err(Error::malformed(
                "auth.tries_per_account, auth.tries_per_address, auth.requests_per_address, auth.tries_window_seconds, \
                 auth.invitation_days and auth.reset_minutes must be 1 or more",
            ));
        }
        if self.invitation_days > 365 || self.reset_minutes > 60 * 24 * 7 {
            return Err(Error::malformed(
                "auth.invitation_days must be at most 365, and auth.reset_minutes at most 10080 (a week)",
            ));
        }
        check_config(self).map_err(|error| Error::malformed(format!("section [auth]: {}", error.message())))
    }
}
