//! Right, wrong and unknown; what a sign-in leaves behind; signing out.

use crate::house::{EMAIL, House, PASSWORD};
use auth::Config;
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn the_right_password_opens_a_session_under_every_spelling_of_the_address() {
    let house = House::set_up(Config::default()).await;
    let mut tokens = Vec::new();
    for email in [EMAIL, "ana@example.org", " ANA@EXAMPLE.ORG "] {
        let answer = house.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.body["user"]["email"], EMAIL);
        assert_eq!(answer.body.as_object().unwrap().len(), 1);
        assert!(house.resolve(answer.token()).await.is_some());
        tokens.push(answer.token().to_owned());
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "each sign-in has a token of its own");
    assert_eq!(house.number("select count(*) from session_sessions where device = 'Browser/1.0'").await, 4);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let house = House::set_up(Config::default()).await;
    let mut answers = Vec::new();
    for (email, password) in
        [(EMAIL, "correct horse battery stable"), ("eva@example.org", PASSWORD), ("ana@example.com", "x")]
    {
        let mut answer = house.sign_in(email, password).await;
        assert_eq!((answer.status, answer.token()), (StatusCode::UNAUTHORIZED, ""));
        assert_eq!(answer.body["detail"], "e-mail or password do not match");
        assert_eq!(answer.body["tries_left"], 4);
        answer.body["correlation_id"] = Value::Null;
        answers.push(answer.body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn nothing_but_the_very_password_is_right() {
    let house = House::set_up(Config { tries_per_account: 100, ..Config::default() }).await;
    let nul = format!("{PASSWORD}\0");
    for wrong in ["", " ", &PASSWORD.to_uppercase(), &PASSWORD[1..], &format!(" {PASSWORD}"), &nul, &PASSWORD.repeat(2)]
    {
        assert_eq!(house.sign_in(EMAIL, wrong).await.status, StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
}

/// AUTH 01. Nearly all the time of a sign-in goes into one hash; that one for nobody is as dear as a
/// real one, says a test beside it. Time itself is no measure here: other tests compute hashes meanwhile.
#[tokio::test]
async fn an_unknown_address_costs_the_same_work_as_a_known_one() {
    let house = House::set_up(Config { tries_per_account: 100, ..Config::default() }).await;
    for n in 0..3 {
        for email in [EMAIL, "eva@example.org", "nobody@example.com"] {
            let before = house.password_checks();
            let answer = house.sign_in(email, &format!("a wrong password {n}")).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(house.password_checks() - before, 1, "{email}");
        }
    }
    // and an address that is none costs nothing
    let before = house.password_checks();
    assert_eq!(house.sign_in("nobody", "a wrong password").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.password_checks(), before);
}

#[tokio::test]
async fn signing_out_ends_that_session_and_no_other() {
    let house = House::set_up(Config::default()).await;
    let (here, there) = (house.sign_in(EMAIL, PASSWORD).await, house.sign_in(EMAIL, PASSWORD).await);
    let person = house.person(here.token()).await;
    for _ in 0..2 {
        let answer = house.post("/api/v1/auth/sign-out", Some(&person), json!({})).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(answer.headers["x-taifas-session"], "");
        assert!(house.resolve(here.token()).await.is_none());
    }
    assert!(house.resolve(there.token()).await.is_some());
}

#[tokio::test]
async fn signing_in_again_ends_the_session_one_came_with() {
    let house = House::set_up(Config::default()).await;
    let before = house.sign_in(EMAIL, PASSWORD).await;
    let person = house.person(before.token()).await;
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let after = house.post("/api/v1/auth/sign-in", Some(&person), body.clone()).await;
    assert_eq!(after.status, StatusCode::OK);
    assert!(house.resolve(before.token()).await.is_none());
    assert!(house.resolve(after.token()).await.is_some());

    // a wrong password ends nothing
    let person = house.person(after.token()).await;
    let wrong = json!({"email": EMAIL, "password": "a wrong password"});
    assert_eq!(house.post("/api/v1/auth/sign-in", Some(&person), wrong).await.status, StatusCode::UNAUTHORIZED);
    assert!(house.resolve(after.token()).await.is_some());
}
