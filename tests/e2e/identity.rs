//! People, keys and what they may do, through the door: what is revoked is over within five seconds,
//! and nothing but a real credential makes anybody anybody.

use crate::harness::{Client, Draft, ready};
use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct horse battery staple";
/// How long what was revoked may go on.
const SOON: Duration = Duration::from_secs(5);

/// Makes an account with a role and lets its person in; their client and id.
pub async fn join(admin: &Client, email: &str, role: &str) -> Result<(Client, String)> {
    let asked = json!({"name": "Somebody", "email": email, "role": role});
    let made = admin.post("/api/v1/admin/people", &asked).await?.ok(201)?;
    let token = made["link"].as_str().and_then(|link| link.split_once("/join#")).context("a link")?.1;
    let client = admin.nobody();
    let accepting = json!({"token": token, "name": "Somebody", "email": email, "password": PASSWORD});
    let joined = client.post("/api/v1/auth/accept-invitation", &accepting).await?.ok(201)?;
    Ok((client, joined["user"]["id"].as_str().context("an id")?.to_owned()))
}

pub async fn key(person: &Client, scopes: Value) -> Result<(Client, String, String)> {
    let minted = person.post("/api/v1/keys", &json!({"name": "A key", "scopes": scopes})).await?.ok(201)?;
    let secret = minted["secret"].as_str().context("a secret")?.to_owned();
    let id = minted["key"]["id"].as_str().context("an id")?.to_owned();
    Ok((person.with_key(&secret), secret, id))
}

#[tokio::test]
async fn a_program_is_told_how_to_bring_a_key_and_which_permission_it_lacks() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let nobody = owner.nobody();
    let asked = json!({"model": "guide/guide", "messages": [{"role": "user", "content": "Hello"}]});
    let plain = reqwest::Client::builder().no_proxy().build()?;
    let posted = plain.post(format!("http://{}/v1/chat/completions", owner.host())).json(&asked);
    for answer in [nobody.get("/v1/models").await?, nobody.call(posted).await?] {
        let error = &answer.clone().ok(401)?["error"];
        let said = error["message"].as_str().unwrap_or_default();
        ensure!(said.contains("Authorization: Bearer tfs_") && error["code"] == "invalid_api_key", "{error}");
    }
    let (program, ..) = key(&owner, json!(["chats:read"])).await?;
    let refused = program.get("/v1/models").await?.ok(403)?;
    let said = refused["error"]["message"].as_str().unwrap_or_default();
    ensure!(said.contains("the permission models:use") && said.contains("Settings, API keys"), "{refused}");
    Ok(())
}

/// C13: a key is the same key however it is spelt, and nothing else is one.
#[tokio::test]
async fn a_key_has_one_way_in() -> Result<()> {
    let (_server, owner) = ready(&[("TAIFAS__GATEWAY__WRITES_PER_MINUTE", "6")]).await?;
    let (program, secret, _) = key(&owner, json!(["chats:read", "chats:write"])).await?;
    program.get("/api/v1/chats").await?.ok(200)?;
    program.get("/api/v1/me").await?.problem(403, "forbidden")?;
    let bare =
        |name: &'static str, value: String| owner.nobody().request(Method::GET, "/api/v1/chats").header(name, value);
    for (name, value) in [
        ("x-api-key", secret.clone()),
        ("api-key", secret.clone()),
        ("authorization", secret.clone()),
        ("authorization", format!("Token {secret}")),
        ("authorization", format!("Basic {secret}")),
        ("cookie", format!("sid={secret}")),
    ] {
        owner.call(bare(name, value)).await?.problem(401, "unauthenticated")?;
    }
    let query = owner.nobody().get(&format!("/api/v1/chats?api_key={secret}")).await?;
    ensure!(query.status == 401, "a key in the address: {}", query.text);
    owner.call(bare("authorization", format!("bearer  {secret}"))).await?.ok(200)?;

    // a wrong key beside a good cookie is not the cookie's person, on public paths neither
    for path in ["/api/v1/chats", "/api/v1/session"] {
        for wrong in ["Bearer tfs_wrong", "Bearer sk-abc", "Bearer"] {
            let request = owner.request(Method::GET, path).header("authorization", wrong);
            owner.call(request).await?.problem(401, "unauthenticated")?;
        }
    }
    // one person, one rate, whatever they come with: the set-up and the key were two of six
    let mut statuses = Vec::new();
    for n in 0..8 {
        let body = json!({"version": n});
        let path = "/api/v1/chats/00000000-0000-0000-0000-000000000001";
        let client = if n % 2 == 0 { &program } else { &owner };
        statuses.push(client.call(client.request(Method::PATCH, path).json(&body)).await?.status);
    }
    ensure!(statuses.iter().filter(|status| **status == 429).count() >= 3, "{statuses:?}");
    Ok(())
}

/// C20: identities that a client makes up are nobody's.
#[tokio::test]
async fn no_header_makes_anybody_anybody() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let id = owner.get("/api/v1/me").await?.ok(200)?["id"].as_str().context("an id")?.to_owned();
    let person = json!({"user": id, "role": "admin"}).to_string();
    for (name, value) in [
        ("x-taifas-principal", person.as_str()),
        ("x-taifas-session", "x"),
        ("x-taifas-user", id.as_str()),
        ("x-user-id", id.as_str()),
        ("x-forwarded-user", "owner@example.org"),
        ("remote-user", "owner@example.org"),
        ("x-remote-user", id.as_str()),
    ] {
        let request = owner.nobody().request(Method::GET, "/api/v1/me").header(name, value);
        owner.call(request).await?.problem(401, "unauthenticated")?;
        // nor does it make somebody else of whoever is somebody
        let request = owner.request(Method::GET, "/api/v1/me").header(name, value);
        ensure!(owner.call(request).await?.ok(200)?["id"] == json!(id), "{name}");
    }
    Ok(())
}

/// C14: what somebody holds open ends with what let them in.
#[tokio::test]
async fn what_is_revoked_is_over_within_five_seconds_for_open_streams_too() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    for way in ["disable", "sign-out", "role", "key", "session"] {
        let (person, id) = join(&owner, &format!("{way}@example.org"), "user").await?;
        let (program, _, key_id) = key(&person, json!(["chats:read", "chats:write", "models:use"])).await?;
        let client = if way == "key" { &program } else { &person };
        let sent =
            client.send(&Draft::new("continues", &json!({"tokens": 40, "delay_ms": 5, "hang_after": 5}))).await?;
        let (status, mut stream) = client.stream(sent.reply, None).await?;
        ensure!(status == 200, "{way}: {status}");
        let account = format!("/api/v1/admin/people/{id}");
        let started = Instant::now();
        match way {
            "disable" => {
                let body = json!({"version": 1, "state": "disabled"});
                owner.call(owner.request(Method::PATCH, &account).json(&body)).await?.ok(200)?;
            }
            "sign-out" => ensure!(owner.post(&format!("{account}/sign-out"), &Value::Null).await?.status == 204),
            "role" => {
                let role = json!({"name": "nothing", "label": "Nothing", "permissions": []});
                owner.post("/api/v1/admin/roles", &role).await?.ok(201)?;
                let body = json!({"version": 1, "role": "nothing"});
                owner.call(owner.request(Method::PATCH, &account).json(&body)).await?.ok(200)?;
            }
            "key" => ensure!(person.delete(&format!("/api/v1/keys/{key_id}")).await?.status == 204),
            _ => {
                let other = person.nobody();
                other.sign_in(&format!("{way}@example.org"), PASSWORD).await?.ok(200)?;
                let sessions = other.get("/api/v1/sessions").await?.ok(200)?;
                let list = sessions["sessions"].as_array().context("sessions")?;
                let first = list.iter().find(|session| session["current"] == false).context("the other one")?;
                let path = format!("/api/v1/sessions/{}", first["id"].as_str().context("an id")?);
                ensure!(other.delete(&path).await?.status == 204);
            }
        }
        // the stream ends by itself …
        stream.collect(SOON + Duration::from_secs(1)).await?;
        ensure!(started.elapsed() < SOON + Duration::from_millis(500), "{way}: open after {:?}", started.elapsed());
        // … and nothing new begins
        let status = client.get("/api/v1/chats").await?.status;
        ensure!(matches!(status, 401 | 403), "{way}: {status} after {:?}", started.elapsed());
        ensure!(client.stream(sent.reply, None).await?.0 >= 401, "{way}: the stream opens again");
    }
    Ok(())
}
