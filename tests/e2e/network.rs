//! The way out: providers through a proxy with a password, and servers of a private authority.

use crate::harness::{Binary, Client, Draft, Server, TERMINAL, Watch, outside, until};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::{fs, process::Command, time::Duration};

const USER: &str = "me:pass%40word";
/// The same as the proxy receives it.
const AUTHORIZATION: &str = "Basic bWU6cGFzc0B3b3Jk";

/// Starts with these settings and the authority's file, and waits for the provider's model.
async fn connected(server: &mut Server, environment: &[(&str, &str)]) -> Result<Client> {
    server.again(environment).await?;
    let owner = server.owner().await?;
    until("the model of the provider", Duration::from_secs(15), async || {
        let models = owner.get("/api/v1/models").await?.ok(200)?;
        Ok(models.to_string().contains("openai/far").then_some(()))
    })
    .await?;
    Ok(owner)
}

async fn answer(owner: &Client) -> Result<Value> {
    let sent = owner.send(&Draft::new("openai/far", &json!({}))).await?;
    Watch::begin(owner, sent.reply, None).done(TERMINAL).await?;
    owner.stored(sent.chat, sent.reply).await
}

#[tokio::test]
async fn a_provider_outside_is_reached_through_the_proxy_and_its_authority_is_believed() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let authority = outside::Authority::new()?;
    let ca = server.scratch().join("ca.pem");
    fs::write(&ca, &authority.pem)?;
    let provider = outside::provider(Some(authority.acceptor(&["api.provider.test"])?)).await?;
    let proxy = outside::Proxy::start(AUTHORIZATION, provider).await?;
    let way = format!("http://{USER}@{}", proxy.address);
    let owner = connected(
        &mut server,
        &[
            ("TAIFAS__AI__OPENAI_BASE_URL", "https://api.provider.test/v1"),
            ("TAIFAS__NETWORK__PROXY", &way),
            ("TAIFAS__NETWORK__CA_FILE", &ca.display().to_string()),
        ],
    )
    .await?;
    let stored = answer(&owner).await?;
    ensure!(stored["text"] == "arrived", "{stored}");
    let asked = proxy.asked();
    ensure!(
        !asked.is_empty() && asked.iter().all(|line| line.starts_with("CONNECT api.provider.test:443 ")),
        "{asked:?}"
    );
    let said = server.log()? + &server.printed()?;
    ensure!(said.contains(&proxy.address.to_string()), "the log does not name the proxy: {said}");
    ensure!(!said.contains("pass%40word") && !said.contains("pass@word"), "the password is in the log: {said}");

    // The doctor goes the same way, also for what was added in the browser.
    let new =
        json!({"kind": "openai", "name": "acme", "base_url": "https://api.acme.test/v1", "key": "sk-acme-0123456789"});
    owner.post("/api/v1/admin/providers", &new).await?.ok(201)?;
    for (way, words) in [
        (
            way.clone(),
            [
                "ok    provider: api.provider.test:443 is reached through the proxy",
                "api.acme.test:443 is reached",
                "(acme,",
            ],
        ),
        (way.replace("pass%40word", "wrong"), ["FAULT proxy: it does not accept our user name", "network.proxy", "->"]),
    ] {
        let mut doctor = Command::new(Binary::Shipped.path()?);
        doctor.args(["doctor", "--data"]).arg(server.data()).env_clear().env("TAIFAS__AI__OLLAMA_BASE_URL", "");
        doctor.env("TAIFAS__AI__OPENAI_BASE_URL", "https://api.provider.test/v1").env("TAIFAS__NETWORK__PROXY", way);
        let output = tokio::task::spawn_blocking(move || doctor.output()).await??;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for word in words {
            ensure!(text.contains(word) && !text.contains("sk-acme"), "{word:?} is not in: {text}");
        }
    }

    // What is inside, or an exception, is asked directly.
    let near = outside::provider(None).await?;
    let trial = json!({"kind": "openai", "base_url": format!("http://{near}/v1")});
    let tried = owner.post("/api/v1/admin/providers/test", &trial).await?.ok(200)?;
    ensure!(tried["ok"] == true && proxy.asked().iter().all(|line| !line.contains(&near.to_string())), "{tried}");
    let plain = outside::Proxy::start(AUTHORIZATION, near).await?;
    server.stop().await?;
    server
        .again(&[("HTTPS_PROXY", &format!("http://{USER}@{}", plain.address)), ("NO_PROXY", "*.excepted.test")])
        .await?;
    for (host, through) in [("other.test", true), ("a.excepted.test", false)] {
        let trial = json!({"kind": "openai", "base_url": format!("http://{host}/v1")});
        let tried = owner.post("/api/v1/admin/providers/test", &trial).await?.ok(200)?;
        ensure!(tried["ok"] == through, "{host}: {tried}");
    }
    // the one that was added above goes through it too
    let asked: Vec<_> = plain.asked().into_iter().filter(|line| !line.contains("api.acme.test")).collect();
    ensure!(asked == ["GET http://other.test/v1/models HTTP/1.1"], "{asked:?}");
    Ok(())
}

#[tokio::test]
async fn a_proxy_or_an_authority_that_does_not_fit_is_said() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let authority = outside::Authority::new()?;
    let provider = outside::provider(Some(authority.acceptor(&["api.provider.test"])?)).await?;
    let proxy = outside::Proxy::start(AUTHORIZATION, provider).await?;
    let trial = json!({"kind": "openai", "base_url": "https://api.provider.test/v1"});
    server.again(&[("TAIFAS__NETWORK__PROXY", &format!("http://{USER}@{}", proxy.address))]).await?;
    let owner = server.owner().await?;
    for (way, words) in [
        (format!("http://{USER}@{}", proxy.address), "network.ca_file"),
        (format!("http://me:wrong@{}", proxy.address), "network.proxy"),
        ("http://me:wrong@127.0.0.1:1".to_owned(), "The proxy cannot be reached: nothing listens"),
    ] {
        server.stop().await?;
        server.again(&[("TAIFAS__NETWORK__PROXY", &way)]).await?;
        let tried = owner.post("/api/v1/admin/providers/test", &trial).await?.ok(200)?;
        let detail = tried["detail"].as_str().unwrap_or_default();
        ensure!(tried["ok"] == false && detail.contains(words) && !detail.contains("wrong"), "{words}: {tried}");
    }
    Ok(())
}
