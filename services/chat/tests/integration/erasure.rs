//! An account ends: nothing of its space is left, and nothing of another one is touched.

use crate::{files::png, house::House};
use http::Method;
use serde_json::json;
use uuid::Uuid;

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
    let folder = house.folder().join("objects").join("chat");
    let left = |person: &platform::principal::Person| {
        let files = folder.join(person.space().simple().to_string()).join("files");
        std::fs::read_dir(files).map_or(0, Iterator::count)
    };
    house.until(async || left(&house.ana) == 0).await;
    assert_eq!(left(&house.dan), 1);
}
