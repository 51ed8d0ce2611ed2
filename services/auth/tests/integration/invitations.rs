//! Making an account: by invitation, by registration, by an administrator.

use crate::house::{House, PASSWORD, token_of};
use auth::Config;
use chrono::TimeDelta;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

const INVITATIONS: &str = "/api/v1/admin/invitations";
const ACCEPT: &str = "/api/v1/auth/accept-invitation";
const LOOK: &str = "/api/v1/auth/invitations/look";

fn accepting(token: &str, email: &str) -> Value {
    json!({"token": token, "name": "Eva", "email": email, "password": PASSWORD})
}

async fn invite(house: &House, body: Value) -> (String, Uuid) {
    let invited = house.ask("auth", "POST", INVITATIONS, &house.admin().await, body).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{}", invited.text);
    assert!(invited.body["link"].as_str().unwrap().starts_with("https://chat.example.org/join#"));
    (token_of(&invited.body), invited.body["invitation"]["id"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn an_invitation_lets_one_person_in_with_its_role() {
    let house = House::set_up(Config::default()).await;
    let (token, _) = invite(&house, json!({"role": "guest"})).await;
    let look = house.post(LOOK, None, json!({"token": token})).await;
    assert_eq!((&look.body["role"], &look.body["email"]), (&json!("guest"), &Value::Null));

    let emails: Vec<_> = (0..8).map(|n| format!("p{n}@example.org")).collect();
    let answers = join_all(emails.iter().map(|email| house.post(ACCEPT, None, accepting(&token, email)))).await;
    let joined: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).collect();
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0].body["user"]["role"], "guest");
    assert!(house.resolve(joined[0].token()).await.is_some());
    assert_eq!(house.number("select count(*) from user_accounts").await, 2);
    assert_eq!(house.number("select count(*) from auth_credentials").await, 2);
    assert_eq!(house.post(ACCEPT, None, accepting(&token, "late@example.org")).await.status, StatusCode::FORBIDDEN);
    let list = house.ask("auth", "GET", INVITATIONS, &house.admin().await, Value::Null).await;
    assert_eq!(list.body["invitations"][0]["state"], "accepted");
    assert!(!list.text.contains(&token));
}

#[tokio::test]
async fn an_invitation_ends_by_time_by_revocation_and_with_who_made_it() {
    let house = House::set_up(Config::default()).await;
    let (expired, _) = invite(&house, json!({"role": "user", "days": 1})).await;
    let (revoked, id) = invite(&house, json!({"role": "user", "days": 30})).await;
    let path = format!("{INVITATIONS}/{id}");
    let admin = house.admin().await;
    assert_eq!(house.ask("auth", "DELETE", &path, &admin, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.ask("auth", "DELETE", &path, &admin, Value::Null).await.status, StatusCode::CONFLICT);

    // another administrator invites, and is one no more
    let (second, second_id) = house.join("second@example.org", "admin").await;
    let invited = house.ask("auth", "POST", INVITATIONS, &second, json!({"role": "admin", "days": 30})).await;
    let orphan = token_of(&invited.body);
    assert_eq!(house.post(LOOK, None, json!({"token": orphan})).await.status, StatusCode::OK);
    let demote = json!({"version": 1, "role": "user"});
    let person = format!("/api/v1/admin/people/{second_id}");
    assert_eq!(house.ask("user", "PATCH", &person, &admin, demote).await.status, StatusCode::OK);

    house.clock.advance(TimeDelta::days(1));
    let mut refusals = Vec::new();
    for token in [&expired, &revoked, &orphan, &"A".repeat(64), "", "x"] {
        assert_eq!(house.post(ACCEPT, None, accepting(token, "e@example.org")).await.status, StatusCode::FORBIDDEN);
        let mut look = house.post(LOOK, None, json!({"token": token})).await;
        look.body["correlation_id"] = Value::Null;
        refusals.push((look.status, look.body));
    }
    // whether there ever was such an invitation shows in nothing
    assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{refusals:?}");
    assert_eq!(house.number("select count(*) from user_accounts").await, 2);
}

#[tokio::test]
async fn an_invitation_for_an_address_is_for_no_other() {
    let house = House::set_up(Config::default()).await;
    let (token, _) = invite(&house, json!({"role": "user", "email": "Eva@example.org"})).await;
    let wrong = house.post(ACCEPT, None, accepting(&token, "mallory@example.org")).await;
    assert_eq!(wrong.body["field"], "email");
    // a taken address is named, and the invitation stays good
    let (open, _) = invite(&house, json!({"role": "user"})).await;
    let taken = house.post(ACCEPT, None, accepting(&open, "ANA@example.org")).await;
    assert_eq!((taken.status, &taken.body["field"]), (StatusCode::CONFLICT, &json!("email")));
    assert_eq!(house.post(ACCEPT, None, accepting(&open, "dan@example.org")).await.status, StatusCode::CREATED);
    assert_eq!(house.post(ACCEPT, None, accepting(&token, "eva@EXAMPLE.org")).await.status, StatusCode::CREATED);
    let admin = house.admin().await;
    let body = json!({"role": "user", "email": "eva@example.org"});
    assert_eq!(house.ask("auth", "POST", INVITATIONS, &admin, body).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn registration_is_as_the_instance_says() {
    const REGISTER: &str = "/api/v1/auth/register";
    let house = House::set_up(Config { requests_per_address: 3, ..Config::default() }).await;
    let admin = house.admin().await;
    let asked = |email: &str| json!({"name": "Eva", "email": email, "password": PASSWORD});
    assert_eq!(house.post(REGISTER, None, asked("eva@example.org")).await.status, StatusCode::FORBIDDEN);
    let set = async |version: i64, registration: &str| {
        let body = json!({"version": version, "registration": registration});
        house.ask("auth", "PATCH", "/api/v1/admin/instance", &admin, body).await.status
    };
    assert_eq!(set(0, "open").await, StatusCode::OK);
    let made = house.post(REGISTER, None, asked("eva@example.org")).await;
    assert_eq!((made.status, &made.body["user"]["role"]), (StatusCode::CREATED, &json!("user")));
    let taken = house.post(REGISTER, None, asked("EVA@example.org")).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert_eq!(house.number("select count(*) from auth_credentials").await, 2);
    assert_eq!(house.post(REGISTER, None, asked("dan@example.org")).await.status, StatusCode::CREATED);
    assert_eq!(house.post(REGISTER, None, asked("ion@example.org")).await.status, StatusCode::TOO_MANY_REQUESTS);

    let (token, _) = invite(&house, json!({"role": "user"})).await;
    assert_eq!(set(0, "closed").await, StatusCode::CONFLICT);
    assert_eq!(set(1, "closed").await, StatusCode::OK);
    assert_eq!(house.get(None).await.body["registration"], "closed");
    assert_eq!(house.post(ACCEPT, None, accepting(&token, "x@example.org")).await.status, StatusCode::FORBIDDEN);
    let refused = house.ask("auth", "POST", INVITATIONS, &admin, json!({"role": "user"})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    // administrators still make accounts
    house.join("made@example.org", "user").await;
}

/// C23: nothing can be said that is not asked.
#[tokio::test]
async fn no_body_takes_a_field_that_is_not_its_own() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    let token = "A".repeat(64);
    let me = json!({"version": 1});
    let bodies = [
        ("auth", "POST", "/api/v1/auth/register", accepting("", "x@example.org")),
        ("auth", "POST", ACCEPT, accepting(&token, "x@example.org")),
        ("auth", "POST", LOOK, json!({"token": token})),
        ("auth", "POST", "/api/v1/auth/forgot-password", json!({"email": "x@example.org"})),
        ("auth", "POST", "/api/v1/auth/reset-password", json!({"token": token, "password": PASSWORD})),
        ("auth", "POST", "/api/v1/auth/change-password", json!({"current": PASSWORD, "password": PASSWORD})),
        ("auth", "POST", "/api/v1/auth/sign-out-everywhere", json!({"keep_this": true})),
        ("auth", "POST", "/api/v1/auth/delete-account", json!({"password": PASSWORD, "confirm": "DELETE"})),
        ("auth", "POST", "/api/v1/keys", json!({"name": "x", "scopes": ["chats:read"]})),
        ("auth", "POST", "/api/v1/admin/people", json!({"name": "x", "email": "x@example.org", "role": "user"})),
        ("auth", "POST", INVITATIONS, json!({"role": "user"})),
        ("auth", "POST", "/api/v1/admin/roles", json!({"name": "x", "label": "x", "permissions": []})),
        ("auth", "PATCH", "/api/v1/admin/roles/user", json!({"version": 1})),
        ("auth", "PATCH", "/api/v1/admin/instance", json!({"version": 0})),
        ("user", "PATCH", "/api/v1/me", me.clone()),
        ("user", "PATCH", "/api/v1/admin/people/00000000-0000-0000-0000-000000000001", me),
    ];
    for (service, method, path, body) in bodies {
        for extra in
            ["user_role", "is_admin", "id", "space_id", "user", "verified", "quota", "builtin", "created_by", "key"]
        {
            let mut body = body.clone();
            body[extra] = json!("admin");
            let answer = house.ask(service, method, path, &admin, body).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {extra}: {}", answer.text);
        }
    }
    for (path, extra) in [("/api/v1/me", "role"), ("/api/v1/me", "state"), ("/api/v1/me", "email")] {
        let mut body = json!({"version": 1});
        body[extra] = json!("admin");
        let answer = house.ask("user", "PATCH", path, &admin, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {extra}: {}", answer.text);
    }
}
