//! API keys: never more than their person, whatever is shown.

use crate::house::House;
use auth::Config;
use chrono::TimeDelta;
use http::StatusCode;
use platform::principal::Caller;
use proto::auth::v1::{KeyHolder, ResolveKeyRequest};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tonic::Code;
use uuid::Uuid;

const KEYS: &str = "/api/v1/keys";

async fn mint(house: &House, person: &Caller, scopes: Value) -> (String, Uuid) {
    let made = house.ask("auth", "POST", KEYS, person, json!({"name": "A key", "scopes": scopes})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    (made.body["secret"].as_str().unwrap().to_owned(), made.body["key"]["id"].as_str().unwrap().parse().unwrap())
}

async fn resolve(house: &House, secret: &str) -> Option<KeyHolder> {
    let request = ResolveKeyRequest { secret: secret.into() };
    house.auth("gateway").resolve_key(request).await.unwrap().into_inner().holder
}

fn permissions(holder: Option<KeyHolder>) -> Vec<String> {
    holder.map(|holder| holder.rights.unwrap().permissions).unwrap_or_default()
}

#[tokio::test]
async fn a_key_acts_for_its_person_within_its_scopes_until_it_is_revoked() {
    let house = House::set_up(Config::default()).await;
    let (ana, id) = house.join("ana.pop@example.org", "user").await;
    let (secret, key) = mint(&house, &ana, json!(["models:use", "chats:read", "models:use"])).await;
    assert!(secret.starts_with("tfs_") && secret.len() == 77, "{secret}");
    let holder = resolve(&house, &secret).await.unwrap();
    assert_eq!((holder.user.as_slice(), holder.key.as_slice()), (&id.as_bytes()[..], &key.as_bytes()[..]));
    assert_eq!(holder.rights.unwrap().permissions, ["chats:read", "models:use"]);

    let list = house.ask("auth", "GET", KEYS, &ana, Value::Null).await;
    assert!(!list.text.contains(&secret) && list.body["keys"][0]["last_used_at"].is_string(), "{}", list.text);
    assert!(secret.starts_with(list.body["keys"][0]["prefix"].as_str().unwrap()));
    for file in ["taifas.db", "taifas.db-wal"] {
        let bytes = std::fs::read(house.folder().join(file)).unwrap_or_default();
        assert!(!bytes.windows(64).any(|window| window == &secret.as_bytes()[13..]), "{file}");
    }

    // nobody else's to see or to revoke
    let other = house.admin().await;
    assert_eq!(house.ask("auth", "GET", KEYS, &other, Value::Null).await.body["keys"], json!([]));
    let path = format!("{KEYS}/{key}");
    assert_eq!(house.ask("auth", "DELETE", &path, &other, Value::Null).await.status, StatusCode::NOT_FOUND);
    assert!(resolve(&house, &secret).await.is_some());
    assert_eq!(house.ask("auth", "DELETE", &path, &ana, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert!(resolve(&house, &secret).await.is_none());
}

/// C22: what a key may do is a part of what its person may, when it is made and at each use.
#[tokio::test]
async fn a_key_is_never_more_than_its_person() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    let (ana, id) = house.join("ana.pop@example.org", "user").await;
    let refused = [
        (json!(["people:manage"]), StatusCode::FORBIDDEN),
        (json!(["chats:read", "instance:manage"]), StatusCode::FORBIDDEN),
        (json!(["account:security"]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!(["keys:manage"]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!(["chats:*"]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!(["*"]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!([]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!("chats:read"), StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (scopes, status) in refused {
        let asked = json!({"name": "A key", "scopes": scopes});
        let answer = house.ask("auth", "POST", KEYS, &ana, asked).await;
        assert_eq!(answer.status, status, "{scopes}: {}", answer.text);
    }
    let roles = json!({"name": "A key", "scopes": ["roles:manage"]});
    assert_eq!(house.ask("auth", "POST", KEYS, &admin, roles).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    // the role shrinks, and the key with it
    let (secret, _) = mint(&house, &ana, json!(["chats:read", "usage:read"])).await;
    let change = json!({"version": 1, "permissions": ["chats:read", "account:security"]});
    let changed = house.ask("auth", "PATCH", "/api/v1/admin/roles/user", &admin, change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(permissions(resolve(&house, &secret).await), ["chats:read"]);
    // and an account that nobody may use has no keys
    let path = format!("/api/v1/admin/people/{id}");
    let disable = json!({"version": 1, "state": "disabled"});
    assert_eq!(house.ask("user", "PATCH", &path, &admin, disable).await.status, StatusCode::OK);
    assert!(resolve(&house, &secret).await.is_none());
    assert!(house.authorize(id).await.is_none());
}

#[tokio::test]
async fn keys_end_and_have_a_limit() {
    let house = House::set_up(Config { keys_per_person: 2, ..Config::default() }).await;
    let admin = house.admin().await;
    let now = house.platform.clock.now();
    for end in [now, now - TimeDelta::days(1), now + TimeDelta::days(4000)] {
        let asked = json!({"name": "A key", "scopes": ["chats:read"], "expires_at": end});
        assert_eq!(house.ask("auth", "POST", KEYS, &admin, asked).await.body["field"], "expires_at", "{end}");
    }
    let asked = json!({"name": "A key", "scopes": ["chats:read"], "expires_at": now + TimeDelta::days(1)});
    let made = house.ask("auth", "POST", KEYS, &admin, asked.clone()).await;
    let secret = made.body["secret"].as_str().unwrap();
    assert!(resolve(&house, secret).await.is_some());
    mint(&house, &admin, json!(["chats:read"])).await;
    assert_eq!(house.ask("auth", "POST", KEYS, &admin, asked).await.status, StatusCode::CONFLICT);
    house.clock.advance(TimeDelta::days(1));
    assert!(resolve(&house, secret).await.is_none());
}

/// C26: whatever is shown as a key is a value, never a part of a statement.
#[tokio::test]
async fn what_is_no_key_is_nobodys() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    let (secret, _) = mint(&house, &admin, json!(["chats:read"])).await;
    for at in 0..secret.len() {
        let mut altered = secret.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert!(resolve(&house, str::from_utf8(&altered).unwrap()).await.is_none(), "character {at}");
    }
    let long = "A".repeat(1 << 20);
    for wrong in [
        "",
        "tfs_",
        "' or '1'='1",
        "tfs_00000000_' union select * from auth_keys --",
        "tfs_00000000_; drop table auth_keys; --",
        "\0",
        &secret[..76],
        &format!("{secret} "),
        &long,
    ] {
        assert!(resolve(&house, wrong).await.is_none());
    }
    assert!(resolve(&house, &secret).await.is_some());
    // and nobody but the gateway asks
    for service in ["chat", "ai", "user", "taifas"] {
        let request = ResolveKeyRequest { secret: secret.clone() };
        assert_eq!(house.auth(service).resolve_key(request).await.unwrap_err().code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn no_two_keys_are_the_same() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    let mut secrets = BTreeSet::new();
    for _ in 0..10 {
        secrets.insert(mint(&house, &admin, json!(["chats:read"])).await.0);
    }
    assert_eq!(secrets.len(), 10);
}
