//! Section `[gateway]` of the configuration.

use serde::Deserialize;
use std::net::SocketAddr;

/// The door.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address people type, when it differs: `https://chat.example.org`. Decides whether cookies
    /// are marked Secure, and which Origin may write.
    pub public_url: String,
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// Seconds a client may take to send a request's head.
    pub head_seconds: u64,
    /// Connections held at the same time.
    pub connections: usize,
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
            body_limit: 4 << 20,
            head_seconds: 10,
            connections: 10_000,
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
        self.public_url.starts_with("https://")
    }

    /// The address to print and to open.
    #[must_use]
    pub fn url(&self, listening: SocketAddr) -> String {
        if self.public_url.is_empty() {
            format!("http://{listening}")
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        }
    }
}
