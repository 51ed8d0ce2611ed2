//! Passwords, people and where they sign in from: types and rules, no input or output.

mod choices;
mod instance;
mod keys;
mod links;
mod people;
mod roles;

pub use choices::{Accent, AccountState, Language, Theme};
pub use instance::{Instance, Look, LookChange, Overrides, Registration, check_config};
pub use keys::{Key, KeyRow, Minted, SecretKey};
pub use links::{Invitation, InvitationRow, LinkToken};
pub use people::{Account, Entry, Standing, State, User};
pub use roles::{NewRole, RoleChange, RoleRow, RoleView, check_changeable, check_label};

use platform::{Error, Result};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::net::{IpAddr, Ipv6Addr};

/// The shortest new password, in characters.
const PASSWORD_MIN: usize = 12;
/// The longest password, in characters: hashing must not be a way to keep the server busy.
const PASSWORD_MAX: usize = 1000;

/// A text that must appear in no log and no message: a password, the token of the set-up link.
#[derive(Clone, Debug)]
pub struct Hidden(SecretString);

impl Hidden {
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would quote what was sent
        let text =
            String::deserialize(deserializer).map_err(|_| D::Error::custom("a password or token must be text"))?;
        Ok(text.into())
    }
}

/// A password somebody wants to have. Length is all that is asked of it: rules of composition make
/// passwords worse (NIST SP 800-63B §3.1.1.2).
///
/// # Errors
/// `invalid` when it is too short or too long.
pub fn check_new_password(password: &Hidden) -> Result<()> {
    if password.expose().chars().count() < PASSWORD_MIN {
        return Err(Error::invalid("password", format!("has fewer than {PASSWORD_MIN} characters")));
    }
    check_password(password)
}

/// A password somebody signs in with; a longer one is nobody's and is not worth hashing.
///
/// # Errors
/// `invalid` when it is too long.
pub fn check_password(password: &Hidden) -> Result<()> {
    if password.expose().chars().count() > PASSWORD_MAX {
        return Err(Error::invalid("password", format!("has more than {PASSWORD_MAX} characters")));
    }
    Ok(())
}

/// What a person signs in with, as the gateway saw it.
#[derive(Clone, Debug)]
pub struct Client {
    /// The network address.
    pub ip: String,
    /// Whose wrong passwords are counted together.
    pub address: String,
    /// The User-Agent.
    pub device: String,
}

/// One party on the network: an IPv4 address, or the /64 of an IPv6 address, whose owner can use any
/// address of it. What is no address is one party as well.
#[must_use]
pub fn party(address: &str) -> String {
    match address.trim().parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Ok(IpAddr::V6(v6)) => format!("{}/64", Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        Err(_) => "unknown".into(),
    }
}

/// One line of 1 to `limit` characters, as it is stored.
///
/// # Errors
/// `invalid` with the field.
pub fn line(field: &str, text: &str, limit: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "is empty"));
    }
    if text.chars().count() > limit {
        return Err(Error::invalid(field, format!("has more than {limit} characters; shorten it")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "holds a control character; remove it"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_is_12_to_1000_characters_and_nothing_else_is_asked() {
        let check = |text: &str| check_new_password(&Hidden::from(text.to_owned())).is_ok();
        assert!(check(&"ș".repeat(12)) && check(&" ".repeat(1000)));
        assert!(!check(&"ș".repeat(11)) && !check(&"x".repeat(1001)) && !check(""));
    }

    #[test]
    fn what_is_hidden_shows_in_no_message() {
        let password = Hidden::from("correct horse battery".to_owned());
        assert!(!format!("{password:?}").contains("horse"));
        for sent in ["{\"horse\": 1}", "[\"horse\"]"] {
            let error = serde_json::from_str::<Hidden>(sent).unwrap_err().to_string();
            assert!(!error.contains("horse"), "{error}");
        }
        assert!(!serde_json::from_str::<Hidden>("271828").unwrap_err().to_string().contains("271828"));
    }

    #[test]
    fn an_ipv6_network_is_one_party() {
        assert_eq!(party("192.0.2.7"), "192.0.2.7");
        assert_eq!(party("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(party("2001:db8:1:2:3:4:5:6"), party("2001:db8:1:2::"));
        assert_ne!(party("2001:db8:1:2::1"), party("2001:db8:1:3::1"));
        assert_eq!(party("a, b"), "unknown");
    }
}
