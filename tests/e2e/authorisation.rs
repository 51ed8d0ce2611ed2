//! Who may do what: every operation of the published description, for nobody, its owner, another
//! person, a guest, another administrator, and an API key of each scope. An operation without a case
//! here fails.
//!
//! To add a case: find the file of the service below (or make one and name it in [`case`]), and add a
//! line for `"method path"` as the description writes it. A case says what body to send (`Value::Null`
//! for none), what status its owner gets, who is the first administrator, and what status anybody else
//! gets who has the permission that the operation needs: 404 for what belongs to somebody, and for what
//! everybody has of their own the same as the owner (403 says that as well). What follows from the permission is not written
//! down: whoever has it not gets 403, and nobody at all 401.
//!
//! `{id}` in a path is the owner's chat, or under `/replies/` its reply. For another object add a line
//! to `target` in the service's file. Bodies must be such that a repetition has the status again, or
//! the owner's status, who comes last, says otherwise.

mod ai;
mod apart;
mod chat;
mod notices;
mod people;
mod world;

use crate::harness::{Answer, Client, Draft, Sending, TERMINAL, Watch};
use anyhow::{Context as _, Result, ensure};
use platform::principal::{Permission, Permissions, Role};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;
use world::World;

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
        "get /api/v1/models" => case(200, 200, Value::Null),
        "get /api/v1/admin/health" => case(200, 403, Value::Null),
        "get /api/v1/live" => case(400, 400, Value::Null),
        _ => people::case(operation)
            .or_else(|| chat::case(operation, of))
            .or_else(|| ai::case(operation))
            .or_else(|| notices::case(operation)),
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
    ensure!(operations.len() >= 50, "only {} operations", operations.len());
    Ok(operations)
}

impl Operation {
    async fn call(&self, client: &Client, of: &Sending, world: &World, body: &Value) -> Result<Answer> {
        let id = if self.path.contains("/replies/") { of.reply } else { of.chat };
        let id = people::target(&self.path, world).unwrap_or_else(|| id.to_string());
        let mut request = client.request(
            self.method.clone(),
            &self
                .path
                .replace("{id}", &id)
                .replace("{key}", &id)
                .replace("{name}", &id)
                .replace("{provider}/{model}", "no/such"),
        );
        request = request.header("Idempotency-Key", Uuid::now_v7().to_string());
        if !body.is_null() {
            request = request.json(body);
        }
        client.call(request).await
    }

    /// The permission it needs, where it needs one.
    fn needs(&self) -> Option<Permission> {
        Permission::parse(&self.policy).ok()
    }

    /// What somebody gets who may do `rights`, and of whose things it is not.
    fn expected(&self, case: &Case, rights: Permissions) -> u16 {
        match self.needs() {
            Some(needed) if !rights.has(needed) => 403,
            Some(_) if asks_a_model(&self.name) && !rights.has(Permission::ModelsUse) => 403,
            // nobody's own, so that whoever may gets what the owner gets
            Some(_) if case.other == 403 => case.owner,
            _ => case.other,
        }
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

/// What has a model answer needs the right to use models as well.
fn asks_a_model(operation: &str) -> bool {
    ["/messages", "/continue", "/regenerate"].iter().any(|end| operation.ends_with(end))
}

/// A refusal in the form of its route: a problem document, or OpenAI's words under `/v1`.
fn refusal(answer: Answer, path: &str, status: u16, code: &str) -> Result<()> {
    if !path.starts_with("/v1/") {
        answer.problem(status, code)?;
        return Ok(());
    }
    let code = match code {
        "unauthenticated" => "invalid_api_key",
        "not_found" => "model_not_found",
        other => other,
    };
    ensure!(answer.status == status && answer.body["error"]["code"] == code, "{}: {}", answer.status, answer.text);
    Ok(())
}

/// Checks what somebody gets who is not the owner.
async fn foreign(
    operation: &Operation,
    case: &Case,
    of: &Sending,
    world: &World,
    who: &str,
    client: &Client,
    expected: u16,
) -> Result<()> {
    let place = || format!("{}, {who}", operation.name);
    let answer = operation.call(client, of, world, &case.body).await?;
    ensure!(answer.status == expected, "{}: {expected} expected: {} {}", place(), answer.status, answer.text);
    if operation.needs().is_none_or(|needed| !needed.name().ends_with(":manage")) {
        ensure!(!answer.text.contains("owner@example.org"), "{}: {}", place(), answer.text);
        ensure!(!answer.text.contains(&of.chat.to_string()), "{}: {}", place(), answer.text);
    }
    match expected {
        403 => refusal(answer, &operation.path, 403, "forbidden").with_context(place)?,
        404 => refusal(answer, &operation.path, 404, "not_found").with_context(place)?,
        _ => {}
    }
    Ok(())
}

#[tokio::test]
async fn every_operation_for_everybody() -> Result<()> {
    let world = World::new().await?;
    let owner = world.owner.signed_in().await?;
    let nobody = owner.nobody();
    let mut tried = 0;
    for operation in operations(&owner).await? {
        let name = &operation.name;
        let owner = world.owner.signed_in().await?;
        let of = stopped(&owner).await?;
        let case = case(name, &of).with_context(|| format!("{name} is in the description and has no case here"))?;
        let before = state(&owner, of.chat).await?;

        let refused = operation.call(&nobody, &of, &world, &case.body).await?;
        match operation.policy.as_str() {
            "public" => ensure!(refused.status == case.owner, "{name}, nobody: {} {}", refused.status, refused.text),
            _ => {
                refusal(refused, &operation.path, 401, "unauthenticated").with_context(|| format!("{name}, nobody"))?;
            }
        }
        for (key, scope) in &world.keys {
            let rights = [*scope].into_iter().collect();
            let expected = people::by_key(name).unwrap_or_else(|| operation.expected(&case, rights));
            let who = format!("a key for {}", scope.name());
            foreign(&operation, &case, &of, &world, &who, key, expected).await?;
        }
        for (who, person, role) in [
            ("another person", &world.other, Role::USER),
            ("a guest", &world.guest, Role::GUEST),
            ("another administrator", &world.admin, Role::ADMIN),
        ] {
            let expected = operation.expected(&case, role.defaults());
            foreign(&operation, &case, &of, &world, who, &person.signed_in().await?, expected).await?;
        }
        let after = state(&owner, of.chat).await?;
        ensure!(before == after, "{name}: others changed {before:?} to {after:?}");

        // last, because it may change the object
        let device = owner.nobody();
        device.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
        let answer = operation.call(&device, &of, &world, &case.body).await?;
        ensure!(answer.status == case.owner, "{name}, its owner: {} {}", answer.status, answer.text);
        tried += 1;
        if name.ends_with("sign-out-everywhere") {
            // the owner's first session is over, and may be believed a little longer
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
    ensure!(tried >= 50 && world.keys.len() == 10, "{tried} operations, {} keys", world.keys.len());
    Ok(())
}
