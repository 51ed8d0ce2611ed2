//! The HTTP clients all adapters share, their timeouts, and what it means when no answer comes at all.

use std::{error::Error, io, net::IpAddr, time::Duration};

use platform::network::Network;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, RequestBuilder, Response, Url, header, redirect};
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, timeout_at};

use super::{Fault, FaultKind, Place};

/// How long a provider may take. Every call has all four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included. Belongs to the shared clients: give it to [`Wire::new`].
    pub connect: Duration,
    /// From sending the request to the first whole event of the answer.
    pub first_byte: Duration,
    /// Between two whole events. Loose bytes do not count: a trickle is silence.
    pub idle: Duration,
    /// For the whole answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(600),
        }
    }
}

impl Timeouts {
    /// For servers that load a model into memory before their first word.
    pub fn with_model_load() -> Self {
        Self { first_byte: Duration::from_secs(300), ..Self::default() }
    }
}

/// How long a list of models may take, however long a model may: a list needs no model in memory.
pub(super) const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// The shared HTTP clients. Cheap to clone; make one for the process.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Never through a proxy: what is to stay in the house must not go out through one.
    near: Client,
    /// Through the proxy of the configuration, if there is one and the host is no exception.
    far: Client,
}

impl Wire {
    /// Builds the clients with the given limit for connecting. The process must have installed its rustls crypto provider before.
    ///
    /// # Errors
    /// When it has not, or a certificate of the configuration cannot be used.
    pub fn new(connect: Duration, network: &Network) -> Result<Self, Fault> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Fault::new(FaultKind::Provider, "No TLS implementation is installed in this process."));
        }
        let authorities = network.authorities().map(Certificate::from_der).collect::<Result<Vec<_>, _>>();
        let authorities = authorities
            .map_err(|_| Fault::new(FaultKind::Provider, "A certificate of network.ca_file cannot be used."))?;
        let of_system = || client(connect).tls_certs_merge(authorities.clone());
        // A machine without any authority can still reach servers over plain HTTP, which is what many have in the house.
        let none = of_system().build().is_err();
        if none {
            tracing::warn!(
                "this machine knows no certificate authorities, so no provider can be reached over https: install them \
                 (apt install ca-certificates) and start again, or name a file of them in network.ca_file"
            );
        }
        let builder = || if none { client(connect).tls_certs_only(authorities.clone()) } else { of_system() };
        let built = |builder: ClientBuilder| {
            builder.build().map_err(|_| Fault::new(FaultKind::Provider, "The HTTP client could not be set up."))
        };
        let network = network.clone();
        let way = move |url: &Url| network.proxy_for(url.as_str()).map(|proxy| proxy.url().expose_secret().to_owned());
        Ok(Self { near: built(builder())?, far: built(builder().proxy(Proxy::custom(way)))? })
    }

    /// The client for servers of that place.
    pub(super) fn client(&self, place: Place) -> &Client {
        match place {
            Place::Server => &self.near,
            Place::Outside => &self.far,
        }
    }
}

fn client(connect: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("Taifas/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .tcp_nodelay(true)
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(32)
        // A redirect could carry the key and the conversation to a server nobody configured.
        .redirect(redirect::Policy::none())
        // Even where another crate switches these on: an answer of a few compressed bytes must not unfold into gigabytes.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        // The proxy is a matter of the configuration alone, which has read the environment.
        .no_proxy()
}

/// Reads the address of a server as configured. Refuses what is no HTTP address, and credentials in it (they would end up in logs).
pub(crate) fn base_url(text: &str) -> Result<Url, Fault> {
    let refuse = |detail| Err(Fault::new(FaultKind::BadRequest, detail));
    let Ok(url) = Url::parse(text) else {
        return refuse("The address of the provider is not a URL.");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return refuse("The address of the provider must begin with http:// or https://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("The address of the provider must not contain a user name or password.");
    }
    Ok(url)
}

/// The address of a resource below the base; a query of the base is kept.
pub(super) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Whether the server at this address belongs to the house: a loopback or private IP address, or a name that only means something inside
/// a private network (`localhost`, a container's name, `.local`, `.internal`, `.home.arpa`; RFC 6761, 6762, 8375).
pub(crate) fn place(url: &Url) -> Place {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.');
    let inside = match host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => {
            !host.contains('.')
                || [".localhost", ".local", ".internal", ".home.arpa"].iter().any(|end| host.ends_with(end))
        }
    };
    if inside { Place::Server } else { Place::Outside }
}

/// Sends, and waits for the head of the answer until `deadline`. Any status is an answer; a compressed success is [`FaultKind::Malformed`].
pub(super) async fn send(name: &str, request: RequestBuilder, deadline: Instant) -> Result<Response, Fault> {
    let request = request.header(header::ACCEPT_ENCODING, "identity").send();
    let response = match timeout_at(deadline, request).await {
        Err(_) => {
            return Err(Fault::new(FaultKind::Timeout, format!("{name} did not begin to answer in time.")));
        }
        Ok(Err(error)) => return Err(no_answer(name, &error)),
        Ok(Ok(response)) => response,
    };
    // A refusal counts by its status, whatever its body.
    let coding = response.headers().get(header::CONTENT_ENCODING).filter(|_| response.status().is_success());
    if coding.is_some_and(|coding| coding != "identity" && !coding.is_empty()) {
        return Err(Fault::new(
            FaultKind::Malformed,
            format!("{name} sent a compressed answer, which was not asked for."),
        ));
    }
    Ok(response)
}

/// Reads a whole body of at most `limit` bytes until `deadline`.
pub(crate) async fn read(
    name: &str,
    mut response: Response,
    limit: usize,
    deadline: Instant,
) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    loop {
        match timeout_at(deadline, response.chunk()).await {
            Err(_) => {
                return Err(Fault::new(FaultKind::Timeout, format!("{name} did not finish its answer in time.")));
            }
            Ok(Err(_)) => {
                return Err(Fault::new(FaultKind::Cut, format!("The connection to {name} broke.")));
            }
            Ok(Ok(None)) => return Ok(body),
            Ok(Ok(Some(bytes))) if body.len() + bytes.len() > limit => {
                return Err(Fault::new(FaultKind::Malformed, format!("The answer of {name} is too long.")));
            }
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
        }
    }
}

/// Why not even the head of an answer came. Looks into the causes because the error's own text contains the URL.
fn no_answer(name: &str, error: &reqwest::Error) -> Fault {
    if error.is_builder() {
        return Fault::new(FaultKind::BadRequest, format!("The request to {name} could not be built."));
    }
    if !error.is_connect() {
        // the words of the HTTP library: what came is no head of an answer, or one without end
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if text.contains(" parsed") || text.contains("head is too large") {
                return Fault::new(FaultKind::Malformed, format!("{name} sent something that is no answer over HTTP."));
            }
            cause = error.source();
        }
        return Fault::new(FaultKind::Cut, format!("{name} closed the connection without an answer."));
    }
    let mut why = "no connection to it came about";
    let mut who = name;
    let mut cause = error.source();
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let text = error.to_string();
        if text.starts_with("tunnel error") {
            who = "The proxy";
            if text.contains("authorization") {
                return proxy_refuses(
                    name,
                    "it wants a user name and a password, or other ones; correct network.proxy",
                );
            } else if text.contains("unsuccessful") {
                return proxy_refuses(name, "it may not be allowed there, or cannot find or reach it");
            }
        }
        if kind == Some(io::ErrorKind::ConnectionRefused) {
            why = "nothing listens at its address";
        } else if kind == Some(io::ErrorKind::TimedOut) || text.contains("timed out") {
            why = "it did not take the connection in time";
        } else if text.contains("dns error") {
            why = "its name could not be found";
        } else if text.contains("UnknownIssuer") {
            why =
                "its certificate is of an authority that is not known here; if it is yours, name it in network.ca_file";
        } else if text.contains("certificate") {
            why = "its certificate is not valid";
        }
        cause = error.source();
    }
    Fault::new(FaultKind::Unreachable, format!("{who} cannot be reached: {why}."))
}

fn proxy_refuses(name: &str, why: &str) -> Fault {
    Fault::new(FaultKind::Unreachable, format!("The proxy makes no connection to {name}: {why}."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_house_from_the_world() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/v1", Place::Server),
            ("http://localhost/v1", Place::Server),
            ("http://[::1]:1234/v1", Place::Server),
            ("http://[::ffff:10.0.0.1]/v1", Place::Server),
            ("http://192.168.1.20/v1", Place::Server),
            ("http://vllm:8000/v1", Place::Server),
            ("http://box.local/v1", Place::Server),
            ("https://api.example.com/v1", Place::Outside),
            ("https://localhost.example.com/v1", Place::Outside),
            ("http://8.8.8.8/v1", Place::Outside),
            ("http://[2001:4860::1]/v1", Place::Outside),
        ] {
            assert_eq!(place(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn keeps_the_query_of_the_base() {
        let base = base_url("https://example.com/openai/v1/?api-version=7").unwrap();
        assert_eq!(
            below(&base, &["chat", "completions"]).as_str(),
            "https://example.com/openai/v1/chat/completions?api-version=7"
        );
    }

    #[test]
    fn refuses_addresses_with_credentials() {
        for text in ["http://me:secret@host/v1", "ftp://host/v1", "host/v1", "data:text/plain,x"] {
            let fault = base_url(text).unwrap_err();
            assert_eq!(fault.kind, FaultKind::BadRequest);
            assert!(!fault.detail.contains("secret"));
        }
    }
}
