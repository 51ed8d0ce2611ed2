//! Section `[network]`: how calls of this instance leave the machine. One place says which of them go
//! through the proxy and which authorities are believed, so that providers, letters and the doctor agree.

use crate::{Error, Result};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::{fs, net::IpAddr, path::Path, path::PathBuf, sync::Arc};

/// What the configuration says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The proxy for calls to the outside: `http://user:password@proxy.example.org:3128`. Found by itself
    /// in `HTTPS_PROXY` and `HTTP_PROXY`; empty is none.
    pub proxy: Option<SecretString>,
    /// Hosts that are called directly all the same: names with what is below them, addresses, networks.
    /// Found by itself in `NO_PROXY`.
    pub no_proxy: Vec<String>,
    /// A PEM file with certificates of authorities that are believed besides those of the system.
    pub ca_file: Option<PathBuf>,
}

/// The way out of this machine. Cheap to clone.
#[derive(Clone, Default)]
pub struct Network(Arc<Inner>);

#[derive(Default)]
struct Inner {
    proxy: Option<(Proxy, Matcher)>,
    authorities: Vec<CertificateDer<'static>>,
}

/// The proxy. What it prints as never holds the password.
#[derive(Clone)]
pub struct Proxy {
    url: SecretString,
    authorization: Option<HeaderValue>,
    /// `host:port`
    pub address: String,
    /// Whether the connection to the proxy itself is encrypted.
    pub encrypted: bool,
}

impl Proxy {
    /// With user name and password: for the HTTP client alone.
    #[must_use]
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// The header with which the proxy knows us.
    #[must_use]
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

impl Network {
    /// # Errors
    /// A sentence that names the key and what is wrong with its value; never with a password.
    pub fn open(config: &Config) -> Result<Self> {
        let proxy = config.proxy.as_ref().filter(|url| !url.expose_secret().trim().is_empty());
        let exceptions = exceptions(&config.no_proxy)?;
        let proxy = proxy.map(|url| read_proxy(url.expose_secret().trim(), &exceptions)).transpose()?;
        let file = config.ca_file.as_deref().filter(|path| !path.as_os_str().is_empty());
        let authorities = file.map(read_authorities).transpose()?.unwrap_or_default();
        Ok(Self(Arc::new(Inner { proxy, authorities })))
    }

    /// The proxy there is.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.0.proxy.as_ref().map(|(proxy, _)| proxy)
    }

    /// The proxy that a call to `url` goes through, unless its host is an exception.
    #[must_use]
    pub fn proxy_for(&self, url: &str) -> Option<&Proxy> {
        let (proxy, matcher) = self.0.proxy.as_ref()?;
        matcher.intercept(&url.parse().ok()?).map(|_| proxy)
    }

    /// The further authorities, each as DER.
    pub fn authorities(&self) -> impl Iterator<Item = &[u8]> {
        self.0.authorities.iter().map(AsRef::as_ref)
    }
}

fn read_proxy(text: &str, exceptions: &str) -> Result<(Proxy, Matcher)> {
    let unusable = |why: &str| {
        Error::malformed(format!(
            "network.proxy (also found in HTTPS_PROXY and HTTP_PROXY) cannot be used: {why}; write it as \
             http://proxy.example.org:3128 or http://user:password@proxy.example.org:3128, with @ : / # ? of the \
             password as %40 %3A %2F %23 %3F, or leave it empty"
        ))
    };
    // as these variables are often written
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri: Uri = text.parse().map_err(|_| unusable("it is no URL"))?;
    let encrypted = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(unusable("only proxies that speak HTTP are possible")),
    };
    if uri.path() != "/" || uri.query().is_some() {
        return Err(unusable("something follows the port"));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| unusable("it names no host"))?;
    let written = uri.authority().and_then(|authority| authority.as_str().rsplit('@').next());
    let port = match uri.port() {
        Some(port) => port.as_u16(),
        // a colon and something that is no port
        None if written != Some(host) => return Err(unusable("its port is missing, or none")),
        None if encrypted => 443,
        None => 80,
    };
    let address = format!("{host}:{port}");
    let matcher = Matcher::builder().all(text.clone()).no(exceptions).build();
    // Asked once without exceptions: whether the HTTP client will understand it, and what it will send.
    let always = Matcher::builder().all(text.clone()).build();
    let found =
        always.intercept(&Uri::from_static("https://outside.invalid")).ok_or_else(|| unusable("it is no URL"))?;
    let authorization = found.basic_auth().cloned();
    Ok((Proxy { url: text.into(), authorization, address, encrypted }, matcher))
}

/// The exceptions as one text, as the matcher reads them.
fn exceptions(all: &[String]) -> Result<String> {
    let mut named = Vec::new();
    for text in all.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        // many write the names below as *.example.org
        let host = text.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(text);
        if !is_exception(host) {
            return Err(Error::malformed(format!(
                "network.no_proxy (also found in NO_PROXY): \"{text}\" is no host; write names (example.org, which \
                 includes what is below it), addresses (10.1.2.3) or networks (10.0.0.0/8), without scheme and port"
            )));
        }
        named.push(host);
    }
    Ok(named.join(","))
}

fn is_exception(host: &str) -> bool {
    let (address, bits) = host.split_once('/').unwrap_or((host, "0"));
    if let Ok(address) = address.parse::<IpAddr>() {
        let most = if address.is_ipv4() { 32 } else { 128 };
        return bits.parse::<u8>().is_ok_and(|bits| bits <= most);
    }
    host == "*" || (host.len() <= 253 && host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c)))
}

fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |why: String| {
        Error::unavailable(format!(
            "the file of authorities {} (network.ca_file) cannot be used: {why}",
            path.display()
        ))
    };
    let text = fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let all = CertificateDer::pem_slice_iter(&text).collect::<std::result::Result<Vec<_>, _>>();
    let all = all.map_err(|error| unusable(error.to_string()))?;
    if all.is_empty() {
        return Err(unusable("it contains no certificate (-----BEGIN CERTIFICATE-----)".into()));
    }
    let mut store = RootCertStore::empty();
    for (at, certificate) in all.iter().enumerate() {
        store.add(certificate.clone()).map_err(|error| unusable(format!("its certificate {}: {error}", at + 1)))?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(proxy: &str, no_proxy: &[&str]) -> Config {
        let no_proxy = no_proxy.iter().map(|&text| text.to_owned()).collect();
        Config { proxy: Some(proxy.into()), no_proxy, ca_file: None }
    }

    #[test]
    fn exceptions_are_called_directly_and_the_rest_goes_through_the_proxy() {
        let exceptions = ["example.org", "*.inner.net", "10.0.0.0/8", "2001:db8::/32", "192.0.2.7", ""];
        let network = Network::open(&config("proxy:3128", &exceptions)).unwrap();
        assert_eq!(network.proxy().unwrap().address, "proxy:3128");
        for (url, through) in [
            ("https://api.example.com/v1", true),
            ("http://api.example.com/v1", true),
            ("https://notexample.org", true),
            ("https://example.org/v1", false),
            ("https://api.EXAMPLE.org:8443/v1", false),
            ("https://a.inner.net", false),
            ("http://10.1.2.3/v1", false),
            ("http://[2001:db8::1]/v1", false),
            ("http://192.0.2.7:8000/v1", false),
            ("http://192.0.2.8:8000/v1", true),
        ] {
            assert_eq!(network.proxy_for(url).is_some(), through, "{url}");
        }
        assert!(Network::open(&config("proxy:3128", &["*"])).unwrap().proxy_for("https://a.com").is_none());
        assert!(Network::open(&config("", &[])).unwrap().proxy().is_none());
    }

    #[test]
    fn a_password_is_understood_and_never_shown() {
        let config = config("http://us%40er:p%3Ass@proxy.example.org", &[]);
        let network = Network::open(&config).unwrap();
        let proxy = network.proxy().unwrap();
        assert_eq!((proxy.address.as_str(), proxy.encrypted), ("proxy.example.org:80", false));
        assert_eq!(proxy.authorization().unwrap(), "Basic dXNAZXI6cDpzcw==");
        assert!(!format!("{config:?}{:?}", proxy.url()).contains("p%3Ass"));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_password() {
        for (proxy, no_proxy, word) in [
            ("socks5://me:secret@proxy:1080", vec![], "network.proxy"),
            ("http://me:secret/x@proxy:3128", vec![], "network.proxy"),
            ("http://me:secret@proxy:3128/path", vec![], "network.proxy"),
            ("http://me:secret@", vec![], "network.proxy"),
            ("http://me:secret@proxy:", vec![], "network.proxy"),
            ("http://me:secret@proxy:99999", vec![], "network.proxy"),
            ("proxy:3128", vec!["https://example.org"], "network.no_proxy"),
            ("proxy:3128", vec!["example.org:8080"], "network.no_proxy"),
            ("proxy:3128", vec!["10.0.0.0/33"], "network.no_proxy"),
        ] {
            let Err(error) = Network::open(&config(proxy, &no_proxy)) else { panic!("{proxy} {no_proxy:?} is taken") };
            assert!(error.message().contains(word) && !error.message().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_file_of_authorities_is_read_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let config = Config { ca_file: Some(path.clone()), ..Config::default() };
        let refused = |what: &str| {
            let Err(error) = Network::open(&config) else { panic!("taken: {what}") };
            assert!(error.message().contains("ca.pem") && error.message().contains("network.ca_file"), "{error}");
            assert!(error.message().contains(what), "{error}");
        };
        refused("No such file");
        fs::write(&path, "no certificate").unwrap();
        refused("BEGIN CERTIFICATE");
        fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        refused("its certificate 1");
        let authority = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap().cert.pem();
        fs::write(&path, authority.repeat(2)).unwrap();
        assert_eq!(Network::open(&config).unwrap().authorities().count(), 2);
    }
}
