//! Places for answers when there are fewer of them than answers: nobody has them all, and who waits can be stopped.

use crate::house::{Call, House};
use ai::providers::Continuation;
use uuid::Uuid;

fn question(call: &Call) -> &str {
    &call.ask.turns.last().unwrap().text
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_is_served_beside_one_who_asks_for_everything() {
    let house = House::new(true).await;
    let mut worker = house.narrow_worker(Continuation::Prefix, true, 4);
    for _ in 0..8 {
        house.send("heavy").await;
    }
    let mut running = Vec::new();
    for _ in 0..3 {
        running.push(worker.call().await);
    }
    // none of the running ones has to end for it
    house.send_of(Uuid::now_v7(), "other").await;
    let other = worker.call().await;
    assert_eq!(question(&other), "other");
    assert!(running.iter().all(|call| question(call) == "heavy"));
    // and nothing is left unused for ever: all of it comes to its end
    other.end();
    for _ in 0..5 {
        running.remove(0).end();
        running.push(worker.call().await);
    }
    assert!(running.iter().all(|call| question(call) == "heavy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_heard_by_an_answer_that_waits_to_go_on() {
    let house = House::new(true).await;
    let mut worker = house.narrow_worker(Continuation::None, true, 1);
    let (chat, reply) = house.send("first").await;
    let call = worker.call().await;
    call.say("one ");
    call.cut();
    house.wait_for(chat, "interrupted").await;
    house.settled(reply, 1).await;
    house.send("second").await;
    let second = worker.call().await;
    assert_eq!(question(&second), "second");
    house.post(&format!("/api/v1/replies/{reply}/continue")).await;
    // leased, so that it waits for a place now or in a moment
    while house.number("select count(*) from ai_generations where state = 'open'").await < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    house.post(&format!("/api/v1/replies/{reply}/stop")).await;
    assert_eq!(house.wait_for(chat, "stopped").await["text"], "one ");
    assert!(worker.calls.try_recv().is_err());
    second.end();
}
