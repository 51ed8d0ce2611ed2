//! An account ends: ai keeps nothing of its person, and what was on its way at that moment comes to
//! nothing, in chat and here.

use crate::house::{DEADLINE, House};
use ai::providers::Continuation;
use std::time::Duration;

const HELD: &str = "select (select count(*) from ai_generations) + (select count(*) from ai_reservations)
    + (select count(*) from ai_person_limits) + (select count(*) from ai_days where space_id <> zeroblob(16))
    + (select count(*) from ai_events where space_id <> zeroblob(16))";

impl House {
    async fn until_none(&self, sql: &'static str) {
        let waiting = async {
            while self.number(sql).await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("rows stay: {sql}"));
    }
}

#[tokio::test]
async fn nothing_stays_of_a_person_whose_account_has_ended() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("Hello").await;
    let call = worker.call().await;
    call.say("one two three");
    call.end();
    house.wait_for(chat, "complete").await;
    house.settled(reply, 1).await;
    assert!(house.number(HELD).await > 0 && house.day_tokens().await > 0);
    house.end_account().await;
    house.until_none(HELD).await;
}

#[tokio::test]
async fn an_answer_that_is_being_written_when_the_account_ends_comes_to_nothing() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (_, reply) = house.send("Hello").await;
    let mut call = worker.call().await;
    call.say("one two");
    house.wait_shown(reply, "one two").await;
    house.end_account().await;
    house.until_none("select count(*) from chat_messages").await;
    // The model says on until somebody ends it.
    call.say(" three");
    tokio::time::timeout(DEADLINE, call.over()).await.expect("the provider is let go");
    worker.background.drain(Duration::from_secs(10)).await;
    let left = "select (select count(*) from chat_messages) + (select count(*) from chat_chats)
        + (select count(*) from chat_search_rows) + (select count(*) from chat_events)";
    assert_eq!((house.number(HELD).await, house.number(left).await), (0, 0));
}
