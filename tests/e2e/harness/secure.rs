//! The program with TLS of its own, and certificates that are renewed.

use super::{Binary, Server};
use anyhow::{Result, ensure};
use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Writes a new certificate with its key, and answers it as a client's trust.
pub fn renew(folder: &Path) -> Result<Certificate> {
    let key = KeyPair::generate()?;
    let mut names = CertificateParams::new(vec!["localhost".to_owned()])?;
    names.subject_alt_names.push(rcgen::SanType::IpAddress([127, 0, 0, 1].into()));
    let certificate = names.self_signed(&key)?;
    // as a renewing tool does: one after the other
    fs::write(folder.join("cert.pem"), certificate.pem())?;
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    Ok(Certificate::from_pem(certificate.pem().as_bytes())?)
}

/// A client that trusts one certificate only.
pub fn trusting(certificate: &Certificate) -> Result<Client> {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
    Ok(client.tls_certs_only([certificate.clone()]).build()?)
}

/// A server that speaks TLS, and its first certificate.
pub struct Secure {
    pub server: Server,
    pub first: Certificate,
}

/// Starts with TLS; readiness is asked here, as the harness speaks plain HTTP.
pub async fn secure() -> Result<Secure> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let first = renew(server.scratch())?;
    let path = |name: &str| server.scratch().join(name).display().to_string();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let client = trusting(&first)?;
    server.launch(&[("TAIFAS__GATEWAY__TLS_CERTIFICATE", &certificate), ("TAIFAS__GATEWAY__TLS_KEY", &key)])?;
    let url = format!("https://127.0.0.1:{}/readyz", server.port);
    let begun = Instant::now();
    while !client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
        ensure!(begun.elapsed() < Duration::from_secs(20), "not ready: {}", server.log_end());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(Secure { server, first })
}
