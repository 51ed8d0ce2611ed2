//! Who may do what: every operation of the published description, for nobody, for its owner and for
//! another person. An operation without a case here fails.

mod ai;
mod chat;

use crate::harness::{Client, Database, Draft, Sending, TERMINAL, Watch, ready};
use anyhow::{Context as _, Result, ensure};
use platform::principal::Permission;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use uuid::Uuid;

const OTHER: &str = "other@example.org";
const PASSWORD: &str = "correct horse battery staple";

/// What an operation needs to work, and what its owner and another person get.
struct Case {
    body: Value,
    owner: u16,
    other: u16,
}

/// On the owner's chat `of`, whose reply was stopped.
fn case(operation: &str, of: &Sending) -> Option<Case> {
    let case = |owner, other, body| Some(Case { body, owner, other });
    match operation {
        "get /api/v1/session" | "get /api/v1/me" | "get /api/v1/models" => case(200, 200, Value::Null),
        "post /api/v1/setup" => {
            let body = json!({"token": "x", "name": "x", "email": "x@example.org", "password": PASSWORD});
            case(409, 409, body)
        }
        "post /api/v1/auth/sign-in" => case(401, 401, json!({"email": "x@example.org", "password": "x"})),
        "post /api/v1/auth/sign-out" => case(204, 204, Value::Null),
        "get /api/v1/admin/health" => case(200, 403, Value::Null),
        "get /api/v1/live" => case(400, 400, Value::Null),
        _ => chat::case(operation, of).or_else(|| ai::case(operation)),
    }
}

struct Operation {
    name: String,
    method: Method,
    path: String,
    policy: String,
}

/// What the instance says of itself.
async fn operations(client: &Client) -> Result<Vec<Operation>> {
    let document = client.get("/api/v1/openapi.json").await?.ok(200)?;
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().context("paths")? {
        for (method, operation) in item.as_object().context("a path")? {
            let policy = operation["x-policy"].as_str().with_context(|| format!("{method} {path} has no x-policy"))?;
            ensure!(
                matches!(policy, "public" | "person") || Permission::parse(policy).is_ok(),
                "{method} {path}: {policy}"
            );
            operations.push(Operation {
                name: format!("{method} {path}"),
                method: method.to_uppercase().parse()?,
                path: path.clone(),
                policy: policy.into(),
            });
        }
    }
    ensure!(operations.len() >= 15, "only {} operations", operations.len());
    Ok(operations)
}

impl Operation {
    async fn call(&self, client: &Client, of: &Sending, body: &Value) -> Result<crate::harness::Answer> {
        let id = if self.path.contains("/replies/") { of.reply } else { of.chat };
        let mut request = client.request(
            self.method.clone(),
            &self.path.replace("{id}", &id.to_string()).replace("{key}", &id.to_string()),
        );
        request = request.header("Idempotency-Key", Uuid::now_v7().to_string());
        if !body.is_null() {
            request = request.json(body);
        }
        client.call(request).await
    }
}

/// A chat whose reply was stopped in the middle: everything can be done with it.
async fn stopped(owner: &Client) -> Result<Sending> {
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 40, "delay_ms": 5, "hang_after": 5}))).await?;
    let watch = Watch::begin(owner, sent.reply, None);
    watch.shows(5, TERMINAL).await?;
    owner.stop(sent.reply).await?;
    watch.done(TERMINAL).await?;
    // a project of the same id
    owner.post("/api/v1/projects", &json!({"id": sent.chat, "name": "Project"})).await?.ok(201)?;
    Ok(sent)
}

/// Everything its owner sees of a chat: its messages, and its place in the list.
async fn state(owner: &Client, chat: Uuid) -> Result<(Value, Option<Value>)> {
    let list = owner.get("/api/v1/chats?limit=100").await?.ok(200)?;
    let mut listed = list["chats"].as_array().into_iter().flatten();
    let entry = listed.find(|entry| entry["id"] == json!(chat)).cloned();
    Ok((owner.open(chat).await?, entry))
}

#[tokio::test]
async fn every_operation_for_everybody() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    server.stop().await?;
    Database::open(&server)?.add_person(OTHER)?;
    server.again(&[]).await?;
    let nobody = owner.nobody();
    let mut tried = BTreeSet::new();
    for operation in operations(&owner).await? {
        let name = &operation.name;
        let of = stopped(&owner).await?;
        let case = case(name, &of).with_context(|| format!("{name} is in the description and has no case here"))?;
        let before = state(&owner, of.chat).await?;

        let refused = operation.call(&nobody, &of, &case.body).await?;
        match operation.policy.as_str() {
            "public" => ensure!(refused.status == case.owner, "{name}, nobody: {}", refused.text),
            _ => drop(refused.problem(401, "unauthenticated").with_context(|| format!("{name}, nobody"))?),
        }
        let other = owner.nobody();
        other.sign_in(OTHER, PASSWORD).await?.ok(200)?;
        let answer = operation.call(&other, &of, &case.body).await?;
        ensure!(!answer.text.contains("owner@example.org"), "{name}, another person: {}", answer.text);
        if case.other == 404 {
            answer.problem(404, "not_found").with_context(|| format!("{name}, another person"))?;
        } else {
            ensure!(answer.status == case.other, "{name}, another person: {} {}", answer.status, answer.text);
            ensure!(!answer.text.contains(&of.chat.to_string()), "{name}, another person: {}", answer.text);
        }
        let after = state(&owner, of.chat).await?;
        ensure!(before == after, "{name}: others changed {before:?} to {after:?}");

        // last, because it may change the object
        let device = owner.nobody();
        device.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
        let answer = operation.call(&device, &of, &case.body).await?;
        ensure!(answer.status == case.owner, "{name}, its owner: {} {}", answer.status, answer.text);
        let refuses = !operation.policy.ends_with(":manage") || case.other == 403;
        ensure!(refuses, "{name}: a case for a person without the permission is missing");
        tried.insert(name.clone());
    }
    ensure!(tried.len() >= 15, "{tried:?}");
    Ok(())
}

#[tokio::test]
async fn two_people_do_not_meet() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    server.stop().await?;
    let id = Database::open(&server)?.add_person(OTHER)?;
    server.again(&[]).await?;
    let other = owner.nobody();
    other.sign_in(OTHER, PASSWORD).await?.ok(200)?;
    ensure!(other.get("/api/v1/me").await?.ok(200)?["id"] == json!(id));

    // the same ids and the same key, each in a space of their own
    let draft = Draft::new("continues", &json!({"tokens": 30, "delay_ms": 5}));
    let (mine, theirs) = (owner.send(&draft).await?, other.send(&draft).await?);
    ensure!(mine.chat == theirs.chat && mine.reply != theirs.reply, "{} {}", mine.body, theirs.body);
    for (client, own, foreign) in [(&owner, &mine, &theirs), (&other, &theirs, &mine)] {
        let (status, _) = client.stream(foreign.reply, None).await?;
        ensure!(status == 404, "a foreign stream answers {status}");
        let seen = Watch::begin(client, own.reply, None).done(TERMINAL).await?;
        ensure!(seen.violations.is_empty() && seen.done.is_some(), "{:?}", seen.violations);
        let list = client.get("/api/v1/chats").await?.ok(200)?;
        ensure!(list["chats"].as_array().map(Vec::len) == Some(1), "{list}");
    }
    ensure!(owner.delete(&format!("/api/v1/chats/{}", mine.chat)).await?.status == 204);
    other.open(theirs.chat).await?;

    // what is foreign and what does not exist cannot be told apart, by words or by time
    let foreign = stopped(&owner).await?;
    let (mut times, mut words) = ([Vec::new(), Vec::new()], BTreeSet::new());
    for _ in 0..80 {
        for (of, times) in [foreign.chat, Uuid::now_v7()].into_iter().zip(&mut times) {
            let start = Instant::now();
            let problem = other.get(&format!("/api/v1/chats/{of}")).await?.problem(404, "not_found")?;
            times.push(start.elapsed());
            words.insert(problem["detail"].to_string());
        }
    }
    ensure!(words.len() == 1, "{words:?}");
    let [foreign, invented] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let close = |a: Duration, b: Duration| a < b * 2 + Duration::from_millis(2);
    ensure!(close(foreign, invented) && close(invented, foreign), "foreign takes {foreign:?}, invented {invented:?}");
    Ok(())
}
