//! Attempts, their fence, and the end of a reply.

use crate::house::House;
use futures_util::FutureExt as _;
use http::{Method, StatusCode};
use platform::{Code, principal::Caller};
use proto::chat::v1::{ContextRequest, FinishRequest, FollowRequest, chat_client::ChatClient, context_answer::Answer};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn only_the_current_attempt_may_end_a_reply() {
    let house = House::new().await;
    let reply = house.begin(&house.ana, "one").await.id("reply");
    let Some(Answer::Going(going)) = house.context(&house.ana, reply, 1).await.unwrap().answer else {
        panic!("settled")
    };
    assert_eq!((going.turns.len(), going.turns[0].text.as_str(), going.model.as_str()), (1, "one", "test/one"));
    // Another worker registers the second attempt: the first is fenced off.
    assert!(matches!(house.context(&house.ana, reply, 2).await.unwrap().answer, Some(Answer::Going(_))));
    assert_eq!(house.context(&house.ana, reply, 1).await.unwrap_err().code(), Code::Stale);
    assert_eq!(house.finish(&house.ana, reply, 1, "zombie").await.unwrap_err().code(), Code::Stale);
    let outcome = house.finish(&house.ana, reply, 2, "answer").await.unwrap();
    assert_eq!((outcome.state.as_str(), outcome.text.as_str(), outcome.next), ("complete", "answer", 7));
}

#[tokio::test]
async fn the_same_end_twice_gets_the_same_answer_and_one_event() {
    let house = House::new().await;
    let reply = house.begin(&house.ana, "one").await.id("reply");
    let first = house.finish(&house.ana, reply, 1, "answer").await.unwrap();
    let (events, _) = house.events().await;
    assert_eq!(house.finish(&house.ana, reply, 1, "answer").await.unwrap(), first);
    assert_eq!(house.events().await.0, events);
    // A later worker finds the outcome instead of turns.
    let Some(Answer::Settled(outcome)) = house.context(&house.ana, reply, 2).await.unwrap().answer else {
        panic!("going")
    };
    assert_eq!(outcome, first);
}

#[tokio::test]
async fn a_stop_wins_over_a_later_end_and_keeps_what_was_shown() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (chat, reply) = (sent.id("chat"), sent.id("reply"));
    let stop = format!("/api/v1/replies/{reply}/stop");
    let mut nudges = house.platform.streams.nudges(reply);
    for is_first in [true, false] {
        let stopped = house.call(&house.ana, Method::POST, &stop, json!({})).await;
        assert_eq!((stopped.status, stopped.body["state"].as_str()), (StatusCode::OK, Some("stopped")));
        // nobody is told to stop what has ended
        assert_eq!(nudges.next().now_or_never().is_some(), is_first);
    }
    // Words that came in between are stored; the state stays as the person wanted it.
    let outcome = house.finish(&house.ana, reply, 1, "some words").await.unwrap();
    assert_eq!((outcome.state.as_str(), outcome.text.as_str()), ("stopped", "some words"));
    let open = house.get(&house.ana, &format!("/api/v1/chats/{chat}")).await;
    assert_eq!(open.body["messages"][1]["text"], "some words");
    assert_eq!(open.body["chat"]["running"], false);
}

#[tokio::test]
async fn going_on_is_another_attempt_of_the_same_reply_with_its_text() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (chat, reply) = (sent.id("chat"), sent.id("reply"));
    let go_on = format!("/api/v1/replies/{reply}/continue");
    let running = house.call(&house.ana, Method::POST, &go_on, json!({})).await;
    assert_eq!((running.status, running.code()), (StatusCode::CONFLICT, "conflict"));

    house.call(&house.ana, Method::POST, &format!("/api/v1/replies/{reply}/stop"), json!({})).await;
    house.finish(&house.ana, reply, 1, "half").await.unwrap();
    let asked = house.call(&house.ana, Method::POST, &go_on, json!({"model": "test/two"})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    assert_eq!((asked.body["state"].as_str(), asked.body["attempt"].as_i64()), (Some("queued"), Some(2)));
    // A second click changes nothing.
    let again = house.call(&house.ana, Method::POST, &go_on, json!({})).await;
    assert_eq!((again.status, again.body["attempt"].as_i64()), (StatusCode::ACCEPTED, Some(2)));

    let Some(Answer::Going(going)) = house.context(&house.ana, reply, 2).await.unwrap().answer else {
        panic!("settled")
    };
    assert_eq!((going.text.as_str(), going.next, going.continued, going.model.as_str()), ("half", 7, true, "test/two"));
    house.finish(&house.ana, reply, 2, "half and half").await.unwrap();
    let open = house.get(&house.ana, &format!("/api/v1/chats/{chat}")).await;
    assert_eq!(open.body["messages"].as_array().unwrap().len(), 2);
    assert_eq!(
        (open.body["messages"][1]["text"].as_str(), open.body["messages"][1]["state"].as_str()),
        (Some("half and half"), Some("complete"))
    );
}

#[tokio::test]
async fn an_attempts_number_lies_above_every_one_given_out() {
    let house = House::new().await;
    let reply = house.begin(&house.ana, "one").await.id("reply");
    house.call(&house.ana, Method::POST, &format!("/api/v1/replies/{reply}/stop"), json!({})).await;
    // A takeover that finds the reply ended has used the number 2 all the same.
    assert!(matches!(house.context(&house.ana, reply, 2).await.unwrap().answer, Some(Answer::Settled(_))));
    let asked = house.call(&house.ana, Method::POST, &format!("/api/v1/replies/{reply}/continue"), json!({})).await;
    assert_eq!(asked.body["attempt"], 3);
}

#[tokio::test]
async fn of_a_chat_that_is_too_long_to_pass_on_a_worker_is_given_the_newest_turns() {
    const MIB: i64 = 1 << 20;
    let house = House::new().await;
    let sent = house.begin(&house.ana, "question 0").await;
    let (chat, mut reply) = (sent.id("chat"), sent.id("reply"));
    let mut path = vec![sent.id("message"), reply];
    for number in 1..5 {
        house.finish(&house.ana, reply, 1, "answer").await.unwrap();
        let (message, text) = (Uuid::now_v7(), format!("question {number}"));
        let body = json!({"id": message, "parent_id": reply, "text": text});
        let sent = house.send_with(&house.ana, chat, &message.to_string(), body).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.body);
        reply = sent.id("reply");
        path.extend([message, reply]);
    }
    let told = async || {
        let Some(Answer::Going(going)) = house.context(&house.ana, reply, 1).await.unwrap().answer else {
            panic!("settled")
        };
        assert_eq!(going.turns.last().map(|turn| turn.text.len() > 9), Some(true), "the question is missing");
        assert_eq!(going.turns[0].role, 0, "it begins in the middle of an exchange");
        (going.turns.len(), going.left_out)
    };
    assert_eq!(told().await, (9, 0));
    // two answers that no message could carry, and those after them, which fit
    house.lengthen(path[1], 40 * MIB).await;
    house.lengthen(path[3], 40 * MIB).await;
    house.lengthen(path[5], 3 * MIB).await;
    house.lengthen(path[7], 3 * MIB).await;
    assert_eq!(told().await, (5, 4));
    // an answer without its question
    house.lengthen(path[4], 7 * MIB).await;
    assert_eq!(told().await, (3, 6));
    house.lengthen(path[8], 9 * MIB).await;
    assert_eq!(told().await, (1, 8));
    // whoever needs no turns is given none
    let request = ContextRequest {
        space: house.ana.space().as_bytes().into(),
        reply: reply.as_bytes().into(),
        attempt: 2,
        without_turns: true,
    };
    let mut ai = ChatClient::new(house.platform.acting_as("ai").peer("chat"));
    let Some(Answer::Going(going)) = ai.context(request).await.unwrap().into_inner().answer else { panic!("settled") };
    assert_eq!((going.turns.len(), going.left_out, going.model.as_str()), (0, 0, "test/one"));
}

#[tokio::test]
async fn the_rpcs_of_workers_are_for_ai_alone() {
    let house = House::new().await;
    let reply = house.begin(&house.ana, "one").await.id("reply");
    let (space, reply) = (house.ana.space().as_bytes().to_vec(), reply.as_bytes().to_vec());
    let gateway = ChatClient::new(house.platform.acting_as("gateway").peer("chat"));
    let request = ContextRequest { space: space.clone(), reply: reply.clone(), attempt: 9, without_turns: false };
    assert_eq!(gateway.clone().context(request).await.unwrap_err().code(), tonic::Code::PermissionDenied);

    let mut request =
        tonic::Request::new(FinishRequest { space, reply, attempt: 1, state: "complete".into(), ..Default::default() });
    let person = house.platform.signer.sign(&Caller::Person(house.ana.clone())).unwrap();
    request.metadata_mut().insert(platform::principal::HEADER, person.to_str().unwrap().parse().unwrap());
    assert_eq!(gateway.clone().finish(request).await.unwrap_err().code(), tonic::Code::PermissionDenied);
}

#[tokio::test]
async fn whoever_asks_only_where_a_reply_stands_gets_no_text() {
    let house = House::new().await;
    let reply = house.begin(&house.ana, "one").await.id("reply");
    house.finish(&house.ana, reply, 1, "answer").await.unwrap();
    let mut gateway = ChatClient::new(house.platform.acting_as("gateway").peer("chat"));
    for (without_text, text) in [(false, "answer"), (true, "")] {
        let mut request = tonic::Request::new(FollowRequest { reply: reply.as_bytes().into(), without_text });
        let person = house.platform.signer.sign(&Caller::Person(house.ana.clone())).unwrap();
        request.metadata_mut().insert(platform::principal::HEADER, person.to_str().unwrap().parse().unwrap());
        let following = gateway.follow(request).await.unwrap().into_inner();
        assert_eq!((following.state.as_str(), following.next, following.text.as_str()), ("complete", 7, text));
    }
}
