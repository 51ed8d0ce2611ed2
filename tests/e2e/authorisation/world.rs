//! An instance with somebody of every kind.

use super::{OTHER, PASSWORD};
use crate::harness::{Client, Server, ready};
use anyhow::{Context as _, Result};
use platform::principal::Permission;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Mutex;

pub struct World {
    _server: Server,
    /// The first administrator, whose things are looked at.
    pub owner: Person,
    pub other: Person,
    pub guest: Person,
    /// Another administrator.
    pub admin: Person,
    /// Somebody who may do nothing, and whom everybody may administer who administers people.
    pub least: String,
    /// Keys of the other administrator, each for one thing.
    pub keys: Vec<(Client, Permission)>,
}

/// Somebody who signs in again after a request has signed them out.
pub struct Person {
    email: &'static str,
    client: Mutex<Client>,
}

impl Person {
    pub async fn signed_in(&self) -> Result<Client> {
        let client = self.client.lock().map_err(|_| anyhow::anyhow!("a client is lost"))?.clone();
        if client.cookie().is_none() || client.get("/api/v1/session").await?.ok(200)?["state"] != "signed_in" {
            client.sign_in(self.email, PASSWORD).await?.ok(200)?;
            // after the request before, the account may be on its way out
            client.post("/api/v1/auth/keep-account", &Value::Null).await?;
        }
        Ok(client)
    }
}

impl World {
    pub async fn new() -> Result<Self> {
        // everybody tries everything, mostly in vain
        let (server, owner) = ready(&[
            ("TAIFAS__AUTH__TRIES_PER_ACCOUNT", "100000"),
            ("TAIFAS__AUTH__TRIES_PER_ADDRESS", "100000"),
            ("TAIFAS__AUTH__REQUESTS_PER_ADDRESS", "100000"),
            ("TAIFAS__GATEWAY__WRITES_PER_MINUTE", "100000"),
            ("TAIFAS__GATEWAY__ANONYMOUS_PER_MINUTE", "100000"),
        ])
        .await?;
        owner
            .post("/api/v1/admin/roles", &json!({"name": "least", "label": "Least", "permissions": []}))
            .await?
            .ok(201)?;
        let other = join(&owner, OTHER, "user").await?;
        let guest = join(&owner, "guest@example.org", "guest").await?;
        let admin = join(&owner, "admin@example.org", "admin").await?;
        let least = json!({"name": "Least", "email": "least@example.org", "role": "least"});
        let made = owner.post("/api/v1/admin/people", &least).await?.ok(201)?;
        let least = made["account"]["id"].as_str().context("an id")?.to_owned();

        let mut keys = Vec::new();
        for scope in Permission::ALL.into_iter().filter(|scope| scope.is_for_keys()) {
            let asked = json!({"name": scope.name(), "scopes": [scope]});
            let minted = admin.signed_in().await?.post("/api/v1/keys", &asked).await?.ok(201)?;
            let secret = minted["secret"].as_str().context("a secret")?;
            keys.push((owner.with_key(secret), scope));
        }
        let owner = Person { email: "owner@example.org", client: Mutex::new(owner) };
        Ok(Self { _server: server, owner, other, guest, admin, least, keys })
    }
}

/// Makes an account as administrators do, and lets its person in as the link does.
pub async fn join(admin: &Client, email: &'static str, role: &str) -> Result<Person> {
    let asked = json!({"name": "Somebody", "email": email, "role": role});
    let made = admin.post("/api/v1/admin/people", &asked).await?.ok(201)?;
    let token = made["link"].as_str().and_then(|link| link.split_once("/join#")).context("a link")?.1;
    let client = admin.nobody();
    let accepting = json!({"token": token, "name": "Somebody", "email": email, "password": PASSWORD});
    client.call(client.request(Method::POST, "/api/v1/auth/accept-invitation").json(&accepting)).await?.ok(201)?;
    Ok(Person { email, client: Mutex::new(client) })
}
