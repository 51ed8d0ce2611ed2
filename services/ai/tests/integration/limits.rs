//! What a day allows: refused before anybody is asked, settled whatever happens, the question and the text kept.

use crate::house::House;
use ai::providers::Continuation;
use platform::principal::Role;
use proto::{Message as _, ai::v1::GenerationFinished};
use serde_json::{Value, json};

async fn own(house: &House) -> Value {
    house.ask(Role::USER, "GET", "/api/v1/limits", Value::Null).await.1
}

async fn limit(house: &House, change: Value) -> Value {
    let (_, now) = house.ask(Role::ADMIN, "GET", "/api/v1/admin/limits", Value::Null).await;
    let mut body = change;
    body["version"] = now["version"].clone();
    let (status, limits) = house.ask(Role::ADMIN, "PATCH", "/api/v1/admin/limits", body).await;
    assert_eq!(status, 200, "{limits}");
    limits
}

#[tokio::test]
async fn a_reply_beyond_the_cap_keeps_the_question_and_asks_nobody() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (status, priced) = house
        .ask(
            Role::ADMIN,
            "PUT",
            "/api/v1/admin/models",
            json!({"id": "told/model", "version": 0, "price_output": 2_000_000}),
        )
        .await;
    assert_eq!(status, 200, "{priced}");
    limit(&house, json!({"person_tokens": 3_000})).await;

    let (chat, reply) = house.send("Hello").await;
    let call = worker.call().await;
    call.say("one two three four");
    call.end();
    house.wait_for(chat, "complete").await;
    house.settled(reply, 1).await;
    let used = own(&house).await;
    let tokens = used["tokens"]["used"].as_i64().unwrap();
    assert!(tokens > 10 && tokens < 200 && used["tokens"]["cap"] == 3_000, "{used}");
    assert_eq!(used["cost"]["used"], 8, "four tokens at two millionths: {used}");
    let events = house.events("generation.finished").await;
    let finished = GenerationFinished::decode(events[0].as_slice()).unwrap();
    let usage = finished.usage.unwrap();
    assert_eq!((finished.cost, usage.output, usage.estimated), (8, 4, true));
    assert_eq!(finished.person.len(), 16);

    limit(&house, json!({"person_tokens": tokens + 20})).await;
    let (chat, reply) = house.send("Hello again").await;
    let failed = house.wait_for(chat, "failed").await;
    assert_eq!(failed["reason"]["code"], "cap_reached", "{failed}");
    assert!(failed["reason"]["detail"].as_str().unwrap().contains("midnight UTC"));
    house.settled(reply, 1).await;
    assert_eq!(own(&house).await["tokens"]["used"], tokens, "what was refused used nothing");
    assert_eq!(house.events("cap.reached").await.len(), 1);

    // In the middle of an answer: what was shown stays.
    limit(&house, json!({"person_tokens": tokens + 120})).await;
    let (chat, reply) = house.send("Hello once more").await;
    let call = worker.call().await;
    call.say("kept ");
    for _ in 0..40 {
        call.say("word word word word word ");
    }
    let failed = house.wait_for(chat, "failed").await;
    assert_eq!(failed["reason"]["code"], "cap_reached", "{failed}");
    assert!(failed["text"].as_str().unwrap().starts_with("kept word"), "{failed}");
    house.settled(reply, 1).await;
    assert_eq!(house.events("cap.reached").await.len(), 1, "told once a day");
    // Tomorrow is another day.
    house.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(own(&house).await["tokens"]["used"], 0);
}

#[tokio::test]
async fn what_a_dead_worker_used_is_settled_by_the_next_one() {
    let house = House::new(true).await;
    let mut first = house.worker(Continuation::Prefix, true);
    limit(&house, json!({"person_tokens": 100_000})).await;
    let (chat, reply) = house.send("Hello").await;
    let call = first.call().await;
    call.say("one two three");
    house.wait_shown(reply, "one two three").await;
    first.kill();

    let mut second = house.worker(Continuation::Prefix, false);
    let call = second.call().await;
    assert_eq!(call.ask.prefix, "one two three");
    call.say(" four five");
    call.end();
    house.wait_for(chat, "complete").await;
    house.settled(reply, 1).await;
    assert_eq!(house.reserved().await, 0);
    let events = house.events("generation.finished").await;
    let usage = GenerationFinished::decode(events[0].as_slice()).unwrap().usage.unwrap();
    assert_eq!(usage.output, 5, "of both attempts");
    assert_eq!(house.day_tokens().await, i64::try_from(usage.input + usage.output).unwrap());
}

#[tokio::test]
async fn limits_of_people_come_before_those_of_everybody() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Prefix, true);
    limit(&house, json!({"person_tokens": 5, "instance_cost": 9})).await;
    let path = format!("/api/v1/admin/limits/people/{}", house.person());
    let (status, own_limits) =
        house.ask(Role::ADMIN, "PUT", &path, json!({"tokens": 7, "cost": null, "version": 0})).await;
    assert_eq!((status, own_limits["version"].as_i64()), (200, Some(1)), "{own_limits}");
    assert_eq!(own(&house).await["tokens"]["cap"], 7);
    let (status, stale) = house.ask(Role::ADMIN, "PUT", &path, json!({"tokens": 8, "cost": null, "version": 0})).await;
    assert_eq!((status, stale["current"]["tokens"].as_i64()), (409, Some(7)), "{stale}");
    let (status, problem) =
        house.ask(Role::ADMIN, "PATCH", "/api/v1/admin/limits", json!({"version": 1, "person_cost": -1})).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("person_cost")));
    assert_eq!(limit(&house, json!({"person_tokens": null})).await["person_tokens"], Value::Null);
    assert_eq!(house.ask(Role::USER, "GET", "/api/v1/admin/limits", Value::Null).await.0, 403);
}
