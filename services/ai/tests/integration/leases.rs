//! Who may produce an answer, when workers die or only seem to.

use crate::house::House;
use ai::providers::{Continuation, Role};
use chrono::TimeDelta;
use proto::{Message as _, ai::v1::GenerationFinished};

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

/// What somebody who goes on finds of the attempt before.
enum Left {
    /// Its lease is open.
    Open,
    /// A sweep took it over as the second attempt, and got no further.
    TakenOver,
}

async fn the_account_of_a_dead_attempt(left: Left) {
    let house = House::new(false).await;
    let mut first = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let call = first.call().await;
    call.say("one ");
    house.wait_shown(reply, "one ").await;
    // it has told chat of the end, and dies before it closes the lease
    first.kill();
    house.end(reply, 1, "interrupted", "one ").await;
    assert_eq!(house.post(&format!("/api/v1/replies/{reply}/continue")).await["attempt"], 2);
    if matches!(left, Left::TakenOver) {
        house.run("update ai_generations set attempt = 2").await;
    }

    let mut second = house.worker(Continuation::Prefix, false);
    if matches!(left, Left::TakenOver) {
        house.accounted(reply).await;
        house.clock.advance(TimeDelta::seconds(3));
    }
    let call = second.call().await;
    assert_eq!(call.ask.prefix, "one ");
    call.say("two");
    call.end();
    assert_eq!(house.wait_for(chat, "complete").await["text"], "one two");
    house.settled(reply, 2).await;
    let accounts = house.events("generation.finished").await;
    let accounts: Vec<_> =
        accounts.iter().map(|payload| GenerationFinished::decode(payload.as_slice()).unwrap()).collect();
    assert_eq!((accounts[0].attempt, accounts[0].state.as_str()), (1, "interrupted"));
    assert_eq!(accounts[1].state, "complete");
    // what both have used is in one of them, and booked once
    let used: u64 = accounts.iter().filter_map(|account| account.usage).map(|usage| usage.input + usage.output).sum();
    assert_eq!(i64::try_from(used).unwrap(), house.day_tokens().await);
    assert_eq!(house.reserved().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_on_gives_the_account_that_a_dead_attempt_did_not() {
    the_account_of_a_dead_attempt(Left::Open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_when_the_dead_attempt_was_taken_over_first() {
    the_account_of_a_dead_attempt(Left::TakenOver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_when_that_one_has_ended_as_well() {
    let house = House::new(false).await;
    let mut first = house.worker(Continuation::Prefix, true);
    let (_, reply) = house.send("hello").await;
    first.call().await;
    first.kill();
    house.end(reply, 1, "failed", "").await;
    house.post(&format!("/api/v1/replies/{reply}/continue")).await;
    house.end(reply, 2, "complete", "one").await;
    house.run("update ai_generations set attempt = 2, state = 'closed'").await;
    let _second = house.worker(Continuation::Prefix, false);
    house.settled(reply, 1).await;
    let account = GenerationFinished::decode(house.events("generation.finished").await[0].as_slice()).unwrap();
    assert_eq!((account.attempt, account.state.as_str()), (1, "failed"));
}
