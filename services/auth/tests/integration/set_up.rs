//! The first account: once, with the link, and again after any crash on the way.

use crate::house::{EMAIL, House, PASSWORD};
use auth::Config;
use axum::{
    extract::Request,
    middleware::{Next, from_fn},
};
use futures_util::future::join_all;
use http::StatusCode;
use platform::Code;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

#[tokio::test]
async fn set_up_makes_an_administrator_signs_them_in_and_works_once() {
    let house = House::new(Config::default()).await;
    let standing = house.get(None).await.body;
    let instance =
        json!({"name": "Taifas", "version": env!("CARGO_PKG_VERSION"), "accent": "azurite", "greeting": null});
    assert_eq!(
        standing,
        json!({"state": "setup", "instance": instance, "secure": true, "registration": "invite", "mail": false, "user": null})
    );

    let token = house.link.token().await.unwrap().unwrap();
    let answer = house.set_up_with(&token).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!((&answer.body["user"]["role"], &answer.body["user"]["email"]), (&json!("admin"), &json!(EMAIL)));
    assert_eq!(answer.headers["x-taifas-session-seconds"], (90 * 24 * 3600).to_string());
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.text.contains(answer.token()));

    let person = house.person(answer.token()).await;
    let standing = house.get(Some(&person)).await.body;
    assert_eq!((&standing["state"], &standing["user"]), (&json!("signed_in"), &answer.body["user"]));
    assert_eq!(house.get(None).await.body["state"], "signed_out");

    assert_eq!(house.set_up_with(&token).await.status, StatusCode::CONFLICT);
    assert_eq!(house.link.token().await.unwrap(), None);
    assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_the_link_that_was_printed_last_is_good() {
    let house = House::new(Config::default()).await;
    // before any link was printed
    assert_eq!(house.set_up_with("").await.status, StatusCode::FORBIDDEN);
    let first = house.link.token().await.unwrap().unwrap();
    let last = house.link.token().await.unwrap().unwrap();
    assert_ne!(first, last);
    assert!(last.len() >= 43, "256 bits");
    for wrong in [&first, "", &last[1..], &format!("{last} "), &last.to_lowercase(), &"x".repeat(1 << 20)] {
        let answer = house.set_up_with(wrong).await;
        assert_eq!((answer.status, &answer.body["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")));
        assert_eq!(answer.token(), "");
    }
    assert_eq!(house.number("select count(*) from auth_credentials").await, 0);
    assert_eq!(house.set_up_with(&last).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn of_many_set_ups_at_once_one_works() {
    let house = House::new(Config::default()).await;
    let token = house.link.token().await.unwrap().unwrap();
    let mut answers: Vec<_> =
        join_all((0..10).map(|_| house.set_up_with(&token))).await.into_iter().map(|a| a.status).collect();
    answers.sort();
    assert_eq!(answers[0], StatusCode::CREATED);
    assert!(answers[1..].iter().all(|status| *status == StatusCode::CONFLICT), "{answers:?}");
    assert_eq!(house.number("select count(*) from auth_credentials").await, 1);
}

#[tokio::test]
async fn a_field_that_will_not_do_is_named_and_the_link_stays_good() {
    let house = House::new(Config::default()).await;
    let token = house.link.token().await.unwrap().unwrap();
    let long = "x".repeat(1001);
    let cases = [
        ("name", json!("")),
        ("name", json!("a\u{0}b")),
        ("name", json!("x".repeat(101))),
        ("email", json!("ana")),
        ("email", json!("ana@@example.org")),
        ("email", json!("a\u{0}na@example.org")),
        ("password", json!("elevenchars")),
        ("password", json!(long)),
    ];
    for (field, value) in cases {
        let mut body = json!({"token": token, "name": "Ana", "email": EMAIL, "password": PASSWORD});
        body[field] = value;
        let answer = house.post("/api/v1/setup", None, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert_eq!((&answer.body["code"], &answer.body["field"]), (&json!("invalid"), &json!(field)));
    }
    assert_eq!(house.number("select count(*) from auth_credentials").await, 0);
    assert_eq!(house.set_up_with(&token).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn before_the_others_are_there_nothing_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::alone(folder.path(), Config::default()).await;
    assert_eq!(house.link.token().await.unwrap_err().code(), Code::Unavailable);
    for answer in [house.get(None).await, house.set_up_with("x").await, house.sign_in(EMAIL, PASSWORD).await] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    }
    house.announce_user().await;
    assert!(house.link.token().await.unwrap().is_some());
}

#[tokio::test]
async fn a_crash_between_password_and_account_leaves_set_up_open() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::alone(folder.path(), Config::default()).await;
    house.announce_session().await;
    // user answers everything but fails to make the account, once
    let user = user::start(&house.platform, user::Config::default()).await.unwrap();
    let broken = Arc::new(AtomicBool::new(true));
    let fail_once = move |request: Request, next: Next| {
        let broken = broken.clone();
        async move {
            let fails = request.uri().path().ends_with("/CreateFirst") && broken.swap(false, Ordering::SeqCst);
            if fails { tonic::Status::unavailable("gone").into_http() } else { next.run(request).await }
        }
    };
    house.platform.peers.announce("user", user.router.layer(from_fn(fail_once))).unwrap();

    let token = house.link.token().await.unwrap().unwrap();
    let answer = house.set_up_with(&token).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    // the password of nobody is there and does no harm
    assert_eq!(house.number("select count(*) from auth_credentials").await, 1);
    assert_eq!(house.get(None).await.body["state"], "setup");
    assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);

    // the same link, or after a restart another one
    drop(house);
    let house = House::open(folder.path(), Config::default()).await;
    assert_eq!(house.set_up_with(&token).await.status, StatusCode::FORBIDDEN);
    let token = house.link.token().await.unwrap().unwrap();
    assert_eq!(house.set_up_with(&token).await.status, StatusCode::CREATED);
    assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_crash_between_account_and_session_leaves_somebody_who_can_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::alone(folder.path(), Config::default()).await;
    house.announce_user().await;
    let token = house.link.token().await.unwrap().unwrap();
    let answer = house.set_up_with(&token).await;
    assert_eq!((answer.status, answer.token()), (StatusCode::SERVICE_UNAVAILABLE, ""));

    assert_eq!(house.get(None).await.body["state"], "signed_out");
    assert_eq!(house.set_up_with(&token).await.status, StatusCode::CONFLICT);
    house.announce_session().await;
    let answer = house.sign_in(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, &answer.body["user"]["role"]), (StatusCode::OK, &json!("admin")));

    drop(house);
    let house = House::open(folder.path(), Config::default()).await;
    assert_eq!(house.link.token().await.unwrap(), None);
    assert_eq!(house.get(None).await.body["user"], Value::Null);
    assert!(house.resolve(answer.token()).await.is_some());
}
