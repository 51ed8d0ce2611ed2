//! Who may produce an answer, when workers die or only seem to.

use crate::house::House;
use ai::providers::{Continuation, Role};
use chrono::TimeDelta;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_streamed_stored_and_closed_once() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let call = worker.call().await;
    assert_eq!((call.ask.turns.len(), call.ask.prefix.as_str(), call.ask.attempt), (2, "", 1));
    let system = &call.ask.turns[0];
    assert!(system.role == Role::System && system.text.contains("Today is 2027-01-15"), "{}", system.text);
    call.say("one ");
    house.wait_shown(reply, "one ").await;
    call.say("two");
    call.end();
    let stored = house.wait_for(chat, "complete").await;
    assert_eq!((stored["text"].as_str(), stored["attempt"].as_i64()), (Some("one two"), Some(1)));
    house.settled(reply, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_workers_answer_is_gone_on_with_after_its_lease() {
    let house = House::new(false).await;
    let mut first = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let call = first.call().await;
    call.say("one ");
    house.wait_shown(reply, "one ").await;
    first.kill();

    let mut second = house.worker(Continuation::Prefix, false);
    // The lease has not expired: nobody may take it.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert!(second.calls.try_recv().is_err(), "taken before the lease expired");
    house.clock.advance(TimeDelta::seconds(3));
    let call = second.call().await;
    assert_eq!((call.ask.prefix.as_str(), call.ask.attempt), ("one ", 2));
    call.say("two");
    call.end();
    let stored = house.wait_for(chat, "complete").await;
    assert_eq!((stored["text"].as_str(), stored["attempt"].as_i64()), (Some("one two"), Some(2)));
    house.settled(reply, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_only_seemed_dead_can_add_nothing() {
    let house = House::new(false).await;
    let mut zombie = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let old = zombie.call().await;
    old.say("one ");
    house.wait_shown(reply, "one ").await;
    // Its heart stops, its tasks do not.
    zombie.background.ending().cancel();
    let mut second = house.worker(Continuation::Prefix, false);
    house.clock.advance(TimeDelta::seconds(3));
    let new = second.call().await;
    new.say("two ");
    house.wait_shown(reply, "one two ").await;
    old.say("ZOMBIE");
    old.end();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    new.say("three");
    new.end();
    let stored = house.wait_for(chat, "complete").await;
    assert_eq!(stored["text"].as_str(), Some("one two three"));
    house.settled(reply, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_an_embedded_start_the_former_processs_answers_are_free_at_once() {
    let house = House::new(true).await;
    let mut first = house.worker(Continuation::Asked, true);
    let (chat, reply) = house.send("hello").await;
    let call = first.call().await;
    call.say("one ");
    house.wait_shown(reply, "one ").await;
    first.kill();
    let mut second = house.worker(Continuation::Asked, false);
    let call = second.call().await;
    assert_eq!(call.ask.turns.last().unwrap().text, ai::providers::GO_ON);
    assert_eq!(call.ask.turns[call.ask.turns.len() - 2].text, "one ");
    call.say("two");
    call.end();
    let stored = house.wait_for(chat, "complete").await;
    assert_eq!(stored["text"].as_str(), Some("one two"));
    assert_eq!(stored["marks"], serde_json::json!([{"kind": "continued", "at": 4}]));
    house.settled(reply, 1).await;
}
