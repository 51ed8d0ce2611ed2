//! Letters: written from templates, handed to the mail server, and what it says to them told apart:
//! what will never work, what may work later, and what is not the letter's fault.

mod templates;

pub use templates::{Fields, check};

use crate::config::{Config, PLAIN, Security, Server, read_address};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, SinglePart, header::ContentType},
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use platform::{Error, Result, hex::hex, network::Network};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What goes out to one address.
pub struct Letter<'l> {
    /// The same again is the same letter, and has the same Message-ID.
    pub key: &'l str,
    pub template: &'l str,
    /// `ro`, or English for any other.
    pub language: &'l str,
    pub to: &'l str,
    pub fields: &'l Fields,
}

/// The way to the mail server. Cheap to clone.
#[derive(Clone)]
pub struct Post(Arc<Inner>);

struct Inner {
    server: Option<(Server, AsyncSmtpTransport<Tokio1Executor>)>,
    timeout: Duration,
    pause: Duration,
    /// What went wrong last, until a letter goes out again.
    problem: Mutex<Option<String>>,
}

impl Post {
    /// # Errors
    /// A sentence that says which key of the configuration will not do.
    pub fn new(config: &Config, network: &Network) -> Result<Self> {
        let timeout = Duration::from_secs(config.timeout_seconds);
        let server = config.server()?;
        let server =
            server.map(|server| Ok::<_, Error>((server.clone(), transport(&server, network, timeout)?))).transpose()?;
        let pause = Duration::from_secs(config.retry_seconds);
        Ok(Self(Arc::new(Inner { server, timeout, pause, problem: Mutex::default() })))
    }

    pub fn is_configured(&self) -> bool {
        self.0.server.is_some()
    }

    /// The mail server's name, and who letters are from.
    pub fn standing(&self) -> Option<(String, String)> {
        self.0.server.as_ref().map(|(server, _)| (server.host.clone(), server.from.to_string()))
    }

    /// The first pause before a letter is tried again.
    pub fn pause(&self) -> Duration {
        self.0.pause
    }

    /// The longest one letter may take.
    pub fn patience(&self) -> Duration {
        // greeting, encryption, sign-in, sender, receiver and text: each may take its time, within reason
        self.0.timeout * 2
    }

    pub fn problem(&self) -> Option<String> {
        self.0.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hands a letter over.
    ///
    /// # Errors
    /// `invalid` when it can never be sent; `unavailable` and `timeout` when the mail server cannot take
    /// it now, or not from us. The sentence holds no address.
    pub async fn send(&self, letter: Letter<'_>) -> Result<()> {
        let Some((server, transport)) = &self.0.server else {
            return Err(Error::conflict(
                "no mail server is configured; set notification.host and notification.from and start again",
            ));
        };
        let message = write(server, &letter)?;
        let outcome = match tokio::time::timeout(self.patience(), transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(fault(&server.host, &error)),
            Err(_) => Err(Error::timeout(format!("the mail server {} did not answer in time", server.host))),
        };
        let problem = outcome.as_ref().err().map(|error| error.message().to_owned());
        *self.0.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        outcome
    }
}

fn transport(server: &Server, network: &Network, timeout: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    type Smtp = AsyncSmtpTransport<Tokio1Executor>;
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let unusable = |error: smtp::Error| Error::malformed(format!("the mail server {host} cannot be used: {error}"));
    let mut tls = TlsParameters::builder(host.to_owned());
    for authority in network.authorities() {
        tls = tls.add_root_certificate(Certificate::from_der(authority.to_vec()).map_err(unusable)?);
    }
    let builder = Smtp::builder_dangerous(host).tls(match server.security {
        Security::Starttls => Tls::Required(tls.build().map_err(unusable)?),
        Security::Tls => Tls::Wrapper(tls.build().map_err(unusable)?),
        Security::None => Tls::None,
    });
    // Servers mistrust those who say that they are localhost.
    let us = ClientId::Domain(server.from.email.domain().to_owned());
    let builder = builder.port(server.port).timeout(Some(timeout)).hello_name(us);
    let login = server.login.as_ref();
    let builder = match login {
        Some((user, password)) => {
            builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()))
        }
        None => builder,
    };
    Ok(builder.build())
}

fn write(server: &Server, letter: &Letter<'_>) -> Result<Message> {
    let to = Mailbox::new(None, read_address(letter.to)?);
    let written = templates::write(letter.template, letter.language, letter.fields)?;
    let digest = Sha256::digest(letter.key);
    let name = hex(&digest[..16]);
    let part = |kind, body: String| SinglePart::builder().header(kind).body(body);
    Message::builder()
        .message_id(Some(format!("<{name}@{}>", server.from.email.domain())))
        .from(server.from.clone())
        .to(to)
        .subject(written.subject)
        .multipart(
            MultiPart::alternative()
                .singlepart(part(PLAIN, written.text))
                .singlepart(part(ContentType::TEXT_HTML, written.html)),
        )
        .map_err(Error::internal)
}

/// What a server says may hold addresses, so its number alone is told.
fn fault(host: &str, error: &smtp::Error) -> Error {
    let code = error.status().map(u16::from);
    match code {
        Some(code @ (530 | 534 | 535 | 538 | 454)) => Error::unavailable(format!(
            "the mail server {host} refuses our sign-in ({code}); check notification.user and notification.password"
        )),
        Some(code) if error.is_permanent() => {
            Error::invalid("letter", format!("is refused by the mail server {host} for good ({code})"))
        }
        Some(code) => Error::unavailable(format!("the mail server {host} does not take letters now ({code})")),
        None if error.is_timeout() => Error::timeout(format!("the mail server {host} did not answer in time")),
        // said as an error of the connection when the encryption comes first
        None if error.to_string().contains("UnknownIssuer") => Error::unavailable(format!(
            "no encrypted connection to the mail server {host} can be made: its certificate is of an authority that is not \
             known here; if it is yours, name it in network.ca_file"
        )),
        None if error.is_tls() => {
            Error::unavailable(format!("no encrypted connection to the mail server {host} can be made: {error}"))
        }
        None => Error::unavailable(format!("the mail server {host} cannot be reached: {error}")),
    }
}
