//! Passwords after the first, and the links for new ones.

use crate::house::{EMAIL, House, PASSWORD, token_of};
use auth::Config;
use chrono::TimeDelta;
use http::StatusCode;
use platform::principal::Caller;
use proto::auth::v1::{CreateAdminRequest, ResetLinkRequest};
use serde_json::{Value, json};
use tonic::Code;
use uuid::Uuid;

const NEW: &str = "another battery staple horse";
const CHANGE: &str = "/api/v1/auth/change-password";
const RESET: &str = "/api/v1/auth/reset-password";

fn changing(current: &str) -> Value {
    json!({"current": current, "password": NEW})
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_renews_this_one() {
    let house = House::set_up(Config::default()).await;
    let (here, there) = (house.sign_in(EMAIL, PASSWORD).await, house.sign_in(EMAIL, PASSWORD).await);
    let person = house.person(here.token()).await;
    let changed = house.post(CHANGE, Some(&person), changing(PASSWORD)).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.text);
    assert_ne!(changed.token(), here.token());
    assert!(house.resolve(changed.token()).await.is_some());
    for old in [here.token(), there.token()] {
        assert!(house.resolve(old).await.is_none());
    }
    assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.sign_in(EMAIL, NEW).await.status, StatusCode::OK);
}

/// C33: a session is no way around the limits on guesses, and they are those of signing in.
#[tokio::test]
async fn guesses_at_the_present_password_are_counted_with_those_at_the_door() {
    let house = House::set_up(Config::default()).await;
    let person = house.admin().await;
    for left in [4, 3, 2] {
        let wrong = house.post(CHANGE, Some(&person), changing("a wrong password")).await;
        assert_eq!((wrong.status, &wrong.body["tries_left"]), (StatusCode::FORBIDDEN, &json!(left)));
    }
    let deleting = json!({"password": "a wrong password", "confirm": "DELETE"});
    let wrong = house.post("/api/v1/auth/delete-account", Some(&person), deleting).await;
    assert_eq!((wrong.status, &wrong.body["tries_left"]), (StatusCode::FORBIDDEN, &json!(1)));
    assert_eq!(house.sign_in(EMAIL, "a wrong password").await.body["tries_left"], 0);
    assert_eq!(house.post(CHANGE, Some(&person), changing(PASSWORD)).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
}

async fn link(house: &House, id: Uuid) -> String {
    let path = format!("/api/v1/admin/people/{id}/reset-password");
    let answer = house.ask("auth", "POST", &path, &house.admin().await, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.body["link"].as_str().unwrap().starts_with("https://chat.example.org/reset#"));
    token_of(&answer.body)
}

#[tokio::test]
async fn a_link_for_a_new_password_works_once_for_an_hour_and_only_the_last_one() {
    let house = House::set_up(Config::default()).await;
    let (_, id) = house.join("eva@example.org", "user").await;
    let session = house.sign_in("eva@example.org", PASSWORD).await;
    let (older, last) = (link(&house, id).await, link(&house, id).await);
    let resetting = |token: &str| json!({"token": token, "password": NEW});
    for wrong in [&older, &"A".repeat(64), "", "x", &last[1..]] {
        assert_eq!(house.post(RESET, None, resetting(wrong)).await.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    assert!(house.resolve(session.token()).await.is_some());
    let short = json!({"token": last, "password": "short"});
    assert_eq!(house.post(RESET, None, short).await.body["field"], "password");
    let both = futures_util::future::join(
        house.post(RESET, None, resetting(&last)),
        house.post(RESET, None, resetting(&last)),
    );
    let both: [_; 2] = both.await.into();
    assert_eq!(both.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert!(house.resolve(session.token()).await.is_none());
    assert_eq!(house.sign_in("eva@example.org", NEW).await.status, StatusCode::OK);

    let late = link(&house, id).await;
    house.clock.advance(TimeDelta::minutes(60));
    assert_eq!(house.post(RESET, None, resetting(&late)).await.status, StatusCode::FORBIDDEN);
    // one that was made for somebody whose password changed since is good no more
    let made = link(&house, id).await;
    let eva = house.sign_in("eva@example.org", NEW).await;
    let eva = house.person(eva.token()).await;
    let body = json!({"current": NEW, "password": PASSWORD});
    assert_eq!(house.post(CHANGE, Some(&eva), body).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.post(RESET, None, resetting(&made)).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whether_an_address_is_known_shows_not_in_what_forgot_answers() {
    let house = House::set_up(Config { requests_per_address: 4, ..Config::default() }).await;
    for email in [EMAIL, "nobody@example.org", "no address"] {
        let answer = house.post("/api/v1/auth/forgot-password", None, json!({"email": email})).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::ACCEPTED, ""), "{email}");
    }
    house.post("/api/v1/auth/forgot-password", None, json!({"email": EMAIL})).await;
    let answer = house.post("/api/v1/auth/forgot-password", None, json!({"email": EMAIL})).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    // without mail no link is made
    assert_eq!(house.number("select count(*) from auth_resets").await, 0);
}

#[tokio::test]
async fn the_command_line_makes_administrators_and_links() {
    let house = House::set_up(Config::default()).await;
    let asked = CreateAdminRequest { name: "Eva".into(), email: "eva@example.org".into() };
    for service in ["gateway", "chat", "user"] {
        let refused = house.auth(service).create_admin(asked.clone()).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let asked = ResetLinkRequest { email: EMAIL.into() };
        assert_eq!(house.auth(service).reset_link(asked).await.err().unwrap().code(), Code::PermissionDenied);
    }
    let made = house.auth("taifas").create_admin(asked.clone()).await.unwrap().into_inner();
    let token = made.link.split_once("/join#").unwrap().1;
    let accepting = json!({"token": token, "name": "Eva", "email": "eva@example.org", "password": PASSWORD});
    let answer = house.post("/api/v1/auth/accept-invitation", None, accepting).await;
    assert_eq!(answer.body["user"]["role"], "admin", "{}", answer.text);
    assert!(house.auth("taifas").create_admin(asked).await.is_err());

    let asked = ResetLinkRequest { email: " ANA@example.org".into() };
    let linked = house.auth("taifas").reset_link(asked).await.unwrap().into_inner();
    let token = linked.link.split_once("/reset#").unwrap().1;
    let answer = house.post(RESET, None, json!({"token": token, "password": NEW})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let unknown = ResetLinkRequest { email: "nobody@example.org".into() };
    assert_eq!(house.auth("taifas").reset_link(unknown).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn signing_out_everywhere_keeps_what_was_asked() {
    let house = House::set_up(Config::default()).await;
    let (here, there) = (house.sign_in(EMAIL, PASSWORD).await, house.sign_in(EMAIL, PASSWORD).await);
    let person = house.person(here.token()).await;
    let everywhere = async |keep: bool| {
        house.post("/api/v1/auth/sign-out-everywhere", Some(&person), json!({"keep_this": keep})).await
    };
    let kept = everywhere(true).await;
    assert!(!kept.headers.contains_key("x-taifas-session"));
    assert!(house.resolve(here.token()).await.is_some() && house.resolve(there.token()).await.is_none());
    let ended = everywhere(false).await;
    assert_eq!(ended.headers["x-taifas-session"], "");
    assert!(house.resolve(here.token()).await.is_none());
    // an administrator does it for others
    let (eva, id) = house.join("eva@example.org", "user").await;
    let Caller::Person(_) = eva else { unreachable!() };
    let token = house.sign_in("eva@example.org", PASSWORD).await.token().to_owned();
    let path = format!("/api/v1/admin/people/{id}/sign-out");
    let answer = house.ask("auth", "POST", &path, &house.admin().await, Value::Null).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(house.resolve(&token).await.is_none());
}
