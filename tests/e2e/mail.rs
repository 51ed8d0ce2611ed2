//! Letters over an encrypted connection: to a mail server whose certificate is trusted, from the first
//! byte or after the greeting, and to nobody else.

use crate::harness::{CALL, Client, ready};
use anyhow::{Context as _, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use std::{
    fs,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A mail server (RFC 5321, RFC 3207) with a certificate of an authority of its own.
struct MailServer {
    port: u16,
    /// The authority, as a file of certificates has it.
    authority: String,
    letters: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// `late`: encryption begins with STARTTLS, not with the connection.
    async fn start(late: bool) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &authority)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let server =
            Self { port: listener.local_addr()?.port(), authority: authority.as_ref().pem(), letters: Arc::default() };
        let letters = server.letters.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, letters) = (acceptor.clone(), letters.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    if late && greet(&mut stream).await.is_none() {
                        return;
                    }
                    if let Ok(stream) = acceptor.accept(stream.into_inner()).await
                        && let Some(letter) = talk(BufReader::new(stream), late).await
                    {
                        letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
                    }
                });
            }
        });
        Ok(server)
    }

    fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> Option<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn line(stream: &mut BufReader<impl AsyncRead + Unpin>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then_some(line)
}

/// Readable, until the other side asks for encryption; no letter is taken before.
async fn greet(stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>) -> Option<()> {
    say(stream, "220 test").await?;
    loop {
        match line(stream).await?.split_whitespace().next()?.to_uppercase().as_str() {
            "EHLO" => say(stream, "250-test\r\n250 STARTTLS").await?,
            "STARTTLS" => return say(stream, "220 go on").await,
            _ => say(stream, "530 encrypt first").await?,
        }
    }
}

/// Takes one letter.
async fn talk(mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>, greeted: bool) -> Option<String> {
    if !greeted {
        say(&mut stream, "220 test").await?;
    }
    let mut letter = String::new();
    loop {
        let said = line(&mut stream).await?;
        match said.split([' ', ':', '\r']).next()?.to_uppercase().as_str() {
            "EHLO" => say(&mut stream, "250-test\r\n250 AUTH PLAIN").await?,
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                while let Some(text) = line(&mut stream).await.filter(|text| text.trim_end() != ".") {
                    letter.push_str(&text);
                }
                say(&mut stream, "250 taken").await?;
                return Some(letter);
            }
            _ => say(&mut stream, "250 ok").await?,
        }
    }
}

async fn test_letter(owner: &Client) -> Result<(u16, String)> {
    let request = owner.request(reqwest::Method::POST, "/api/v1/admin/mail/test");
    let answer = owner.call(request.json(&json!({"to": "ops@example.org"})).timeout(CALL)).await?;
    Ok((answer.status, answer.text))
}

#[tokio::test]
async fn letters_go_to_a_mail_server_that_is_trusted_and_to_no_other() -> Result<()> {
    for (security, late) in [("tls", false), ("starttls", true)] {
        let mail = MailServer::start(late).await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("authority.pem");
        fs::write(&file, &mail.authority)?;
        let (port, file) = (mail.port.to_string(), file.to_str().context("a path")?.to_owned());
        let settings = [
            ("TAIFAS__NOTIFICATION__HOST", "localhost"),
            ("TAIFAS__NOTIFICATION__PORT", port.as_str()),
            ("TAIFAS__NOTIFICATION__SECURITY", security),
            ("TAIFAS__NOTIFICATION__USER", "taifas"),
            ("TAIFAS__NOTIFICATION__PASSWORD", "a password"),
            ("TAIFAS__NOTIFICATION__FROM", "Taifas <taifas@example.org>"),
        ];
        // an authority that nobody has heard of
        let (_server, owner) = ready(&settings).await?;
        let (status, said) = test_letter(&owner).await?;
        ensure!(status == 503 && mail.letters().is_empty(), "{security}: {status} {said}");
        ensure!(said.contains("network.ca_file"), "nothing to do is said: {said}");
        // the one that the machine trusts, and the one that the configuration names
        for (count, trust) in [(1, "SSL_CERT_FILE"), (2, "TAIFAS__NETWORK__CA_FILE")] {
            let trusting: Vec<_> = settings.iter().copied().chain([(trust, file.as_str())]).collect();
            let (_server, owner) = ready(&trusting).await?;
            let (status, said) = test_letter(&owner).await?;
            ensure!(status == 204, "{security} {trust}: {status} {said}");
            let letters = mail.letters();
            let last = letters.last().is_some_and(|letter| letter.contains("To: ops@example.org"));
            ensure!(letters.len() == count && last, "{security} {trust}: {letters:?}");
        }
    }
    Ok(())
}
