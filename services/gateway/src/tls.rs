//! TLS of the gateway's own: certificate and key from PEM files, read again when they change, so that a
//! renewed certificate is served without a restart.

use chrono::{DateTime, TimeDelta, Utc};
use platform::{Error, Result};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio_rustls::TlsAcceptor;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate that is served now.
pub(crate) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    serving: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.certificate.display())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.serving.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificate {
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>> {
        let serving = RwLock::new(read(certificate, key)?);
        Ok(Arc::new(Self { certificate: certificate.into(), key: key.into(), serving }))
    }

    /// # Errors
    /// When the TLS implementation refuses its own versions.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks at the files for ever. What cannot be used is said and the former one goes on.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut seen = self.stamp();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.stamp();
            if now == seen {
                continue;
            }
            let (certificate, key) = (self.certificate.clone(), self.key.clone());
            let loaded = tokio::task::spawn_blocking(move || read(&certificate, &key)).await;
            match loaded {
                Ok(Ok(loaded)) => {
                    *self.serving.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                    seen = now;
                    tracing::info!(certificate = %self.certificate.display(), "a new certificate is served");
                }
                // perhaps only one of the two files is written yet: tried again at the next look
                Ok(Err(error)) => tracing::warn!(%error, "the changed certificate is not used"),
                Err(error) => tracing::warn!(%error, "the changed certificate could not be read"),
            }
        }
    }

    fn stamp(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        })
    }
}

/// A certificate that ends within this time is worth a word.
pub const CERTIFICATE_SOON: TimeDelta = TimeDelta::days(14);

/// When the certificate with its chain ends, if the two files can be served at all.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn certificate_ends(certificate: &Path, key: &Path) -> Result<DateTime<Utc>> {
    let unusable =
        || Error::unavailable(format!("the TLS file {} says no time at which it ends", certificate.display()));
    let serving = read(certificate, key)?;
    let ends = serving.cert.iter().map(|part| {
        let (_, read) = X509Certificate::from_der(part).map_err(|_| unusable())?;
        DateTime::from_timestamp(read.validity().not_after.timestamp(), 0).ok_or_else(unusable)
    });
    ends.collect::<Result<Vec<_>>>()?.into_iter().min().ok_or_else(unusable)
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>> {
    let unusable = |path: &Path, why: &dyn fmt::Display| {
        Error::unavailable(format!("the TLS file {} cannot be used: {why}", path.display()))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(certificate, &error))?;
    if chain.is_empty() {
        return Err(unusable(certificate, &"it contains no certificate (-----BEGIN CERTIFICATE-----)"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    let signing = ring::sign::any_supported_type(&private).map_err(|error| unusable(key, &error))?;
    let certified = CertifiedKey::new(chain, signing);
    certified.keys_match().map_err(|_| unusable(key, &"it is not the key of the certificate"))?;
    Ok(Arc::new(certified))
}
