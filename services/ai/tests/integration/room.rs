//! Where the streams have no more room, answers end with what was shown, and the room is free again.

use crate::house::{DEADLINE, House};
use ai::providers::Continuation;
use platform::{Code, streams::Options};
use std::time::Duration;
use uuid::Uuid;

/// What a stream counts beside its entries, what an entry counts beside its bytes, and the bytes of a
/// piece beside its text.
const STREAM: u64 = 1024;
const ENTRY: u64 = 37;
const PIECE: u64 = 2;

fn options() -> Options {
    Options { retention: Duration::from_millis(10), ..Options::default() }
}

/// Waits until nothing of a stream is kept.
async fn freed(house: &House, reply: Uuid) {
    let freeing = async {
        loop {
            let gone = house.platform.streams.append(reply, u32::MAX, vec![]).await;
            if gone.is_err_and(|error| error.code() == Code::NotFound) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, freeing).await.expect("the stream is freed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_stream_is_full_to_the_last_byte_ends() {
    let pieces = 10;
    let stream_bytes = STREAM + pieces * (ENTRY + PIECE + 3);
    let house = House::keeping(Options { stream_bytes, ..options() }).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (chat, reply) = house.send("go on and on").await;
    let call = worker.call().await;
    let mut shown = String::new();
    for _ in 0..pieces {
        call.say("on ");
        shown.push_str("on ");
        house.wait_shown(reply, &shown).await;
    }
    call.say("on ");
    let stored = house.wait_for(chat, "interrupted").await;
    assert_eq!((stored["reason"]["code"].as_str(), stored["text"].as_str()), (Some("length"), Some(shown.as_str())));
    house.settled(reply, 1).await;
    freed(&house, reply).await;
    assert_eq!(house.reserved().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_have_too_much_the_longest_ends_and_the_others_go_on() {
    let house = House::keeping(Options { kept_bytes: 30_000, ..options() }).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let (short_chat, short) = house.send("short").await;
    let short_call = worker.call().await;
    short_call.say("one ");
    house.wait_shown(short, "one ").await;
    let (long_chat, long) = house.send("long").await;
    let mut long_call = worker.call().await;
    let piece = "x".repeat(10_000);
    long_call.say(&piece);
    house.wait_shown(long, &piece).await;
    long_call.say(&piece);
    house.wait_shown(long, &piece.repeat(2)).await;
    long_call.say(&piece);
    let stored = house.wait_for(long_chat, "interrupted").await;
    assert_eq!(stored["reason"]["code"], "length");
    assert!(stored["text"] == piece.repeat(2), "another text than was shown");
    house.accounted(long).await;
    long_call.over().await;
    freed(&house, long).await;
    short_call.say(&piece);
    short_call.end();
    let stored = house.wait_for(short_chat, "complete").await;
    assert!(stored["text"] == format!("one {piece}"), "another text than was said");
    house.settled(short, 1).await;
    assert!(worker.calls.try_recv().is_err(), "a provider was asked again");
}
