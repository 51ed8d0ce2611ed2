//! Section `[notification]` of the configuration: the mail server. Without one nothing is sent, and
//! nothing that needs a letter is offered.

use lettre::{
    Address,
    message::{Mailbox, header::ContentType},
};
use platform::{Error, Result};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Encrypted after the greeting; a server that cannot is refused (port 587).
    #[default]
    Starttls,
    /// Encrypted from the first byte (port 465).
    Tls,
    /// Not at all: for a relay on this machine or in its own network (port 25).
    None,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// All of the server in one: `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465` (TLS).
    pub smtp_url: Option<SecretString>,
    /// The mail server's name; empty sends nothing.
    pub host: String,
    /// Its port; by default the usual one of `security`.
    pub port: Option<u16>,
    pub security: Security,
    pub user: String,
    pub password: Option<SecretString>,
    /// Who letters are from: `Taifas <taifas@example.org>`.
    pub from: String,
    /// Seconds the mail server may take for one letter.
    pub timeout_seconds: u64,
    /// Seconds until a letter is tried again after the first failure; doubled each time, at most ten
    /// minutes.
    pub retry_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            smtp_url: None,
            host: String::new(),
            port: None,
            security: Security::default(),
            user: String::new(),
            password: None,
            from: String::new(),
            timeout_seconds: 30,
            retry_seconds: 30,
        }
    }
}

/// A mail server that can be asked.
#[derive(Clone, Debug)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<(String, SecretString)>,
    pub from: Mailbox,
}

impl Config {
    /// The mail server, if one is configured.
    ///
    /// # Errors
    /// A sentence that says which key will not do, and why.
    pub fn server(&self) -> Result<Option<Server>> {
        if !(1..=300).contains(&self.timeout_seconds) || !(1..=600).contains(&self.retry_seconds) {
            return Err(wrong("timeout_seconds must be 1 to 300 and notification.retry_seconds 1 to 600"));
        }
        let mut server = self.clone();
        if let Some(url) = &self.smtp_url {
            if !self.host.is_empty() || !self.user.is_empty() || self.password.is_some() || self.port.is_some() {
                return Err(wrong("smtp_url says all of the server; leave out host, port, user and password"));
            }
            server.read_url(url.expose_secret())?;
        }
        let Self { host, security, user, password, from, .. } = server;
        if host.is_empty() {
            let unused = !user.is_empty() || password.is_some() || !from.is_empty();
            return if unused { Err(wrong("host is missing, the name of the mail server")) } else { Ok(None) };
        }
        let is_name = host.len() <= 253 && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
        if !is_name {
            return Err(wrong("host must be the name or the address of a mail server"));
        }
        let from: Mailbox =
            from.parse().map_err(|_| wrong("from must be an address, such as \"Taifas <taifas@example.org>\""))?;
        let login = match (user.is_empty(), password) {
            (true, None) => None,
            (false, Some(password)) => Some((user, password)),
            _ => return Err(wrong("user and notification.password belong together; set both or neither")),
        };
        let here = ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host.as_str());
        if security == Security::None && login.is_some() && !here {
            return Err(wrong("security = \"none\" would send the password readable; use starttls or tls"));
        }
        let usual = match security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::None => 25,
        };
        Ok(Some(Server { host, port: server.port.unwrap_or(usual), security, login, from }))
    }

    fn read_url(&mut self, url: &str) -> Result<()> {
        let shape = || wrong("smtp_url must look like smtps://user:password@mail.example.org:465");
        let (scheme, rest) = url.split_once("://").ok_or_else(shape)?;
        self.security = match scheme {
            "smtp" => Security::Starttls,
            "smtps" => Security::Tls,
            _ => return Err(shape()),
        };
        let rest = rest.trim_end_matches('/');
        // A password may have an @ of its own only as %40, but the last one is the border anyway.
        let (login, place) = rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
        if let Some(login) = login {
            let (user, password) = login.split_once(':').ok_or_else(shape)?;
            self.user = decode(user).ok_or_else(shape)?;
            self.password = Some(decode(password).ok_or_else(shape)?.into());
        }
        let after_bracket = place.rfind(']').map_or(0, |at| at + 1);
        match place[after_bracket..].rfind(':') {
            Some(colon) => {
                let (host, port) = place.split_at(after_bracket + colon);
                self.port = Some(port[1..].parse().map_err(|_| shape())?);
                host.clone_into(&mut self.host);
            }
            None => place.clone_into(&mut self.host),
        }
        if self.host.is_empty() { Err(shape()) } else { Ok(()) }
    }
}

fn wrong(why: &str) -> Error {
    Error::malformed(format!("the mail server cannot be used: notification.{why}"))
}

/// Percent-encoding (RFC 3986 §2.1).
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// An address as letters go to it: no name, no list, nothing a header could begin with.
///
/// # Errors
/// `invalid` for what is no address.
pub fn read_address(text: &str) -> Result<Address> {
    text.parse().map_err(|_| Error::invalid("to", "is no e-mail address"))
}

/// The parts of a letter are text.
pub const PLAIN: ContentType = ContentType::TEXT_PLAIN;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    #[test]
    fn without_a_host_nothing_is_configured() {
        assert!(Config::default().server().unwrap().is_none());
        let half = config(|config| config.from = "a@example.org".into());
        assert!(half.server().unwrap_err().to_string().contains("host"));
    }

    #[test]
    fn a_url_says_the_same_as_the_keys() {
        let by_url = config(|config| {
            config.smtp_url = Some("smtps://us%40er:p%3Aw@mail.example.org:4650".into());
            config.from = "Taifas <taifas@example.org>".into();
        });
        let server = by_url.server().unwrap().unwrap();
        let (user, password) = server.login.unwrap();
        assert_eq!((server.host.as_str(), server.port, server.security), ("mail.example.org", 4650, Security::Tls));
        assert_eq!((user.as_str(), password.expose_secret()), ("us@er", "p:w"));
        for (url, host, port) in
            [("smtp://mail.example.org", "mail.example.org", 587), ("smtp://[::1]:2525/", "[::1]", 2525)]
        {
            let config = config(|config| {
                config.smtp_url = Some(url.into());
                config.from = "a@example.org".into();
            });
            let server = config.server().unwrap().unwrap();
            assert_eq!((server.host.as_str(), server.port), (host, port));
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_key() {
        let good = |config: &mut Config| {
            config.host = "mail.example.org".into();
            config.from = "a@example.org".into();
        };
        assert!(config(good).server().unwrap().is_some());
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 8] = [
            ("from", |config| config.from = "nobody".into()),
            ("from", |config| config.from = "a@example.org\r\nBcc: b@example.org".into()),
            ("password", |config| config.user = "user".into()),
            ("host", |config| config.host = "mail example".into()),
            ("smtp_url", |config| config.smtp_url = Some("smtp://x".into())),
            ("timeout_seconds", |config| config.timeout_seconds = 0),
            ("security", |config| {
                config.security = Security::None;
                config.user = "user".into();
                config.password = Some("secret".into());
            }),
            ("smtp_url", |config| {
                config.host.clear();
                config.smtp_url = Some("https://mail.example.org".into());
            }),
        ];
        for (key, change) in cases {
            let error = config(|config| {
                good(config);
                change(config);
            })
            .server()
            .unwrap_err()
            .to_string();
            assert!(error.contains(key) && !error.contains("secret"), "{key}: {error}");
        }
    }

    #[test]
    fn an_address_is_one_address() {
        assert!(read_address("ana@example.org").is_ok());
        for wrong in [
            "",
            "ana",
            "Ana <ana@example.org>",
            "a@b.org, c@d.org",
            "a@b.org\r\nBcc: c@d.org",
            "a@b.org\n",
            "<a@b.org>",
        ] {
            assert!(read_address(wrong).is_err(), "{wrong:?}");
        }
    }
}
