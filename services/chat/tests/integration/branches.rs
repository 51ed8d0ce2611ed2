//! Editing, regenerating, switching: a chat is a tree, and one path of it is shown.

use crate::house::{Answer, House};
use http::{Method, StatusCode};
use proto::chat::v1::context_answer::Answer as Given;
use serde_json::{Value, json};
use uuid::Uuid;

impl House {
    async fn edit(&self, chat: Uuid, parent: Option<Uuid>, text: &str) -> Answer {
        let id = Uuid::now_v7();
        let body = json!({"id": id, "parent_id": parent, "text": text, "branch": true});
        let answer = self.send_with(&self.ana, chat, &id.to_string(), body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        answer
    }

    async fn regenerate(&self, reply: Uuid, key: &str, body: Value) -> Answer {
        let request = self.request(&self.ana, Method::POST, &format!("/api/v1/replies/{reply}/regenerate"));
        let request = request.header("idempotency-key", key);
        self.raw(request.body(axum::body::Body::from(body.to_string())).unwrap()).await
    }

    async fn switch(&self, chat: Uuid, message: Uuid) -> Answer {
        let path = format!("/api/v1/chats/{chat}/switch");
        self.call(&self.ana, Method::POST, &path, json!({"message_id": message})).await
    }

    async fn shown(&self, chat: Uuid) -> Vec<String> {
        texts(&self.get(&self.ana, &format!("/api/v1/chats/{chat}")).await)
    }
}

fn texts(answer: &Answer) -> Vec<String> {
    let messages = answer.body["messages"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_edit_stands_beside_what_was_there_and_stops_its_answer() {
    let house = House::new().await;
    let first = house.begin(&house.ana, "one").await;
    let (chat, old) = (first.id("chat"), first.id("reply"));
    // the answer is being written
    assert!(matches!(house.context(&house.ana, old, 1).await.unwrap().answer, Some(Given::Going(_))));
    let second = house.edit(chat, None, "uno").await;
    assert_eq!(second.body["message"]["siblings"], json!([first.id("message"), second.id("message")]));
    assert_eq!(house.shown(chat).await, ["uno", ""]);
    // what the old answer had is kept, as stopped
    assert_eq!(house.finish(&house.ana, old, 1, "half").await.unwrap().state, "stopped");
    house.finish(&house.ana, second.id("reply"), 1, "answer to uno").await.unwrap();

    let open = house.switch(chat, first.id("message")).await;
    assert_eq!((open.status, texts(&open)), (StatusCode::OK, vec!["one".to_owned(), "half".to_owned()]));
    assert_eq!(open.body["messages"][0]["siblings"], json!([first.id("message"), second.id("message")]));
    assert_eq!(open.body["messages"][1]["siblings"], json!([old]));
    assert_eq!(house.shown(chat).await, ["one", "half"]);

    let tree = house.get(&house.ana, &format!("/api/v1/chats/{chat}/tree")).await;
    assert_eq!(tree.body["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(tree.body["active_leaf"], json!(old));
    assert_eq!(tree.body["nodes"][0]["excerpt"], "one");
}

#[tokio::test]
async fn nothing_is_edited_under_an_answer_that_is_being_written() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let body = json!({"id": Uuid::now_v7(), "parent_id": sent.id("reply"), "text": "two", "branch": true});
    let early = house.send_with(&house.ana, sent.id("chat"), "k", body.clone()).await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "conflict"));
    // and nothing under what is in another chat
    let other = house.begin(&house.ana, "other").await;
    house.finish(&house.ana, sent.id("reply"), 1, "answer").await.unwrap();
    let foreign = house.send_with(&house.ana, other.id("chat"), "k", body).await;
    assert_eq!((foreign.status, foreign.code()), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test]
async fn a_regenerated_answer_knows_how_it_shall_differ() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (chat, first) = (sent.id("chat"), sent.id("reply"));
    house.finish(&house.ana, first, 1, "long answer").await.unwrap();
    let asked = json!({"model": "test/two", "instruction": "shorter"});
    let again = house.regenerate(first, "key", asked.clone()).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.body);
    let second = again.id("reply");
    assert_eq!(again.body["reply"]["siblings"], json!([first, second]));
    assert_eq!(again.body["chat"]["model"], "test/two");
    let Some(Given::Going(going)) = house.context(&house.ana, second, 1).await.unwrap().answer else {
        panic!("settled")
    };
    assert_eq!((going.turns.len(), going.turns[0].text.as_str(), going.model.as_str()), (1, "one", "test/two"));
    assert_eq!((going.system[0].kind.as_str(), going.system[0].text.as_str()), ("regenerate", "shorter"));
    house.finish(&house.ana, second, 1, "short").await.unwrap();
    assert_eq!(house.shown(chat).await, ["one", "short"]);

    // the same key a hundred times is one answer; another request with it is refused
    let (events, _) = house.events().await;
    let again = futures_util::future::join_all((0..100).map(|_| house.regenerate(first, "key", asked.clone()))).await;
    assert!(again.iter().all(|answer| answer.status == StatusCode::ACCEPTED && answer.id("reply") == second));
    assert_eq!(house.events().await.0, events);
    let other = house.regenerate(first, "key", json!({})).await;
    assert_eq!((other.status, other.code()), (StatusCode::UNPROCESSABLE_ENTITY, "mismatch"));
    // the new answer is not of the old instruction
    let third = house.regenerate(second, "third", json!({})).await.id("reply");
    let Some(Given::Going(going)) = house.context(&house.ana, third, 1).await.unwrap().answer else {
        panic!("settled")
    };
    assert!(going.system.is_empty(), "{:?}", going.system);
}

#[tokio::test]
async fn a_subtree_is_shown_where_it_was_looked_at_last() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (chat, a) = (sent.id("chat"), sent.id("reply"));
    house.finish(&house.ana, a, 1, "a").await.unwrap();
    let b = house.regenerate(a, "b", json!({})).await.id("reply");
    house.finish(&house.ana, b, 1, "b").await.unwrap();
    // under b two ways to go on
    let x = house.edit(chat, Some(b), "x").await;
    house.finish(&house.ana, x.id("reply"), 1, "x answer").await.unwrap();
    let y = house.edit(chat, Some(b), "y").await;
    house.finish(&house.ana, y.id("reply"), 1, "y answer").await.unwrap();

    house.switch(chat, x.id("message")).await;
    house.switch(chat, a).await;
    assert_eq!(house.shown(chat).await, ["one", "a"]);
    house.switch(chat, b).await;
    assert_eq!(house.shown(chat).await, ["one", "b", "x", "x answer"], "the last one looked at, not the newest");
    // a message of another chat names nothing here
    let other = house.begin(&house.ana, "other").await;
    assert_eq!(house.switch(chat, other.id("message")).await.status, StatusCode::NOT_FOUND);
    // sending goes on where one is
    let body = json!({"id": Uuid::now_v7(), "parent_id": x.id("reply"), "text": "more"});
    assert_eq!(house.send_with(&house.ana, chat, "more", body).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn an_answer_that_ended_unseen_is_unread_until_it_is_looked_at() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (chat, reply) = (sent.id("chat"), sent.id("reply"));
    let unread = async || house.get(&house.ana, "/api/v1/chats").await.body["chats"][0]["unread"].clone();
    assert_eq!(unread().await, false);
    house.finish(&house.ana, reply, 1, "answer").await.unwrap();
    assert_eq!(unread().await, true);
    let read = format!("/api/v1/chats/{chat}/read");
    // looking at what came before is not looking at it
    let looked = house.call(&house.ana, Method::POST, &read, json!({"message_id": sent.id("message")})).await;
    assert_eq!((looked.status, unread().await), (StatusCode::NO_CONTENT, json!(true)));
    house.call(&house.ana, Method::POST, &read, json!({"message_id": reply})).await;
    assert_eq!(unread().await, false);
    let (events, _) = house.events().await;
    house.call(&house.ana, Method::POST, &read, json!({"message_id": reply})).await;
    assert_eq!(house.events().await.0, events, "a second look changes nothing");
}

#[tokio::test]
async fn the_chain_of_parents_decides_the_order_whatever_the_clock_says() {
    let house = House::new().await;
    // The clock stands still, and by their ids the questions come behind everything else.
    let question = |n: u128| Uuid::from_u128(u128::MAX - n);
    let chat = Uuid::now_v7();
    let first = json!({"id": question(1), "parent_id": null, "text": "one"});
    let first = house.send_with(&house.ana, chat, "1", first).await.id("reply");
    house.finish(&house.ana, first, 1, "answer one").await.unwrap();
    // It is set back, as a machine's clock is corrected.
    house.clock.advance(chrono::TimeDelta::hours(-1));
    let second = json!({"id": question(2), "parent_id": first, "text": "two"});
    let second = house.send_with(&house.ana, chat, "2", second).await.id("reply");
    house.finish(&house.ana, second, 1, "answer two").await.unwrap();
    let chain = json!([question(1), first, question(2), second]);

    let ids = |list: &Value| Value::from_iter(list.as_array().unwrap().iter().map(|turn| turn["id"].clone()));
    let tree = house.get(&house.ana, &format!("/api/v1/chats/{chat}/tree")).await;
    assert_eq!(ids(&tree.body["nodes"]), chain);
    let export = house.get(&house.ana, &format!("/api/v1/chats/{chat}/export?format=json")).await;
    assert_eq!(ids(&export.body["messages"]), chain);
    assert_eq!(house.shown(chat).await, ["one", "answer one", "two", "answer two"]);
}
