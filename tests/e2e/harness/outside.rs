//! The world outside as a company's network lets it through: a proxy that wants a password and finds every
//! name, and servers with certificates of a private authority.

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// A private authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut about = CertificateParams::default();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = about.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(about, key), pem })
    }

    /// TLS for a server of these names.
    pub fn acceptor(&self, names: &[&str]) -> Result<TlsAcceptor> {
        let key = KeyPair::generate()?;
        let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let certificate = CertificateDer::from(certificate.der().to_vec());
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Listens, and hands every connection to `serve`. It lives as long as the test's runtime.
async fn listen<F: Future<Output = Result<()>> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(address)
}

/// A proxy; `asked` are the request lines that came with the right password.
#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Wants `authorization` (the value of the header) and takes everybody to `target`.
    pub async fn start(authorization: &'static str, target: SocketAddr) -> Result<Self> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let address = listen(move |stream| pass(stream, authorization, target, seen.clone())).await?;
        Ok(Self { address, asked })
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(
    mut client: TcpStream,
    authorization: &'static str,
    target: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8(head.clone())?;
    let line = text.lines().next().context("no request line")?.to_owned();
    let known = text.lines().filter_map(|line| line.split_once(": "));
    if !known
        .into_iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("proxy-authorization") && value == authorization)
    {
        client.write_all(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n").await?;
        return Ok(());
    }
    let mut upstream = TcpStream::connect(target).await?;
    if line.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        upstream.write_all(&head).await?;
    }
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    tokio::io::copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}

/// A provider with one model that says one word, over TLS when there is a certificate for it.
pub async fn provider(tls: Option<TlsAcceptor>) -> Result<SocketAddr> {
    listen(move |stream| {
        let tls = tls.clone();
        async move {
            match tls {
                Some(tls) => say(tls.accept(stream).await?).await,
                None => say(stream).await,
            }
        }
    })
    .await
}

async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
    let mut head = vec![0; 256 * 1024];
    let read = stream.read(&mut head).await?;
    let (kind, body) = if head[..read].starts_with(b"GET ") {
        ("application/json", r#"{"object":"list","data":[{"id":"far","object":"model"}]}"#.to_owned())
    } else {
        let piece = r#"{"choices":[{"index":0,"delta":{"content":"arrived"},"finish_reason":"stop"}]}"#;
        ("text/event-stream", format!("data: {piece}\n\ndata: [DONE]\n\n"))
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}
