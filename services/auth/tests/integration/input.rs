//! What clients may send instead of what they should.

use crate::house::{EMAIL, House, PASSWORD, json_request};
use auth::Config;
use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

const PATHS: [&str; 2] = ["/api/v1/setup", "/api/v1/auth/sign-in"];

#[tokio::test]
async fn what_is_not_json_is_named_and_does_nothing() {
    let house = House::new(Config::default()).await;
    house.link.token().await.unwrap();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"email\":",
        b"nonsense",
        b"{\"email\":\"\xff\xfe\"}",
        b"\xff",
        b"{\"email\":\"\x00\"}",
        b"{}{}",
        deep.as_bytes(),
    ];
    for path in PATHS {
        for body in bodies {
            let answer = house.send(json_request(path).body(body.to_vec().into()).unwrap()).await;
            let fits = matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY);
            assert!(fits && answer.body["code"] == "invalid", "{path} {}: {}", answer.status, answer.text);
        }
        let huge = vec![b' '; 5 << 20];
        assert_eq!(
            house.send(json_request(path).body(huge.into()).unwrap()).await.status,
            StatusCode::PAYLOAD_TOO_LARGE
        );
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            let request = Request::post(path).header(header::CONTENT_TYPE, kind).body(Body::from("{}")).unwrap();
            assert_eq!(house.send(request).await.status, StatusCode::BAD_REQUEST, "{kind}");
        }
        let bare = Request::post(path).body(Body::from("{}")).unwrap();
        assert_eq!(house.send(bare).await.status, StatusCode::BAD_REQUEST);
        let get = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(house.send(get).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn a_field_too_many_too_few_or_of_another_kind_is_refused() {
    let house = House::new(Config::default()).await;
    let token = house.link.token().await.unwrap().unwrap();
    let good = [
        (PATHS[0], json!({"token": token, "name": "Ana", "email": EMAIL, "password": PASSWORD})),
        (PATHS[1], json!({"email": EMAIL, "password": PASSWORD})),
    ];
    for (path, good) in &good {
        let mut cases = Vec::new();
        for extra in ["role", "id", "is_admin", "tries_left", "Email", ""] {
            let mut body = good.clone();
            body[extra] = json!("admin");
            cases.push(body);
        }
        for field in good.as_object().unwrap().keys() {
            for value in [json!(null), json!(1), json!(true), json!([]), json!({})] {
                let mut body = good.clone();
                body[field] = value;
                cases.push(body);
            }
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(field);
            cases.push(body);
        }
        cases.extend([json!([]), json!(null), json!("text"), json!({})]);
        for body in cases {
            let answer = house.post(path, None, body.clone()).await;
            assert_eq!(
                (answer.status, &answer.body["code"]),
                (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid")),
                "{body}"
            );
        }
        let twice = format!("{{\"email\":\"eva@example.org\",{}", &good.to_string()[1..]);
        let answer = house.send(json_request(path).body(twice.into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(house.number("select count(*) from auth_credentials").await, 0);
    // the role of the first account is not a matter of asking
    let answer = house.post(PATHS[0], None, good[0].1.clone()).await;
    assert_eq!((answer.status, &answer.body["user"]["role"]), (StatusCode::CREATED, &json!("admin")));
}

#[tokio::test]
async fn huge_and_odd_fields_are_refused_before_they_cost_anything() {
    let house = House::set_up(Config::default()).await;
    let huge = "x".repeat(1 << 20);
    let cases: [(&str, &str, &str); 6] = [
        (&huge, PASSWORD, "email"),
        ("a\0na@example.org", PASSWORD, "email"),
        ("", PASSWORD, "email"),
        ("ana", PASSWORD, "email"),
        ("ana@example.org\r\nBcc: eva@example.org", PASSWORD, "email"),
        (EMAIL, &huge, "password"),
    ];
    for (email, password, field) in cases {
        let answer = house.sign_in(email, password).await;
        assert_eq!((answer.status, &answer.body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)));
        assert_eq!(answer.body["tries_left"], Value::Null);
    }
    // none of them used up a try
    assert_eq!(house.sign_in(EMAIL, "wrong\u{0}password").await.body["tries_left"], 4);
}

#[tokio::test]
async fn odd_headers_are_no_way_in() {
    let house = House::set_up(Config::default()).await;
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let agent = http::HeaderValue::from_bytes(&[b"Browser \xff\xfe ".as_slice(), &[b'x'; 60_000]].concat()).unwrap();
    let request = json_request(PATHS[1]).header(header::USER_AGENT, agent).header("x-taifas-client", "'; drop table");
    let answer = house.send(request.body(body.into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(house.number("select max(length(device)) from session_sessions").await, 200);
}
