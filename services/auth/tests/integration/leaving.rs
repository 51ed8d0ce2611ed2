//! Deleting an account: the grace time, thinking better of it, and the end.

use crate::house::{House, PASSWORD};
use auth::Config;
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

const DELETE: &str = "/api/v1/auth/delete-account";
const EVA: &str = "eva@example.org";

fn deleting() -> Value {
    json!({"password": PASSWORD, "confirm": "DELETE"})
}

/// Waits until `sql` counts nothing any more.
async fn empty(house: &House, sql: &'static str) {
    for _ in 0..300 {
        if house.number(sql).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(house.number(sql).await, 0, "{sql}");
}

#[tokio::test]
async fn an_account_can_be_kept_until_the_grace_time_ends() {
    let house = House::set_up(Config::default()).await;
    let (eva, id) = house.join(EVA, "user").await;
    let elsewhere = house.sign_in(EVA, PASSWORD).await;
    for wrong in [json!({"password": PASSWORD, "confirm": "delete"}), json!({"password": PASSWORD})] {
        let answer = house.post(DELETE, Some(&eva), wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let answer = house.post(DELETE, Some(&eva), deleting()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert_eq!(answer.headers["x-taifas-session"], "");
    let end = house.platform.clock.now() + TimeDelta::days(14);
    assert_eq!(answer.body["deletes_at"], json!(end));
    assert!(house.resolve(elsewhere.token()).await.is_none());

    // signing in shows the offer, and allows to take it and little else
    house.clock.advance(TimeDelta::days(13));
    let back = house.sign_in(EVA, PASSWORD).await;
    assert_eq!(back.body["user"]["deletes_at"], json!(end));
    assert_eq!(house.authorize(id).await.unwrap().permissions, ["account:read", "account:security"]);
    let eva = house.rights(back.token()).await;
    let refused = house.ask("auth", "POST", "/api/v1/keys", &eva, json!({"name": "x", "scopes": ["chats:read"]})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let kept = house.post("/api/v1/auth/keep-account", Some(&eva), Value::Null).await;
    assert_eq!(kept.status, StatusCode::NO_CONTENT);
    assert_eq!(house.authorize(id).await.unwrap().permissions.len(), 8);
    // the event of the beginning, heard late, does not end the session of the one who came back
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(house.resolve(back.token()).await.is_some());
}

#[tokio::test]
async fn after_the_grace_time_nothing_of_the_person_is_left() {
    let house = House::set_up(Config::default()).await;
    let (eva, id) = house.join(EVA, "user").await;
    house.ask("auth", "POST", "/api/v1/keys", &eva, json!({"name": "x", "scopes": ["chats:read"]})).await;
    let instructions =
        json!({"enabled": true, "nickname": "canary", "occupation": "", "about": "", "style": "", "version": 0});
    let written = house.ask("user", "PUT", "/api/v1/me/instructions", &eva, instructions).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.text);
    let path = format!("/api/v1/admin/people/{id}");
    let removed = house.ask("user", "DELETE", &path, &house.admin().await, Value::Null).await;
    assert_eq!((removed.status, &removed.body["state"]), (StatusCode::ACCEPTED, &json!("leaving")));

    house.clock.advance(TimeDelta::days(14));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    for sql in [
        "select count(*) from user_accounts where email_key = 'eva@example.org'",
        "select count(*) from user_instructions",
        "select count(*) from auth_keys",
        "select count(*) - 1 from auth_credentials",
        "select count(*) from auth_invitations where accepted_by is not null",
        "select count(*) from session_sessions where role = 'user'",
    ] {
        empty(&house, sql).await;
    }
    assert_eq!(house.number("select count(*) from user_events where kind = 'user.deleted'").await, 1);
    assert!(house.authorize(id).await.is_none());
    assert_eq!(house.sign_in(EVA, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    // the address is free again
    house.join(EVA, "guest").await;
}

#[tokio::test]
async fn a_disabled_account_is_signed_out_and_stays_out() {
    let house = House::set_up(Config::default()).await;
    let (_, id) = house.join(EVA, "user").await;
    let session = house.sign_in(EVA, PASSWORD).await;
    let admin = house.admin().await;
    let path = format!("/api/v1/admin/people/{id}");
    let disabled = house.ask("user", "PATCH", &path, &admin, json!({"version": 1, "state": "disabled"})).await;
    assert_eq!(disabled.body["state"], "disabled", "{}", disabled.text);
    // at once, before any event is heard
    assert!(house.authorize(id).await.is_none());
    let refused = house.sign_in(EVA, PASSWORD).await;
    assert_eq!((refused.status, refused.token()), (StatusCode::FORBIDDEN, ""));
    // who does not know the password learns nothing of it
    assert_eq!(house.sign_in(EVA, "a wrong password").await.status, StatusCode::UNAUTHORIZED);
    empty(&house, "select count(*) from session_sessions where role = 'user' and revoked_at is null").await;
    assert!(house.resolve(session.token()).await.is_none());
    let enabled = house.ask("user", "PATCH", &path, &admin, json!({"version": 2, "state": "active"})).await;
    assert_eq!(enabled.status, StatusCode::OK);
    assert_eq!(house.sign_in(EVA, PASSWORD).await.status, StatusCode::OK);
}
