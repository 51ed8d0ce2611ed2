//! An account ends: nothing of its space is left, and nothing of another one is touched.

use crate::{files::png, house::House};
use http::{Method, StatusCode};
use platform::{Code, principal::Person};
use proto::chat::v1::context_answer::Answer as Given;
use serde_json::json;
use uuid::Uuid;

/// Files of a person that lie on the disk.
fn files_of(house: &House, person: &Person) -> usize {
    let folder = house.folder().join("objects").join("chat").join(person.space().simple().to_string());
    let mut folders = vec![folder];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { files += 1 }
        }
    }
    files
}

#[tokio::test]
async fn nothing_is_left_of_an_account_that_ended() {
    let house = House::new().await;
    for person in [&house.ana, &house.dan] {
        let file = house.upload(person, "a.png", "image/png", png(5, 5, 10)).await.body["id"].clone();
        for n in 0..45 {
            let id = Uuid::now_v7();
            let body = json!({"id": id, "parent_id": null, "text": format!("chat {n}"), "attachments": [file]});
            house.send_with(person, Uuid::now_v7(), &id.to_string(), body).await;
        }
        house.call(person, Method::POST, "/api/v1/projects", json!({"name": "Project"})).await;
        house.call(person, Method::PUT, "/api/v1/drafts/new", json!({"text": "begun", "version": 0})).await;
    }
    let dans = house.rows_of(&house.dan).await;
    assert!(dans > 200);
    house.end_account(&house.ana).await;
    house.until(async || house.rows_of(&house.ana).await == 0).await;
    assert_eq!(house.rows_of(&house.dan).await, dans);
    house.until(async || files_of(&house, &house.ana) == 0).await;
    assert_eq!(files_of(&house, &house.dan), 1);
}

#[tokio::test]
async fn nothing_that_was_on_its_way_is_stored_after_the_end() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (chat, reply) = (sent.id("chat"), sent.id("reply"));
    // an answer is being written, and lists say so
    assert!(matches!(house.context(&house.ana, reply, 1).await.unwrap().answer, Some(Given::Going(_))));
    let path = format!("/api/v1/chats/{chat}");
    house.until(async || house.get(&house.ana, &path).await.body["messages"][1]["state"] == "streaming").await;
    let (_, _, export) = house.response(&house.ana, &format!("{path}/export?format=json")).await;
    house.end_account(&house.ana).await;
    house.until(async || house.rows_of(&house.ana).await == 0).await;

    // The answer's end, its next attempt, and requests of devices that have not heard of the end yet.
    assert_eq!(house.finish(&house.ana, reply, 1, "late").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(house.context(&house.ana, reply, 2).await.unwrap_err().code(), Code::NotFound);
    let call = async |method: Method, path: &str, body| house.call(&house.ana, method, path, body).await.status;
    let message = json!({"id": Uuid::now_v7(), "parent_id": null, "text": "late"});
    let late = house.send_with(&house.ana, Uuid::now_v7(), "late", message).await.status;
    let import = house.request(&house.ana, Method::POST, "/api/v1/imports?name=export");
    for (what, status) in [
        ("send", late),
        ("draft", call(Method::PUT, "/api/v1/drafts/new", json!({"text": "late", "version": 0})).await),
        ("project", call(Method::POST, "/api/v1/projects", json!({"name": "Late"})).await),
        ("export", call(Method::POST, "/api/v1/exports", json!({})).await),
        ("archive", call(Method::POST, "/api/v1/chats/archive-all", json!({})).await),
        ("file", house.upload(&house.ana, "a.png", "image/png", png(5, 5, 10)).await.status),
        ("import", house.raw(import.body(export.into()).unwrap()).await.status),
    ] {
        assert_eq!(status, StatusCode::NOT_FOUND, "{what}");
    }
    assert_eq!((house.rows_of(&house.ana).await, files_of(&house, &house.ana)), (0, 0));
    // and nobody else is kept from anything
    house.begin(&house.dan, "one").await;
}

#[tokio::test]
async fn what_was_erased_stays_erased_when_a_backup_comes_back() {
    let house = House::new().await;
    for n in 0..60 {
        house.begin(&house.ana, &format!("chat {n}")).await;
    }
    let reply = house.begin(&house.ana, "being answered").await.id("reply");
    // The backup is made in the middle of the erasure, or just before or behind it.
    house.end_account(&house.ana).await;
    let backup = house.backup().await;
    let restored = House::restored(backup, &house).await;
    restored.until(async || restored.rows_of(&restored.ana).await == 0).await;
    assert_eq!(restored.finish(&restored.ana, reply, 1, "late").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(restored.rows_of(&restored.ana).await, 0);
}
