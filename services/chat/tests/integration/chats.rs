//! Lists, titles, the trash, and what belongs to whom.

use crate::house::House;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_list_comes_in_pages_without_gap_or_repeat() {
    let house = House::new().await;
    let mut begun = Vec::new();
    for n in 0..7 {
        begun.push(house.begin(&house.ana, &format!("chat {n}")).await.id("chat"));
    }
    house.begin(&house.dan, "not hers").await;
    let (mut seen, mut before): (Vec<Uuid>, Option<String>) = (Vec::new(), None);
    loop {
        let after = before.map(|before| format!("&before={before}")).unwrap_or_default();
        let page = house.get(&house.ana, &format!("/api/v1/chats?limit=3{after}")).await;
        seen.extend(
            page.body["chats"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().parse::<Uuid>().unwrap()),
        );
        before = page.body["next"].as_str().map(Into::into);
        if before.is_none() {
            break;
        }
    }
    // All at the same time: the id decides, and it grows.
    begun.sort_unstable();
    begun.reverse();
    assert_eq!(seen, begun);
    for wrong in ["limit=0", "limit=101", "limit=x", "before=x", "other=1"] {
        let answer = house.get(&house.ana, &format!("/api/v1/chats?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_title_is_changed_only_by_who_saw_the_one_before() {
    let house = House::new().await;
    let chat = house.begin(&house.ana, "one").await.id("chat");
    let path = format!("/api/v1/chats/{chat}");
    let rename = async |title: &str, version: i64| {
        house.call(&house.ana, Method::PATCH, &path, json!({"title": title, "version": version})).await
    };
    let renamed = rename("first", 1).await;
    assert_eq!((renamed.status, renamed.body["version"].as_i64()), (StatusCode::OK, Some(2)));
    let stale = rename("second", 1).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::CONFLICT, "stale"));
    assert_eq!(
        (stale.body["current"]["title"].as_str(), stale.body["current"]["version"].as_i64()),
        (Some("first"), Some(2))
    );
    assert_eq!(rename("", 2).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_trash_gives_back_what_was_in_it() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (path, reply) = (format!("/api/v1/chats/{}", sent.id("chat")), sent.id("reply"));
    assert_eq!(house.call(&house.ana, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&house.ana, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get(&house.ana, "/api/v1/chats").await.body["chats"], json!([]));
    // The answer was asked to stop; what it had is stored all the same.
    house.finish(&house.ana, reply, 1, "partial").await.unwrap();
    for _ in 0..2 {
        let restored = house.call(&house.ana, Method::POST, &format!("{path}/restore"), Value::Null).await;
        assert_eq!(restored.status, StatusCode::OK);
    }
    let open = house.get(&house.ana, &path).await;
    assert_eq!(
        (open.body["messages"][1]["text"].as_str(), open.body["messages"][1]["state"].as_str()),
        (Some("partial"), Some("stopped"))
    );
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_there() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "hers").await;
    let (chat, reply) = (format!("/api/v1/chats/{}", sent.id("chat")), format!("/api/v1/replies/{}", sent.id("reply")));
    let tries = [
        (Method::GET, chat.clone(), Value::Null),
        (Method::PATCH, chat.clone(), json!({"title": "mine", "version": 1})),
        (Method::DELETE, chat.clone(), Value::Null),
        (Method::POST, format!("{chat}/restore"), Value::Null),
        (Method::POST, format!("{reply}/stop"), json!({})),
        (Method::POST, format!("{reply}/continue"), json!({})),
    ];
    for (method, path, body) in tries {
        let foreign = house.call(&house.dan, method.clone(), &path, body.clone()).await;
        assert_eq!((foreign.status, foreign.code()), (StatusCode::NOT_FOUND, "not_found"), "{method} {path}");
        let invented = path.replace(&sent.id("chat").to_string(), &Uuid::now_v7().to_string());
        let invented = invented.replace(&sent.id("reply").to_string(), &Uuid::now_v7().to_string());
        let invented = house.call(&house.dan, method, &invented, body).await;
        assert_eq!(invented.body["detail"], foreign.body["detail"], "foreign and invented look the same");
    }
    let parent = json!({"id": Uuid::now_v7(), "parent_id": sent.id("reply"), "text": "x"});
    assert_eq!(house.send_with(&house.dan, sent.id("chat"), "k", parent).await.status, StatusCode::NOT_FOUND);
    let open = house.get(&house.ana, &chat).await;
    assert_eq!((open.body["chat"]["version"].as_i64(), open.body["chat"]["title"].as_str()), (Some(1), Some("hers")));
    let nobody = http::Request::get(&chat).body(axum::body::Body::empty()).unwrap();
    assert_eq!(house.raw(nobody).await.status, StatusCode::UNAUTHORIZED);
}
