//! Finding chats and messages again.

use crate::house::House;
use futures_util::FutureExt as _;
use http::{Method, StatusCode};
use platform::{db::Scope, principal::Person};
use serde_json::{Value, json};
use uuid::Uuid;

impl House {
    async fn search(&self, person: &Person, typed: &str) -> Vec<Value> {
        let typed: String = typed.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = self.get(person, &format!("/api/v1/search?q={typed}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body["results"].as_array().unwrap().clone()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let found = self.platform.db.read(Scope::System, move |tx| async move { tx.query(sql).value().await }.boxed());
        found.await.unwrap().unwrap_or(0)
    }

    /// Chats that are not findable yet.
    async fn waiting(&self) -> i64 {
        self.number("select count(*) from chat_search_backlog").await
    }

    /// Titles and messages that can be found.
    async fn documents(&self) -> i64 {
        self.number("select count(*) from chat_search_rows").await
    }

    async fn finds(&self, typed: &str) -> Vec<String> {
        let found = self.search(&self.ana, typed).await;
        found.iter().map(|found| found["snippet"].as_array().unwrap().iter().map(piece).collect()).collect()
    }
}

fn piece(piece: &Value) -> String {
    let text = piece["text"].as_str().unwrap();
    if piece["match"] == true { format!("[{text}]") } else { text.into() }
}

#[tokio::test]
async fn titles_and_texts_of_both_sides_are_found() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "Cum se scrie știință?").await;
    let (chat, reply) = (sent.id("chat"), sent.id("reply"));
    house.finish(&house.ana, reply, 1, "With a comma below: s\u{326}tiin\u{21b}\u{103}.").await.unwrap();
    house.begin(&house.dan, "Cum se scrie știință și la el?").await;

    let found = house.search(&house.ana, "STIINTA").await;
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|found| found["chat"]["id"] == json!(chat)));
    let messages: Vec<_> = found.iter().filter_map(|found| found["message_id"].as_str()).collect();
    assert!(messages.contains(&reply.to_string().as_str()) && messages.len() == 2);
    assert!(found.iter().any(|found| found["role"] == "assistant"));

    assert_eq!(house.finds("comma bel").await, ["With a [comma] [below]: s\u{326}tiin\u{21b}\u{103}."]);
    assert_eq!(house.finds("\"comma below\"").await.len(), 1);
    assert!(house.finds("\"below comma\"").await.is_empty() && house.finds("comm below").await.is_empty());
    assert!(house.finds("").await.is_empty() && house.finds(" - ").await.is_empty());
}

#[tokio::test]
async fn nothing_that_is_typed_is_an_error() {
    let house = House::new().await;
    house.begin(&house.ana, "NEAR and OR and NOT").await;
    for typed in [
        "\"",
        "near(",
        "a AND",
        "OR",
        "NOT near",
        "title : x",
        "x*",
        "^near",
        "-near",
        "{a b} : c",
        "'; drop",
        "\0",
        "💥",
        &"a ".repeat(3000),
    ] {
        house.search(&house.ana, typed).await;
    }
    assert_eq!(house.finds("OR NOT NEAR").await.len(), 2);
    for wrong in ["?q=a&limit=0", "?q=a&limit=101", "?q=a&x=1"] {
        let answer = house.get(&house.ana, &format!("/api/v1/search{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn what_changes_is_found_as_it_is_now() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "walnut").await;
    let (chat, path) = (sent.id("chat"), format!("/api/v1/chats/{}", sent.id("chat")));
    let call = async |method: Method, path: &str, body: Value| house.call(&house.ana, method, path, body).await.status;
    assert_eq!(house.finds("walnut").await.len(), 2);
    call(Method::PATCH, &path, json!({"version": 1, "title": "Chestnut"})).await;
    assert_eq!((house.finds("walnut").await.len(), house.finds("chestnut").await.len()), (1, 1));
    // every branch, also one that is not shown
    let edit = json!({"id": Uuid::now_v7(), "parent_id": null, "text": "hazel", "branch": true});
    house.send_with(&house.ana, chat, "edit", edit).await;
    assert_eq!((house.finds("walnut").await.len(), house.finds("hazel").await.len()), (1, 1));
    // an answer that goes on is found by its end too
    let reply = sent.id("reply");
    house.finish(&house.ana, reply, 1, "acorn").await.unwrap();
    assert_eq!(house.finds("acorn").await.len(), 1);

    // archived chats are found, those in the trash are not, and what is erased never again
    call(Method::PATCH, &path, json!({"version": 2, "archived": true})).await;
    assert_eq!(house.finds("chestnut").await.len(), 1);
    call(Method::DELETE, &path, Value::Null).await;
    assert!(house.finds("chestnut").await.is_empty() && house.finds("hazel").await.is_empty());
    call(Method::POST, &format!("{path}/restore"), Value::Null).await;
    assert_eq!(house.finds("hazel").await.len(), 1);
    call(Method::DELETE, &format!("{path}/forever"), Value::Null).await;
    assert!(house.finds("chestnut").await.is_empty() && house.finds("hazel").await.is_empty());
    assert_eq!(house.begin(&house.ana, "hazel again").await.status, StatusCode::ACCEPTED);
    assert_eq!(house.finds("hazel").await.len(), 2);
}

#[tokio::test]
async fn the_best_come_first_and_no_chat_takes_all_places() {
    let house = House::new().await;
    let title = house.begin(&house.ana, "Gooseberry jam").await;
    let many = house.begin(&house.ana, "Fruit").await;
    let (chat, mut leaf) = (many.id("chat"), many.id("reply"));
    for n in 0..6 {
        house
            .finish(
                &house.ana,
                leaf,
                1,
                &format!("A long text in which gooseberry number {n} stands among many other words"),
            )
            .await
            .unwrap();
        let next = json!({"id": Uuid::now_v7(), "parent_id": leaf, "text": "more"});
        leaf = house.send_with(&house.ana, chat, &format!("{n}"), next).await.id("reply");
    }
    let found = house.search(&house.ana, "gooseberry").await;
    assert_eq!(found[0]["chat"]["id"], json!(title.id("chat")));
    assert_eq!(found.iter().filter(|found| found["chat"]["id"] == json!(chat)).count(), 3);
}

#[tokio::test]
async fn what_lies_in_the_trash_hides_nothing_that_is_older() {
    let house = House::new().await;
    let kept = house.begin(&house.ana, "heron").await.id("chat");
    // more in the trash than are weighed against each other
    for n in 0..520 {
        house.begin(&house.ana, &format!("heron {n}")).await;
    }
    house.call(&house.ana, Method::POST, "/api/v1/chats/delete-all", Value::Null).await;
    assert!(house.finds("heron").await.is_empty());
    house.call(&house.ana, Method::POST, &format!("/api/v1/chats/{kept}/restore"), Value::Null).await;
    assert_eq!(house.finds("heron").await, ["[heron]", "[heron]"]);
}

#[tokio::test]
async fn what_happens_while_older_chats_become_findable_is_not_lost() {
    let house = House::new().await;
    for n in 0..300 {
        house.begin(&house.ana, &format!("curlew {n}")).await;
    }
    let renamed = house.begin(&house.ana, "stork").await.id("chat");
    house.forget_search().await;
    let path = format!("/api/v1/chats/{renamed}");
    house.call(&house.ana, Method::PATCH, &path, json!({"version": 1, "title": "Crane"})).await;
    house.restart().await;
    house.until(async || house.waiting().await == 0).await;
    // the title as it is now, once, and the message under it
    assert_eq!((house.finds("stork").await.len(), house.finds("crane").await.len()), (1, 1));
    assert_eq!(house.finds("\"curlew 299\"").await.len(), 2);
    assert_eq!(house.finds("\"curlew 0\"").await.len(), 2);
    assert_eq!(house.documents().await, 301 * 2);
}

#[tokio::test]
async fn chats_from_before_the_search_become_findable() {
    let house = House::new().await;
    house.begin(&house.ana, "long ago").await;
    house.forget_search().await;
    assert!(house.finds("ago").await.is_empty());
    house.restart().await;
    house.until(async || house.finds("ago").await.len() == 2).await;
}

#[tokio::test]
async fn a_draft_is_kept_and_never_overwritten_unseen() {
    let house = House::new().await;
    let chat = house.begin(&house.ana, "one").await.id("chat");
    let path = format!("/api/v1/drafts/{chat}");
    let write = async |text: &str, version: i64| {
        house.call(&house.ana, Method::PUT, &path, json!({"text": text, "version": version})).await
    };
    assert_eq!(house.get(&house.ana, &path).await.body, json!({"text": "", "version": 0, "updated_at": null}));
    assert_eq!(write("begun", 0).await.body["version"], 1);
    assert_eq!(write("begun", 0).await.body["version"], 1, "the same again is no change");
    let stale = write("other", 0).await;
    assert_eq!(
        (stale.status, stale.code(), stale.body["current"]["text"].as_str()),
        (StatusCode::CONFLICT, "stale", Some("begun"))
    );
    let open = house.get(&house.ana, &format!("/api/v1/chats/{chat}")).await;
    assert_eq!(open.body["draft"]["text"], "begun");
    // sent on one device: another one that did not hear of it does not bring it back
    assert_eq!(write("", 1).await.body["version"], 2);
    assert_eq!(write("begun and more", 1).await.status, StatusCode::CONFLICT);
    assert_eq!(house.get(&house.ana, &path).await.body["text"], "");

    let new = house.call(&house.ana, Method::PUT, "/api/v1/drafts/new", json!({"text": "hello", "version": 0})).await;
    assert_eq!(new.body["version"], 1);
    assert_eq!(house.get(&house.dan, "/api/v1/drafts/new").await.body["version"], 0);
    assert_eq!(house.get(&house.dan, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get(&house.ana, "/api/v1/drafts/other").await.status, StatusCode::NOT_FOUND);
    let race = (0..10).map(|n| {
        house.call(&house.ana, Method::PUT, "/api/v1/drafts/new", json!({"text": format!("{n}"), "version": 1}))
    });
    let answers = futures_util::future::join_all(race.collect::<Vec<_>>()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
}
