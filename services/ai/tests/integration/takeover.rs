//! Going on after a break: shown text never vanishes and is never started over.

use crate::house::House;
use ai::providers::Continuation;
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_gone_on_with_from_what_was_shown() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let call = worker.call().await;
    call.say("one ");
    call.cut();
    let call = worker.call().await;
    assert_eq!((call.ask.prefix.as_str(), call.ask.attempt), ("one ", 2));
    call.say("two");
    call.end();
    assert_eq!(house.wait_for(chat, "complete").await["text"], "one two");
    house.settled(reply, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_word_one_more_try_and_no_more() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    worker.call().await.cut();
    worker.call().await.cut();
    let stored = house.wait_for(chat, "failed").await;
    assert_eq!((stored["reason"]["code"].as_str(), stored["text"].as_str()), (Some("cut"), Some("")));
    house.settled(reply, 1).await;
    assert!(worker.calls.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn takeovers_without_new_text_end() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let call = worker.call().await;
    call.say("one ");
    call.cut();
    for _ in 0..3 {
        worker.call().await.cut();
    }
    let stored = house.wait_for(chat, "failed").await;
    assert_eq!((stored["reason"]["code"].as_str(), stored["text"].as_str()), (Some("no_progress"), Some("one ")));
    house.settled(reply, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_turns_cannot_be_had_ends_with_what_was_shown() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let call = worker.call().await;
    call.say("one ");
    house.wait_shown(reply, "one ").await;
    house.turns_fail.store(true, Ordering::Relaxed);
    call.cut();
    let stored = house.wait_for(chat, "failed").await;
    assert_eq!((stored["reason"]["code"].as_str(), stored["text"].as_str()), (Some("no_progress"), Some("one ")));
    house.settled(reply, 1).await;
    assert!(worker.calls.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_on_is_kept_and_the_person_may_ask() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::None, true);
    let (chat, reply) = house.send("hello").await;
    let call = worker.call().await;
    call.say("one ");
    call.cut();
    let stored = house.wait_for(chat, "interrupted").await;
    assert_eq!((stored["reason"]["code"].as_str(), stored["text"].as_str()), (Some("cut"), Some("one ")));
    house.settled(reply, 1).await;

    let asked = house.post(&format!("/api/v1/replies/{reply}/continue")).await;
    assert_eq!((asked["state"].as_str(), asked["text"].as_str()), (Some("queued"), Some("one ")));
    let call = worker.call().await;
    assert_eq!(call.ask.turns.last().unwrap().text, ai::providers::GO_ON);
    call.say("two");
    call.end();
    let stored = house.wait_for(chat, "complete").await;
    assert_eq!((stored["id"].as_str(), stored["text"].as_str()), (Some(reply.to_string().as_str()), Some("one two")));
    house.settled(reply, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_it_soon_with_what_was_shown() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("hello").await;
    let call = worker.call().await;
    call.say("one ");
    house.wait_shown(reply, "one ").await;
    // one that was meant for somebody before ends nothing
    house.platform.streams.nudge(reply).await.unwrap();
    call.say("two ");
    house.wait_shown(reply, "one two ").await;
    house.post(&format!("/api/v1/replies/{reply}/stop")).await;
    let stored = house.wait_for(chat, "stopped").await;
    assert_eq!(stored["text"], "one two ");
    house.settled(reply, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_a_queued_reply_keeps_it_from_being_asked() {
    let house = House::new(true).await;
    let (chat, reply) = {
        // The worker's model list is needed for sending; it is gone before the message comes.
        let worker = house.worker(Continuation::Prefix, true);
        worker.background.ending().cancel();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        house.send("hello").await
    };
    let stopped = house.post(&format!("/api/v1/replies/{reply}/stop")).await;
    assert_eq!(stopped["state"], "stopped");
    let mut worker = house.worker(Continuation::Prefix, false);
    house.settled(reply, 1).await;
    assert!(worker.calls.try_recv().is_err());
    assert_eq!(house.reply(chat).await["state"], "stopped");
}
