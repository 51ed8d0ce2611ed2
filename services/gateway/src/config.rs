//! Section `[gateway]` of the configuration.

use crate::clients::{ClientHeader, Network};
use platform::{Error, Result};
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// The door.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address people type, when it differs: `https://chat.example.org`. Decides whether cookies
    /// are marked Secure, and which Origin may write.
    pub public_url: String,
    /// PEM files: the certificate with its chain, and its key. Set, the gateway speaks TLS itself; they
    /// are read again when they change.
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// Networks of reverse proxies whose word about a client's address counts: `127.0.0.1/32`.
    pub trusted_proxies: Vec<Network>,
    /// The header in which they say it: the other one may come from anybody.
    pub client_header: ClientHeader,
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// The largest body of a request to the OpenAI-compatible door, in bytes: it may carry pictures.
    pub program_body_limit: usize,
    /// The room for bodies that are held whole, of all people together, in bytes; nobody may take more of it
    /// than is left for others. Never less than twice the largest body.
    pub bodies_limit: usize,
    /// The largest upload (files, imports), in bytes; the services behind allow less.
    pub upload_limit: u64,
    /// Seconds a client may take to send a request's head.
    pub head_seconds: u64,
    /// Seconds a client may leave what was sent to it untaken, or a request half sent, until its connection is closed.
    pub unread_seconds: u64,
    /// Connections held at the same time.
    pub connections: usize,
    /// Requests worked on at the same time, few of them for one person; further ones wait for a moment.
    pub at_once: usize,
    /// Live streams one person may hold open.
    pub streams_per_person: u64,
    /// Live feeds one person may hold open: one for each browser that shows Taifas.
    pub feeds_per_person: u64,
    /// Writing requests a person, and requests an address without a session, may make a minute.
    pub writes_per_minute: u64,
    pub anonymous_per_minute: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            public_url: String::new(),
            tls_certificate: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            client_header: ClientHeader::XForwardedFor,
            body_limit: 4 << 20,
            program_body_limit: 32 << 20,
            bodies_limit: 128 << 20,
            upload_limit: 1 << 30,
            head_seconds: 10,
            unread_seconds: 15,
            connections: 10_000,
            at_once: 64,
            streams_per_person: 256,
            feeds_per_person: 64,
            writes_per_minute: 1_200,
            anonymous_per_minute: 600,
        }
    }
}

impl Config {
    /// Whether people reach this instance over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://") || self.tls_certificate.is_some()
    }

    /// The room for bodies: in less than that the largest one would never be taken.
    pub(crate) fn bodies_room(&self) -> usize {
        self.bodies_limit.max(self.body_limit.max(self.program_body_limit).saturating_mul(2))
    }

    /// The address to print and to open.
    #[must_use]
    pub fn url(&self, listening: SocketAddr) -> String {
        if self.public_url.is_empty() {
            format!("{}://{listening}", if self.tls_certificate.is_some() { "https" } else { "http" })
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        }
    }

    /// # Errors
    /// A sentence about settings that cannot be together.
    pub fn check(&self) -> Result<()> {
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err(Error::malformed(
                "gateway.tls_certificate and gateway.tls_key belong together: set both, or neither",
            ));
        }
        if self.public_url.is_empty() {
            return Ok(());
        }
        let rest = self.public_url.strip_prefix("https://").or_else(|| self.public_url.strip_prefix("http://"));
        let host = rest.map(|rest| rest.trim_end_matches('/')).filter(|host| {
            !host.is_empty() && !host.contains(['/', '?', '#', '@']) && !host.chars().any(char::is_whitespace)
        });
        if host.is_none() {
            return Err(Error::malformed(format!(
                "gateway.public_url = \"{}\" must be what people type, without a path: https://chat.example.org",
                self.public_url
            )));
        }
        if self.tls_certificate.is_some() && self.public_url.starts_with("http://") {
            return Err(Error::malformed(
                "gateway.public_url begins with http:// but the gateway speaks TLS itself; write https://",
            ));
        }
        Ok(())
    }

    /// What people do without in this set-up, as sentences for whoever runs it.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.is_secure() && (!self.listen.ip().is_loopback() || !self.public_url.is_empty()) {
            warnings.push(
                "People reach this instance over plain HTTP: whoever is on the way can read passwords and texts, and \
                 browsers withhold notifications, the app on the home screen and copying with one click. Set \
                 gateway.tls_certificate and gateway.tls_key, or put a proxy with TLS in front and set gateway.public_url \
                 to its https:// address."
                    .to_owned(),
            );
        }
        if self.is_secure() && self.tls_certificate.is_none() && self.trusted_proxies.is_empty() {
            warnings.push(
                "gateway.public_url says that a proxy stands in front, but gateway.trusted_proxies is empty: the limits \
                 for addresses count all people together."
                    .to_owned(),
            );
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_together_is_refused_with_a_sentence() {
        let config = |public_url: &str, certificate: bool, key: bool| Config {
            public_url: public_url.into(),
            tls_certificate: certificate.then(|| "a.pem".into()),
            tls_key: key.then(|| "b.pem".into()),
            ..Config::default()
        };
        for good in [
            config("", false, false),
            config("", true, true),
            config("http://box:8420", false, false),
            config("https://chat.example.org/", true, true),
        ] {
            assert!(good.check().is_ok(), "{good:?}");
        }
        for wrong in [
            config("", true, false),
            config("", false, true),
            config("chat.example.org", false, false),
            config("https://chat.example.org/taifas", false, false),
            config("https://me@chat.example.org", false, false),
            config("http://chat.example.org", true, true),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn plain_http_is_said_where_others_can_listen() {
        let here = Config::default();
        assert!(here.warnings().is_empty());
        let everywhere = Config { listen: SocketAddr::from(([0, 0, 0, 0], 80)), ..Config::default() };
        assert!(everywhere.warnings()[0].contains("plain HTTP"));
        let proxied = Config { public_url: "https://chat.example.org".into(), ..Config::default() };
        assert!(proxied.warnings()[0].contains("trusted_proxies"));
    }
}
