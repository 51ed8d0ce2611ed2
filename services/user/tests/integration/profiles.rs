//! What people change of their own account: name, preferences, custom instructions.

use crate::{House, folder, person};
use http::{Method, StatusCode};
use platform::principal::Caller;
use serde_json::{Value, json};
use uuid::Uuid;

const ANA: Uuid = Uuid::from_u128(1);
const ME: &str = "/api/v1/me";
const INSTRUCTIONS: &str = "/api/v1/me/instructions";

async fn house(folder: &std::path::Path) -> (House, Caller) {
    let house = House::start(folder).await;
    house.create_first(ANA, "Ana", "ana@example.org").await.unwrap();
    (house, person(ANA))
}

#[tokio::test]
async fn a_change_of_name_and_preferences_is_kept_and_raises_the_version() {
    let folder = folder();
    let (house, ana) = house(folder.path()).await;
    let change = json!({"version": 1, "name": " Ana Maria ", "language": "ro", "theme": "dark", "accent": "plum"});
    let (status, changed) = house.call(Some(&ana), Method::PATCH, ME, change.clone()).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let fields =
        ["name", "language", "theme", "accent", "version", "email", "role"].map(|field| changed[field].clone());
    assert_eq!(Value::from(fields.to_vec()), json!(["Ana Maria", "ro", "dark", "plum", 2, "ana@example.org", "admin"]));
    assert_eq!(house.me(Some(&ana)).await.1, changed);

    // what is absent stays; what changes nothing raises no version
    let (_, theme) = house.call(Some(&ana), Method::PATCH, ME, json!({"version": 2, "theme": "light"})).await;
    assert_eq!((&theme["name"], &theme["theme"], &theme["version"]), (&json!("Ana Maria"), &json!("light"), &json!(3)));
    let (_, same) = house.call(Some(&ana), Method::PATCH, ME, json!({"version": 3, "theme": "light"})).await;
    assert_eq!(same, theme);
    // whoever saw an older state is shown the newer one
    let (status, stale) = house.call(Some(&ana), Method::PATCH, ME, change).await;
    assert_eq!((status, &stale["code"], &stale["current"]), (StatusCode::CONFLICT, &json!("stale"), &theme));
}

#[tokio::test]
async fn what_will_not_do_changes_nothing() {
    let folder = folder();
    let (house, ana) = house(folder.path()).await;
    for wrong in [
        json!({"version": 1, "name": ""}),
        json!({"version": 1, "name": "x".repeat(101)}),
        json!({"version": 1, "language": "de"}),
        json!({"version": 1, "theme": "blue"}),
        json!({"version": 1, "accent": "red"}),
        json!({"version": 1, "role": "user"}),
        json!({"version": 1, "email": "eva@example.org"}),
        json!({"name": "Eva"}),
    ] {
        let (status, answer) = house.call(Some(&ana), Method::PATCH, ME, wrong.clone()).await;
        assert_eq!((status, &answer["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid")), "{wrong}");
    }
    let me = house.me(Some(&ana)).await.1;
    assert_eq!((&me["name"], &me["version"]), (&json!("Ana"), &json!(1)));
}

#[tokio::test]
async fn custom_instructions_are_written_read_and_never_overwritten_unseen() {
    let folder = folder();
    let (house, ana) = house(folder.path()).await;
    let none = json!({"enabled": false, "nickname": "", "occupation": "", "about": "", "style": "", "version": 0});
    assert_eq!(house.call(Some(&ana), Method::GET, INSTRUCTIONS, Value::Null).await, (StatusCode::OK, none));
    let mut written = json!({"enabled": true, "nickname": "Ani", "occupation": "gardener", "about": "one\n\ttwo",
        "style": "ș".repeat(1500), "version": 0});
    let (status, answer) = house.call(Some(&ana), Method::PUT, INSTRUCTIONS, written.clone()).await;
    written["version"] = json!(1);
    assert_eq!((status, &answer), (StatusCode::OK, &written));
    assert_eq!(house.call(Some(&ana), Method::GET, INSTRUCTIONS, Value::Null).await.1, written);

    // another device that saw none
    let mut other = json!({"enabled": true, "nickname": "", "occupation": "", "about": "", "style": "", "version": 0});
    let (status, stale) = house.call(Some(&ana), Method::PUT, INSTRUCTIONS, other.clone()).await;
    assert_eq!((status, &stale["code"], &stale["current"]), (StatusCode::CONFLICT, &json!("stale"), &written));
    for (field, text) in [("style", "x".repeat(1501)), ("about", "a\u{7}b".into()), ("mood", "good".into())] {
        other["version"] = json!(1);
        let mut wrong = other.clone();
        wrong[field] = text.into();
        let (status, answer) = house.call(Some(&ana), Method::PUT, INSTRUCTIONS, wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(field), "{answer}");
    }
    assert_eq!(house.call(Some(&ana), Method::GET, INSTRUCTIONS, Value::Null).await.1, written);
    // nobody else's, and nobody's without an account
    let eva = person(Uuid::from_u128(2));
    assert_eq!(house.call(Some(&eva), Method::GET, INSTRUCTIONS, Value::Null).await.1["nickname"], "");
    other["version"] = json!(0);
    assert_eq!(house.call(Some(&eva), Method::PUT, INSTRUCTIONS, other).await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.call(None, Method::GET, INSTRUCTIONS, Value::Null).await.0, StatusCode::UNAUTHORIZED);
}
