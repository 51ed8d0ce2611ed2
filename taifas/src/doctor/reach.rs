//! What the doctor finds out over the network: the instance's own address, the proxy, and the providers.

use super::{Findings, PATIENCE};
use crate::settings::Settings;
use platform::{
    config::Ports,
    db::Offline,
    network::{Network, Proxy},
};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _},
};

/// The address is free, or an instance answers there.
pub fn door(found: &mut Findings, settings: &Settings, running: bool) {
    let listen = settings.gateway.listen;
    let reached = match listen.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port()),
        _ => listen,
    };
    match (TcpStream::connect_timeout(&reached, PATIENCE), running) {
        (Ok(stream), true) if settings.gateway.tls_certificate.is_none() => match ready(stream) {
            Some(line) if line.contains(" 200 ") => {
                found.good("listening", format!("the instance at {reached} is ready"));
            }
            Some(line) if line.contains(" 503 ") => {
                found.fault(
                    "listening",
                    format!("the instance at {reached} is not ready"),
                    "the log says which service; see /readyz",
                );
            }
            _ => found.warning(
                "listening",
                format!("{reached} does not answer as Taifas does"),
                "look at what listens there",
            ),
        },
        (Ok(_), true) => found.good("listening", format!("{reached} takes connections")),
        (Ok(_), false) => found.fault(
            "listening",
            format!("another program listens at {listen}"),
            "end it, or set gateway.listen to another port",
        ),
        (Err(_), true) => found.warning(
            "listening",
            format!("an instance runs, but not at {listen}"),
            "give this command the same --config and variables as `taifas serve`",
        ),
        (Err(_), false) => found.good("listening", format!("{listen} is free")),
    }
}

/// The first line of the answer to `/readyz`.
fn ready(mut stream: TcpStream) -> Option<String> {
    let line = answer(&mut stream, "GET /readyz HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n")?;
    Some(format!("{} ", line.trim_end()))
}

/// Providers of the configuration, and those that were added on the administration page.
pub fn providers(found: &mut Findings, settings: &Settings) {
    let network = match Network::open(&settings.network) {
        Ok(network) => network,
        Err(error) => {
            found.fault("network", error.message(), "change this setting; docs/configuration.md says what it means");
            return;
        }
    };
    let ai = &settings.ai;
    let configured = [
        ("ai.ollama_base_url", Some(ai.ollama_base_url.clone())),
        ("ai.openai_base_url", ai.openai_base_url.clone()),
        ("ai.anthropic_base_url", ai.anthropic_base_url.clone()),
    ];
    let configured =
        configured.into_iter().filter_map(|(key, url)| Some((key.to_owned(), url.filter(|url| !url.is_empty())?)));
    for (key, url) in configured {
        let to_do = "start it, or correct the address; empty turns it off";
        provider(found, &network, &key, &url, to_do);
    }
    let to_do = "start it, or correct it in Administration, Providers";
    for (name, url) in stored(settings) {
        provider(found, &network, &format!("{name}, added in the browser"), &url, to_do);
    }
}

/// Name and address of what is stored; nothing where the database is not there or not to be read, which is said elsewhere.
fn stored(settings: &Settings) -> Vec<(String, String)> {
    let Ok(path) = Ports::after(&settings.platform.database, "database", "sqlite") else { return Vec::new() };
    let file = settings.data.join(path);
    let read = Offline::open(&file).and_then(|database| ai::stored_providers(&database));
    if file.exists() { read.unwrap_or_default() } else { Vec::new() }
}

fn provider(found: &mut Findings, network: &Network, name: &str, url: &str, to_do: &str) {
    let Some(address) = address(url) else {
        found.fault(
            "provider",
            format!("\"{url}\" is no address ({name})"),
            "write it as http://host:port or https://host",
        );
        return;
    };
    // What is in the house is never asked through the proxy.
    let proxy = network.proxy_for(url).filter(|_| ai::is_outside(url));
    match proxy {
        None => match connect(&address) {
            Some(_) => found.good("provider", format!("{address} takes connections ({name})")),
            None => found.warning("provider", format!("{address} cannot be reached ({name})"), to_do),
        },
        Some(proxy) if proxy.encrypted => {
            found.good("provider", format!("{address} is asked through the proxy, which was not tried ({name})"));
        }
        Some(proxy) => through(found, proxy, &address, name, to_do),
    }
}

/// Asks the proxy for a connection, as a request over TLS does.
fn through(found: &mut Findings, proxy: &Proxy, address: &str, name: &str, to_do: &str) {
    let fix = "start it, or correct network.proxy (TAIFAS__NETWORK__PROXY, HTTPS_PROXY)";
    let Some(mut stream) = connect(&proxy.address) else {
        found.fault("proxy", format!("{} cannot be reached", proxy.address), fix);
        return;
    };
    let known = proxy.authorization().and_then(|value| value.to_str().ok());
    let known = known.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{known}\r\n");
    let status = answer(&mut stream, &request).and_then(|line| line.split(' ').nth(1)?.parse::<u16>().ok());
    match status {
        Some(200..=299) => found.good("provider", format!("{address} is reached through the proxy ({name})")),
        Some(407) => found.fault("proxy", "it does not accept our user name and password", fix),
        Some(status) => {
            found.warning("provider", format!("the proxy makes no connection to {address} ({status}, {name})"), to_do);
        }
        None => found.fault("proxy", format!("{} does not answer as a proxy does", proxy.address), fix),
    }
}

fn connect(address: &str) -> Option<TcpStream> {
    let mut all = address.to_socket_addrs().ok()?;
    all.find_map(|at| TcpStream::connect_timeout(&at, PATIENCE).ok())
}

/// The first line of what is said to `request`.
fn answer(stream: &mut TcpStream, request: &str) -> Option<String> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(1024)).read_line(&mut line).ok()?;
    (!line.is_empty()).then_some(line)
}

/// `host:port` of a URL.
fn address(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty() && !host.contains('@'))?;
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match (scheme, has_port) {
        ("http" | "https", true) => Some(host.to_owned()),
        ("http", false) => Some(format!("{host}:80")),
        ("https", false) => Some(format!("{host}:443")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_behind_a_url_is_found() {
        for (url, expected) in [
            ("http://127.0.0.1:11434", Some("127.0.0.1:11434")),
            ("https://api.example.com/v1", Some("api.example.com:443")),
            ("http://[::1]:8000/v1", Some("[::1]:8000")),
            ("http://vllm/v1?x=1", Some("vllm:80")),
            ("ftp://host", None),
            ("host:80", None),
            ("http://me@host", None),
        ] {
            assert_eq!(address(url).as_deref(), expected, "{url}");
        }
    }
}
