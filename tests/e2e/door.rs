//! The door itself: TLS of its own and renewed certificates, proxies in front, and what is said of plain
//! HTTP.

use crate::harness::{Binary, Secure, Server, renew, secure, trusting};
use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Version};
use std::{
    fs,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::test]
async fn tls_is_spoken_and_a_renewed_certificate_is_served_without_a_restart() -> Result<()> {
    let Secure { server, first } = secure().await?;
    let url = format!("https://127.0.0.1:{}", server.port);
    ensure!(server.printed()?.contains(&format!("ready at {url}")), "{}", server.printed()?);
    let answer = trusting(&first)?.get(format!("{url}/api/v1/session")).send().await?;
    ensure!(answer.version() == Version::HTTP_2, "{:?}", answer.version());
    ensure!(answer.headers().contains_key("strict-transport-security"), "no HSTS over TLS");

    let old = Client::builder().no_proxy().http1_only().tls_certs_only([first.clone()]).build()?;
    let answer = old.get(format!("{url}/healthz")).send().await?;
    ensure!(answer.version() == Version::HTTP_11, "{:?}", answer.version());

    let token = server.setup_token()?;
    let body = serde_json::json!({"token": token, "name": "Ana", "email": "ana@example.org",
        "password": "correct horse battery staple"});
    let made = trusting(&first)?.post(format!("{url}/api/v1/setup")).header("X-CSRF", "1").json(&body).send().await?;
    let cookie = made.headers().get("set-cookie").context("no cookie")?.to_str()?.to_owned();
    ensure!(cookie.starts_with("__Host-sid=") && cookie.contains("; Secure"), "{cookie}");

    // half a renewal is not used, a whole one is
    let second = renew(server.scratch())?;
    let begun = Instant::now();
    while trusting(&second)?.get(format!("{url}/healthz")).send().await.is_err() {
        ensure!(begun.elapsed() < Duration::from_secs(15), "the new certificate is not served");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    fs::write(server.scratch().join("key.pem"), "nonsense")?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    ensure!(trusting(&second)?.get(format!("{url}/healthz")).send().await?.status() == 200, "the old one is gone");
    ensure!(server.log()?.contains("changed certificate is not used"), "nothing is said of it");
    Ok(())
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_keep_its_place() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let first = renew(server.scratch())?;
    let path = |name: &str| server.scratch().join(name).display().to_string();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    server.launch(&[
        ("TAIFAS__GATEWAY__TLS_CERTIFICATE", &certificate),
        ("TAIFAS__GATEWAY__TLS_KEY", &key),
        ("TAIFAS__GATEWAY__CONNECTIONS", "2"),
        ("TAIFAS__GATEWAY__HEAD_SECONDS", "1"),
    ])?;
    let address = format!("127.0.0.1:{}", server.port);
    let begun = Instant::now();
    while TcpStream::connect(&address).await.is_err() {
        ensure!(begun.elapsed() < Duration::from_secs(20), "it does not listen: {}", server.log_end());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut silent = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(&address).await?;
        stream.write_all(&[0x16, 3, 1]).await?;
        silent.push(stream);
    }
    let client = trusting(&first)?;
    let answer = client.get(format!("https://{address}/healthz")).timeout(Duration::from_secs(10)).send().await?;
    ensure!(answer.status() == 200, "{}", answer.status());
    for mut stream in silent {
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await;
        ensure!(ended.is_ok(), "a silent client is still held");
    }
    Ok(())
}

#[tokio::test]
async fn settings_that_cannot_work_are_said_at_the_start() -> Result<()> {
    let server = Server::prepare(Binary::Shipped)?;
    renew(server.scratch())?;
    let other = tempfile::tempdir()?;
    renew(other.path())?;
    let (ours, theirs) = (server.scratch().join("cert.pem"), other.path().join("key.pem"));
    let missing = server.scratch().join("missing.pem");
    for (certificate, key, said) in [
        (&ours, None, "belong together"),
        (&ours, Some(&theirs), "not the key"),
        (&missing, Some(&theirs), "missing.pem"),
    ] {
        let mut command = server.command()?;
        command.env("TAIFAS__GATEWAY__TLS_CERTIFICATE", certificate);
        command.envs(key.map(|key| ("TAIFAS__GATEWAY__TLS_KEY", key)));
        let output = command.output()?;
        let sentence = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && sentence.contains(said), "{sentence}");
    }
    Ok(())
}

/// How many requests without a session an address may make: the third is refused.
const FEW: (&str, &str) = ("TAIFAS__GATEWAY__ANONYMOUS_PER_MINUTE", "2");

async fn statuses(server: &Server, header: &str, addresses: &[&str]) -> Result<Vec<u16>> {
    let client = Client::builder().no_proxy().build()?;
    let mut statuses = Vec::new();
    for address in addresses {
        let request = client.get(format!("{}/api/v1/session", server.url())).header(header, *address);
        statuses.push(request.send().await?.status().as_u16());
    }
    Ok(statuses)
}

#[tokio::test]
async fn a_trusted_proxy_says_whose_request_it_is_and_nobody_else_does() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    server.again(&[FEW, ("TAIFAS__GATEWAY__TRUSTED_PROXIES", "127.0.0.1/32")]).await?;
    let xff = "X-Forwarded-For";
    let each =
        statuses(&server, xff, &["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "6.6.6.6, 192.0.2.1"]).await?;
    ensure!(each == [200, 200, 429, 200, 429], "{each:?}");
    let metrics = Client::builder().no_proxy().build()?.get(format!("{}/metrics", server.url()));
    ensure!(metrics.try_clone().context("no clone")?.send().await?.status() == 200, "no metrics on this machine");
    ensure!(metrics.header(xff, "192.0.2.1").send().await?.status() == 404, "metrics for somebody behind the proxy");

    let mut plain = Server::prepare(Binary::Shipped)?;
    plain.again(&[FEW]).await?;
    let all = statuses(&plain, xff, &["192.0.2.1", "192.0.2.2", "192.0.2.3"]).await?;
    ensure!(all == [200, 200, 429], "an untrusted header counts: {all:?}");
    let metrics = Client::builder().no_proxy().build()?.get(format!("{}/metrics", plain.url()));
    ensure!(metrics.header(xff, "127.0.0.1").send().await?.status() == 404, "metrics through a proxy nobody trusts");
    Ok(())
}

#[tokio::test]
async fn plain_http_in_a_private_network_works_and_says_what_it_lacks() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let public = server.url();
    server.again(&[("TAIFAS__GATEWAY__PUBLIC_URL", &public)]).await?;
    let owner = server.owner().await?;
    ensure!(owner.get("/api/v1/me").await?.status == 200, "the cookie does not come back");
    ensure!(server.log()?.contains("plain HTTP"), "nothing is said of it: {}", server.log_end());
    Ok(())
}
