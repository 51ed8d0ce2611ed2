//! Titles that a model makes after the first exchange.

use crate::house::House;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn after_the_first_exchange_a_chat_gets_a_title_and_keeps_its_version() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "how to prune roses?").await;
    let path = format!("/api/v1/chats/{}", sent.id("chat"));
    let title = async || house.get(&house.ana, &path).await.body["chat"]["title"].as_str().unwrap().to_owned();
    assert_eq!(title().await, "how to prune roses?");
    house.finish(&house.ana, sent.id("reply"), 1, "In spring.").await.unwrap();
    house.until(async || title().await == "About how to prune roses").await;
    let open = house.get(&house.ana, &path).await;
    assert_eq!(open.body["chat"]["version"], 1);
    // a change that was based on what was there before is no stale one
    let renamed = house.call(&house.ana, Method::PATCH, &path, json!({"version": 1, "title": "Roses"})).await;
    assert_eq!(renamed.body["version"], 2);
    assert!(house.events().await.1.contains("chat.titled:"));
}

#[tokio::test]
async fn a_persons_title_is_never_replaced() {
    let house = House::new().await;
    let (mine, other) = (house.begin(&house.ana, "one?").await, house.begin(&house.ana, "two?").await);
    let path = format!("/api/v1/chats/{}", mine.id("chat"));
    house.call(&house.ana, Method::PATCH, &path, json!({"version": 1, "title": "Mine"})).await;
    house.finish(&house.ana, mine.id("reply"), 1, "answer").await.unwrap();
    house.finish(&house.ana, other.id("reply"), 1, "answer").await.unwrap();
    let title =
        async |chat| house.get(&house.ana, &format!("/api/v1/chats/{chat}")).await.body["chat"]["title"].clone();
    // events come in order: when the later one has its title, the earlier one was considered
    house.until(async || title(other.id("chat")).await == "About two").await;
    assert_eq!(title(mine.id("chat")).await, "Mine");
}
