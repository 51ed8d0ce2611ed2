//! Whose address a request comes from, when proxies that we trust stand in between. What anybody else
//! writes into these headers counts for nothing.

use crate::Config;
use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, HeaderName, header};
use serde::{Deserialize, de};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// A network of addresses: `10.0.0.0/8`, `::1`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let (bits, other, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => (u128::from(ours.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(ours), IpAddr::V6(other)) => (ours.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        // a shift by the whole width is none
        (bits ^ other).checked_shr(u32::from(width - self.length)).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || format!("\"{text}\" is no address or network; write 10.0.0.0/8, or a single address");
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| refusal())?.to_canonical();
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(width), |length| length.parse::<u8>().map_err(|_| refusal()))?;
        if length > width {
            return Err(refusal());
        }
        Ok(Self { address, length })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Where proxies write the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientHeader {
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address: that of the connection, or, when a trusted proxy made it, the last one in the
/// header that no trusted proxy has.
pub(crate) fn address(config: &Config, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(behind(config, peer.ip().to_canonical(), headers))
}

/// Whether the request comes from this very machine, and not through something on it.
pub(crate) fn is_local(config: &Config, extensions: &Extensions, headers: &HeaderMap) -> bool {
    let passed_on = headers.contains_key(FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
    let trusted = |peer: IpAddr| config.trusted_proxies.iter().any(|network| network.contains(peer));
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    peer.is_some_and(|peer| !passed_on || trusted(peer))
        && address(config, extensions, headers).is_some_and(|address| address.is_loopback())
}

fn behind(config: &Config, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |address: IpAddr| config.trusted_proxies.iter().any(|network| network.contains(address));
    let mut client = peer;
    if !trusted(peer) {
        return client;
    }
    let name = match config.client_header {
        ClientHeader::XForwardedFor => FORWARDED_FOR,
        ClientHeader::Forwarded => header::FORWARDED,
    };
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    // from the one nearest to us; each is believed as far as the one who wrote it is
    for hop in hops.into_iter().rev() {
        let node = match config.client_header {
            ClientHeader::XForwardedFor => Some(hop.trim()),
            ClientHeader::Forwarded => hop.split(';').find_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"'))
            }),
        };
        let Some(address) = node.and_then(node_address) else { return client };
        client = address;
        if !trusted(client) {
            return client;
        }
    }
    client
}

/// `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]`, `[2001:db8::1]:4711`, `2001:db8::1`.
fn node_address(node: &str) -> Option<IpAddr> {
    let bare = node.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(node, |(address, _)| address);
    let address = bare.parse::<IpAddr>().ok();
    address.or_else(|| Some(node.parse::<SocketAddr>().ok()?.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn config(header: ClientHeader) -> Config {
        let trusted_proxies = ["127.0.0.0/8", "10.1.0.0/16", "::1"].map(|text| text.parse().unwrap()).into();
        Config { trusted_proxies, client_header: header, ..Config::default() }
    }

    fn client(header: ClientHeader, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        behind(&config(header), peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let xff = "x-forwarded-for";
        for (peer, lines, expected) in [
            ("203.0.113.9", &[(xff, "192.0.2.1")][..], "203.0.113.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &[(xff, "192.0.2.1")], "192.0.2.1"),
            // the client wrote the first one itself
            ("127.0.0.1", &[(xff, "6.6.6.6, 192.0.2.1")], "192.0.2.1"),
            ("127.0.0.1", &[(xff, "6.6.6.6"), (xff, "192.0.2.1, 10.1.2.3")], "192.0.2.1"),
            ("127.0.0.1", &[(xff, "10.1.2.3, 10.1.2.4")], "10.1.2.3"),
            ("127.0.0.1", &[(xff, "192.0.2.1, nonsense")], "127.0.0.1"),
            ("127.0.0.1", &[(xff, "nonsense, 192.0.2.1")], "192.0.2.1"),
            ("::1", &[(xff, "[2001:db8::1]:4711")], "2001:db8::1"),
            ("::1", &[(xff, "192.0.2.1:4711")], "192.0.2.1"),
            // the other header is anybody's
            ("127.0.0.1", &[("forwarded", "for=6.6.6.6")], "127.0.0.1"),
        ] {
            assert_eq!(client(ClientHeader::XForwardedFor, peer, lines), expected, "{peer} {lines:?}");
        }
        for (lines, expected) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=6.6.6.6, for=192.0.2.43, for=10.1.0.1", "192.0.2.43"),
            ("for=unknown", "127.0.0.1"),
        ] {
            assert_eq!(client(ClientHeader::Forwarded, "127.0.0.1", &[("forwarded", lines)]), expected, "{lines}");
        }
        assert_eq!(client(ClientHeader::Forwarded, "127.0.0.1", &[(xff, "6.6.6.6")]), "127.0.0.1");
    }

    #[test]
    fn networks_are_told_apart() {
        let within =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(within("0.0.0.0/0", "203.0.113.9") && within("10.0.0.0/8", "::ffff:10.2.3.4"));
        assert!(within("2001:db8::/32", "2001:db8:1::1") && !within("2001:db8::/32", "2001:db9::1"));
        assert!(!within("10.0.0.0/8", "11.0.0.1") && !within("10.0.0.1", "10.0.0.2") && !within("::/0", "10.0.0.1"));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0", "10.0.0.0/-1", "host"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
