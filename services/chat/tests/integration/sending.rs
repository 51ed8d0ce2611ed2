//! A message is stored once, with its reply and its event, or not at all.

use crate::house::House;
use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_first_message_makes_the_chat_its_reply_and_one_event() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "Hello there\nand more").await;
    assert_eq!(sent.body["chat"]["title"], "Hello there");
    assert_eq!(sent.body["reply"]["state"], "queued");
    assert_eq!(sent.body["reply"]["parent_id"], sent.body["message"]["id"]);
    let open = house.get(&house.ana, &format!("/api/v1/chats/{}", sent.id("chat"))).await;
    assert_eq!(open.body["messages"].as_array().unwrap().len(), 2);
    assert_eq!(open.body["messages"][0]["text"], "Hello there\nand more");
    let (count, events) = house.events().await;
    assert_eq!(count, 1);
    let text: String = "Hello".bytes().map(|byte| format!("{byte:02X}")).collect();
    assert!(events.starts_with("message.sent:") && !events.contains(&text), "events hold no text: {events}");
}

#[tokio::test]
async fn the_same_key_a_hundred_times_at_once_is_one_message() {
    let house = House::new().await;
    let (chat, message) = (Uuid::now_v7(), Uuid::now_v7());
    let body = json!({"id": message, "parent_id": null, "text": "once"});
    let sends = (0..100).map(|_| house.send_with(&house.ana, chat, "key", body.clone()));
    let answers = futures_util::future::join_all(sends).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::ACCEPTED && answer.body == answers[0].body));
    assert_eq!(house.events().await.0, 1);

    let other = json!({"id": message, "parent_id": null, "text": "twice"});
    let answer = house.send_with(&house.ana, chat, "key", other).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "mismatch"));
    // The same key of another person is another key.
    let answer = house.send_with(&house.dan, chat, "key", body.clone()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_ne!(answer.id("reply"), answers[0].id("reply"));
    // A message's id is unique for ever, whatever the key.
    let answer = house.send_with(&house.ana, Uuid::now_v7(), "another key", body).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "conflict"));
}

#[tokio::test]
async fn nobody_answers_what_they_have_not_seen() {
    let house = House::new().await;
    let first = house.begin(&house.ana, "one").await;
    let (chat, reply) = (first.id("chat"), first.id("reply"));
    let next = |parent: Uuid| json!({"id": Uuid::now_v7(), "parent_id": parent, "text": "two"});

    let early = house.send_with(&house.ana, chat, "a", next(reply)).await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "conflict"));
    assert_eq!(early.body["newer"], json!([]));

    house.finish(&house.ana, reply, 1, "answer").await.unwrap();
    let second = house.send_with(&house.ana, chat, "a", next(reply)).await;
    assert_eq!(second.status, StatusCode::ACCEPTED, "a refused send leaves its key free: {}", second.body);
    house.finish(&house.ana, second.id("reply"), 1, "another").await.unwrap();

    let stale = house.send_with(&house.ana, chat, "b", next(reply)).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::CONFLICT, "conflict"));
    let newer: Vec<_> = stale.body["newer"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(newer, ["two", "another"]);
}

#[tokio::test]
async fn a_repeated_send_is_answered_even_when_its_model_has_gone() {
    let house = House::new().await;
    let (chat, message) = (Uuid::now_v7(), Uuid::now_v7());
    let gone = json!({"id": message, "parent_id": null, "text": "hi", "model": "test/gone"});
    let answer = house.send_with(&house.ana, chat, "key", gone).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found"));
    assert_eq!(house.events().await.0, 0);
    let two = json!({"id": message, "parent_id": null, "text": "hi", "model": "test/two"});
    let answer = house.send_with(&house.ana, chat, "key", two).await;
    assert_eq!((answer.status, answer.body["chat"]["model"].as_str()), (StatusCode::ACCEPTED, Some("test/two")));
}

#[tokio::test]
async fn bad_input_is_named_and_stores_nothing() {
    let house = House::new().await;
    let (path, id) = (format!("/api/v1/chats/{}/messages", Uuid::now_v7()), Uuid::now_v7());
    let good = json!({"id": id, "parent_id": null, "text": "hi"}).to_string();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let with = |field: &str, value: Value| {
        let mut body = json!({"id": id, "parent_id": null, "text": "hi"});
        body[field] = value;
        body.to_string().into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("not JSON", b"{".to_vec(), 400, "JSON"),
        ("not UTF-8", b"{\"text\":\"\xff\"}".to_vec(), 400, "UTF-8"),
        ("deep", deep.into_bytes(), 422, "sequence"),
        ("unknown field", with("role", json!("admin")), 422, "role"),
        ("empty", with("text", json!(" \n")), 422, "text"),
        ("NUL", with("text", json!("a\0b")), 422, "NUL"),
        ("too long", with("text", json!("x".repeat(200_001))), 413, "200001"),
        ("no id", with("id", json!("seven")), 422, "id"),
        ("wrong type", with("text", json!(7)), 422, "string"),
    ];
    for (name, body, status, word) in cases {
        let request = house.request(&house.ana, Method::POST, &path).header("idempotency-key", "k");
        let answer = house.raw(request.body(Body::from(body)).unwrap()).await;
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
        assert!(detail.to_lowercase().contains(&word.to_lowercase()), "{name}: {detail}");
    }
    for key in [None, Some(""), Some("ș"), Some("k".repeat(256).as_str())] {
        let mut request = house.request(&house.ana, Method::POST, &path);
        if let Some(key) = key {
            request = request.header("idempotency-key", http::HeaderValue::from_bytes(key.as_bytes()).unwrap());
        }
        let answer = house.raw(request.body(Body::from(good.clone())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{key:?}");
    }
    assert_eq!(house.events().await.0, 0);
}

#[tokio::test]
async fn a_new_chat_keeps_the_instructions_of_its_day_and_begins_in_its_project() {
    use platform::principal::{Permission, Person};
    use proto::chat::v1::context_answer::Answer as Given;
    let house = House::new().await;
    let maria: Person = house.account().await;
    assert!(maria.permissions.has(Permission::AccountWrite));
    let wish = |style: &str, version: i64| json!({"enabled": true, "nickname": "Maria", "occupation": "", "about": "", "style": style, "version": version});
    house.instruct(&maria, wish("Briefly.", 0)).await;
    let project = json!({"name": "Garden", "instructions": "Plants only."});
    let project = house.call(&maria, Method::POST, "/api/v1/projects", project).await.body["id"].clone();
    let (id, chat) = (Uuid::now_v7(), Uuid::now_v7());
    let body = json!({"id": id, "parent_id": null, "text": "hi", "project_id": project});
    let sent = house.send_with(&maria, chat, "k", body).await;
    assert_eq!((sent.status, sent.body["chat"]["project_id"].clone()), (StatusCode::ACCEPTED, project));
    house.instruct(&maria, wish("At length.", 1)).await;
    let Some(Given::Going(going)) = house.context(&maria, sent.id("reply"), 1).await.unwrap().answer else {
        panic!("settled")
    };
    let said: Vec<_> = going.system.iter().map(|part| (part.kind.as_str(), part.text.as_str())).collect();
    let own = "What to call the user: Maria\n\nHow the user wants answers to be: Briefly.";
    assert_eq!(said, [("instructions", own), ("project", "Plants only.")]);
    let body = json!({"id": Uuid::now_v7(), "parent_id": null, "text": "hi", "project_id": Uuid::now_v7()});
    assert_eq!(house.send_with(&maria, Uuid::now_v7(), "k2", body).await.status, StatusCode::NOT_FOUND);
}
