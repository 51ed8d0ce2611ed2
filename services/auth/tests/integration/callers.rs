//! Identities that this instance did not issue, and those that are not enough.

use crate::house::{EMAIL, House, PASSWORD, json_request};
use auth::Config;
use axum::body::Body;
use http::{Request, StatusCode};
use platform::{
    clock::SystemClock,
    principal::{Caller, HEADER, LIFE, Person, Role, Signer},
};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

#[tokio::test]
async fn a_foreign_forged_or_expired_identity_is_refused_by_every_route() {
    let house = House::set_up(Config::default()).await;
    let token = house.sign_in(EMAIL, PASSWORD).await.token().to_owned();
    let person = house.person(&token).await;
    let good = house.platform.signer.sign(&person).unwrap();
    let expired = house.platform.signer.sign(&person).unwrap();
    house.clock.advance(LIFE + chrono::TimeDelta::seconds(1));

    let foreign = Signer::new(&[7; 32], house.platform.clock.clone()).unwrap().sign(&person).unwrap();
    let lasting = Signer::new(&[7; 32], Arc::new(SystemClock)).unwrap().sign(&person).unwrap();
    let unsigned = good.to_str().unwrap().split('.').next().unwrap().parse().unwrap();
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let never_ours = [foreign, lasting, unsigned, "x".parse().unwrap(), "".parse().unwrap()];
    let never_ours = never_ours.map(|identity| (identity, StatusCode::UNAUTHORIZED));
    // one of ours that took too long is to be sent again: nobody is signed out for that
    for (identity, status) in never_ours.into_iter().chain([(expired, StatusCode::SERVICE_UNAVAILABLE)]) {
        let requests = [
            Request::get("/api/v1/session").header(HEADER, &identity).body(Body::empty()),
            json_request("/api/v1/setup").header(HEADER, &identity).body("{}".into()),
            json_request("/api/v1/auth/sign-in").header(HEADER, &identity).body(body.clone().into()),
            json_request("/api/v1/auth/sign-out").header(HEADER, &identity).body(Body::empty()),
        ];
        for request in requests {
            let answer = house.send(request.unwrap()).await;
            assert_eq!((answer.status, answer.token()), (status, ""), "{identity:?}");
        }
    }
    assert!(house.resolve(&token).await.is_some());
}

#[tokio::test]
async fn signing_out_needs_a_person() {
    let house = House::set_up(Config::default()).await;
    for caller in [None, Some(Caller::Nobody), Some(Caller::Service("gateway".into()))] {
        let answer = house.post("/api/v1/auth/sign-out", caller.as_ref(), json!({})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{caller:?}");
        assert!(!answer.headers.contains_key("x-taifas-session"));
    }
}

#[tokio::test]
async fn nobody_signs_somebody_else_out() {
    let house = House::set_up(Config::default()).await;
    let token = house.sign_in(EMAIL, PASSWORD).await.token().to_owned();
    let Caller::Person(ana) = house.person(&token).await else { unreachable!() };
    let eva = Person::signed_in(Uuid::from_u128(2), ana.session, Role::ADMIN);
    house.post("/api/v1/auth/sign-out", Some(&Caller::Person(eva)), json!({})).await;
    assert!(house.resolve(&token).await.is_some());
}

#[tokio::test]
async fn a_person_without_an_account_is_signed_out() {
    let house = House::set_up(Config::default()).await;
    let gone = Person::signed_in(Uuid::from_u128(2), Uuid::from_u128(3), Role::ADMIN);
    let standing = house.get(Some(&Caller::Person(gone))).await.body;
    assert_eq!((&standing["state"], &standing["user"]), (&json!("signed_out"), &json!(null)));
}
