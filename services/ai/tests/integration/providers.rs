//! Providers and decisions about models while the instance runs: in force at once, and keys that never come back.

use crate::{
    house::House,
    server::{Server, answer},
};
use ai::providers::Continuation;
use platform::principal::Role;
use proto::ai::v1::{ResolveModelRequest, ai_client::AiClient};
use serde_json::{Value, json};

const KEY: &str = "sk-canary-0123456789abcdef";
const PROVIDERS: &str = "/api/v1/admin/providers";

async fn upstream() -> Server {
    let list = json!({"data": [{"id": "small"}, {"id": "large", "context_window": 8000}, {"id": "text-embed"}]});
    Server::start(vec![answer(200, "application/json", list.to_string().as_bytes())]).await
}

fn ids(models: &Value) -> Vec<&str> {
    models["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

/// Whether any file of the data folder holds these bytes.
pub fn is_on_disk(folder: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_on_disk(&path, bytes);
        }
        std::fs::read(path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes)
    })
}

async fn authorisations(server: &Server) -> Vec<bool> {
    server.requests().iter().map(|request| request.head.contains("authorization: bearer sk-canary")).collect()
}

#[tokio::test]
async fn a_provider_is_added_changed_and_removed_without_a_restart() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    let (first, second) = (upstream().await, upstream().await);
    let admin = |method: &'static str, path: String, body: Value| {
        let house = &house;
        async move { house.ask(Role::ADMIN, method, &path, body).await }
    };

    let new = json!({"kind": "openai", "name": "acme", "base_url": first.url("/v1"), "key": KEY});
    assert_eq!(house.ask(Role::USER, "POST", PROVIDERS, new.clone()).await.0, 403);
    let (status, added) = admin("POST", PROVIDERS.into(), new.clone()).await;
    assert_eq!(status, 201, "{added}");
    assert_eq!((added["has_key"].as_bool(), added["key_hint"].as_str()), (Some(true), Some("…cdef")));
    assert_eq!(
        (added["state"].as_str(), added["models"].as_u64(), added["place"].as_str()),
        (Some("answers"), Some(3), Some("server"))
    );
    assert!(!added.to_string().contains("canary") && !is_on_disk(house.folder(), KEY.as_bytes()));
    assert_eq!(admin("POST", PROVIDERS.into(), new).await.0, 409, "the name is taken");

    let (_, models) = house.ask(Role::USER, "GET", "/api/v1/models", Value::Null).await;
    assert_eq!(ids(&models), ["acme/small", "acme/large", "guide/guide", "told/model"], "no model for vectors");
    assert_eq!(models["models"][1]["context_window"], 8_000);
    assert!(authorisations(&first).await.iter().all(|sent| *sent));

    // Another path of the same server keeps the key; another server never gets it.
    let path = format!("{PROVIDERS}/{}", added["id"].as_str().unwrap());
    let (status, moved) = admin("PATCH", path.clone(), json!({"version": 1, "base_url": first.url("/v2")})).await;
    assert_eq!((status, moved["has_key"].as_bool()), (200, Some(true)), "{moved}");
    let (status, moved) = admin("PATCH", path.clone(), json!({"version": 2, "base_url": second.url("/v1")})).await;
    assert_eq!((status, moved["has_key"].as_bool(), moved["key_hint"].clone()), (200, Some(false), Value::Null));
    assert_eq!(authorisations(&second).await, [false]);
    let (status, stale) = admin("PATCH", path.clone(), json!({"version": 2, "enabled": false})).await;
    assert_eq!((status, stale["current"]["version"].as_i64()), (409, Some(3)), "{stale}");

    let (_, off) = admin("PATCH", path.clone(), json!({"version": 3, "enabled": false})).await;
    assert_eq!((off["state"].as_str(), off["models"].as_u64()), (Some("off"), Some(0)));
    assert_eq!(
        ids(&house.ask(Role::USER, "GET", "/api/v1/models", Value::Null).await.1),
        ["guide/guide", "told/model"]
    );
    assert_eq!(admin("DELETE", path.clone(), Value::Null).await.0, 204);
    assert_eq!(admin("DELETE", path, Value::Null).await.0, 404);
    assert_eq!(admin("GET", PROVIDERS.into(), Value::Null).await.1, json!({"providers": []}));
}

#[tokio::test]
async fn what_cannot_be_a_provider_is_refused_and_a_trial_says_why() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    for (field, change) in [
        ("kind", json!({"kind": "x"})),
        ("name", json!({"name": "Not a slug"})),
        ("base_url", json!({"base_url": "file:///etc/passwd"})),
        ("base_url", json!({"base_url": "http://me:secret@host/v1"})),
        ("key", json!({"key": "two\nlines"})),
        ("first_byte_seconds", json!({"first_byte_seconds": 0})),
    ] {
        let mut body = json!({"kind": "openai", "name": "acme", "base_url": "http://127.0.0.1:9/v1"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, problem) = house.ask(Role::ADMIN, "POST", PROVIDERS, body).await;
        assert_eq!((status, problem["field"].as_str()), (422, Some(field)), "{problem}");
        assert!(!problem.to_string().contains("secret"));
    }
    let server = upstream().await;
    for (base_url, ok) in [(server.url("/v1"), true), ("http://127.0.0.1:9/v1".into(), false)] {
        let trial = json!({"kind": "openai", "base_url": base_url});
        let (status, tried) = house.ask(Role::ADMIN, "POST", "/api/v1/admin/providers/test", trial).await;
        assert_eq!((status, tried["ok"].as_bool(), tried["detail"].is_null()), (200, Some(ok), ok), "{tried}");
    }
    let silent = json!({"kind": "openai", "name": "silent", "base_url": "http://127.0.0.1:9/v1"});
    let (_, added) = house.ask(Role::ADMIN, "POST", PROVIDERS, silent).await;
    assert_eq!(added["state"], "silent");
    assert!(added["detail"].as_str().unwrap().contains("nothing listens"), "{added}");
}

#[tokio::test]
async fn decisions_about_models_are_in_force_at_once() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Asked, true);
    let change = |body: Value| house.ask(Role::ADMIN, "PUT", "/api/v1/admin/models", body);
    let names = async |role: Role| {
        let (_, models) = house.ask(role, "GET", "/api/v1/models", Value::Null).await;
        ids(&models).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (chat, reply) = house.send("Hello").await;
    let call = worker.call().await;
    call.say("Hi");
    call.end();
    house.wait_for(chat, "complete").await;

    let (status, model) =
        change(json!({"id": "told/model", "version": 0, "display_name": "The Told", "roles": ["admin"],
        "context_window": 4096, "price_input": 5, "default": true}))
        .await;
    assert_eq!((status, model["version"].as_i64(), model["default"].as_bool()), (200, Some(1), Some(true)), "{model}");
    assert_eq!(
        (names(Role::USER).await, names(Role::ADMIN).await),
        (vec!["guide/guide".to_owned()], vec!["guide/guide".into(), "told/model".into()])
    );
    let mut rpc = AiClient::new(house.platform.acting_as("chat").peer("ai"));
    let mut resolve = async |id: &str, role: &str| {
        let request = ResolveModelRequest { id: id.into(), role: role.into() };
        rpc.resolve_model(request).await.map(|model| model.into_inner().id).map_err(|status| status.code())
    };
    assert_eq!(resolve("told/model", "user").await, Err(tonic::Code::PermissionDenied));
    assert_eq!(resolve("told/model", "admin").await.as_deref(), Ok("told/model"));
    assert_eq!(
        (resolve("", "user").await.unwrap(), resolve("", "admin").await.unwrap()),
        ("guide/guide".into(), "told/model".into())
    );

    // What was asked before the decision is held to it as well: nobody asks the model any more.
    assert_eq!(change(json!({"id": "told/model", "version": 0, "enabled": false})).await.0, 409);
    assert_eq!(change(json!({"id": "told/model", "version": 1, "enabled": false})).await.0, 200);
    assert!(house.post(&format!("/api/v1/replies/{reply}/regenerate")).await["reply"].is_null());
    assert_eq!(resolve("told/model", "admin").await, Err(tonic::Code::PermissionDenied));
    assert_eq!(change(json!({"id": "no/model", "version": 0, "enabled": false})).await.0, 404);

    let (status, _) = house
        .ask(Role::ADMIN, "POST", "/api/v1/admin/models/order", json!({"ids": ["told/model", "guide/guide"]}))
        .await;
    assert_eq!(status, 204);
    let (_, all) = house.ask(Role::ADMIN, "GET", "/api/v1/admin/models", Value::Null).await;
    assert_eq!(ids(&all), ["told/model", "guide/guide"]);
    let (_, back) =
        change(json!({"id": "told/model", "version": 2, "enabled": true, "roles": null, "display_name": null})).await;
    assert_eq!(
        (back["roles"].clone(), back["display_name"].clone(), back["context_window"].as_i64()),
        (Value::Null, Value::Null, Some(4096))
    );
    assert_eq!(names(Role::USER).await, ["told/model", "guide/guide"]);
}
