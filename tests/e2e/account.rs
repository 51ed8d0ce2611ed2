//! The first account, signing in and out.

use crate::harness::{Binary, Client, Server, ready};
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;

const EMAIL: &str = "owner@example.org";
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn an_instance_is_set_up_once() -> Result<()> {
    let mut server = Server::start(Binary::Shipped, &[]).await?;
    let token = server.setup_token()?;
    let client = Client::new(server.url())?;
    ensure!(client.get("/api/v1/session").await?.ok(200)?["state"] == "setup");

    let asked = |token: &str, email: &str, password: &str| json!({"token": token, "name": "Owner", "email": email, "password": password});
    client.post("/api/v1/setup", &asked("wrong", EMAIL, PASSWORD)).await?.problem(403, "forbidden")?;
    let short = client.post("/api/v1/setup", &asked(&token, EMAIL, "short")).await?.problem(422, "invalid")?;
    ensure!(short["field"] == "password", "{short}");
    let email = client.post("/api/v1/setup", &asked(&token, "nobody", PASSWORD)).await?.problem(422, "invalid")?;
    ensure!(email["field"] == "email", "{email}");

    // everybody who has the link at the same time: one of them becomes the owner
    let others: Vec<Client> = (0..5).map(|_| client.nobody()).collect();
    let asking =
        others.iter().map(|other| async { other.post("/api/v1/setup", &asked(&token, EMAIL, PASSWORD)).await });
    let answers = try_join_all(asking).await?;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    ensure!(made == 1, "{made} first accounts");
    for refused in answers.into_iter().filter(|answer| answer.status != 201) {
        refused.problem(409, "conflict")?;
    }
    client.post("/api/v1/setup", &asked(&token, EMAIL, PASSWORD)).await?.problem(409, "conflict")?;
    ensure!(client.get("/api/v1/session").await?.ok(200)?["state"] == "signed_out");

    server.stop().await?;
    server.again(&[]).await?;
    ensure!(!server.printed()?.contains("/setup#"), "a second set-up link: {}", server.printed()?);
    client.sign_in(EMAIL, PASSWORD).await?.ok(200)?;
    Ok(())
}

#[tokio::test]
async fn a_person_signs_in_and_out() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let session = owner.get("/api/v1/session").await?.ok(200)?;
    ensure!(session["state"] == "signed_in" && session["user"]["role"] == "admin", "{session}");
    let kept = owner.cookie();

    let device = owner.nobody();
    device.get("/api/v1/me").await?.problem(401, "unauthenticated")?;
    let wrong = device.sign_in(EMAIL, "not the password").await?.problem(401, "unauthenticated")?;
    ensure!(wrong["tries_left"] == 4, "{wrong}");
    // who is unknown learns nothing else
    device.sign_in("stranger@example.org", PASSWORD).await?.problem(401, "unauthenticated")?;
    let right = device.sign_in(EMAIL, PASSWORD).await?;
    let cookie = right.headers.get("set-cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default().to_owned();
    ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    ensure!(right.ok(200)?["user"]["email"] == EMAIL);
    ensure!(device.get("/api/v1/me").await?.ok(200)?["email"] == EMAIL);
    ensure!(device.cookie() != kept, "two devices share a session");

    let signed_out = device.cookie();
    ensure!(device.post("/api/v1/auth/sign-out", &json!({})).await?.status == 204);
    ensure!(device.cookie().is_none(), "the cookie is not taken back");
    let thief = device.request(reqwest::Method::GET, "/api/v1/me").header("Cookie", signed_out.unwrap_or_default());
    device.call(thief).await?.problem(401, "unauthenticated")?;

    // the other device stays signed in, through a crash as well
    owner.get("/api/v1/me").await?.ok(200)?;
    server.kill().await?;
    server.again(&[]).await?;
    owner.get("/api/v1/me").await?.ok(200)?;
    Ok(())
}

#[tokio::test]
async fn passwords_cannot_be_guessed_at() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let guesser = owner.nobody();
    for left in (0..5).rev() {
        let wrong = guesser.sign_in(EMAIL, "a wrong password").await?.problem(401, "unauthenticated")?;
        ensure!(wrong["tries_left"] == left, "{wrong}");
    }
    let refused = guesser.sign_in(EMAIL, PASSWORD).await?;
    let wait = refused.headers.get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
    ensure!(wait.is_some_and(|wait| (1..=900).contains(&wait)), "Retry-After {wait:?}");
    refused.problem(429, "rate_limited")?;
    // whoever is signed in is not disturbed
    owner.get("/api/v1/me").await?.ok(200)?;
    Ok(())
}
