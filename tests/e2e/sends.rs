//! Sending: once whatever happens, and never onto something the person has not seen.

use crate::harness::{Draft, TERMINAL, Watch, ready};
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn the_same_send_a_hundred_times_is_one_message() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}));
    let answers = try_join_all((0..100).map(|_| owner.send_raw(&draft))).await?;
    let first = answers.first().map(|answer| answer.body.clone()).unwrap_or_default();
    for answer in answers {
        ensure!(answer.clone().ok(202)? == first, "{first} / {}", answer.text);
    }
    let open = owner.open(draft.chat).await?;
    ensure!(open["messages"].as_array().map(Vec::len) == Some(2), "{open}");
    // also when the answer is there already
    let sent = owner.send(&draft).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    ensure!(owner.send_raw(&draft).await?.ok(202)? == first);
    Ok(())
}

#[tokio::test]
async fn a_key_belongs_to_one_message() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}));
    owner.send(&draft).await?;
    let mut other = draft.clone();
    other.body["text"] = json!("another text");
    owner.send_raw(&other).await?.problem(422, "mismatch")?;
    let elsewhere = Draft { chat: Uuid::now_v7(), ..draft.clone() };
    owner.send_raw(&elsewhere).await?.problem(422, "mismatch")?;
    // and a message's id to one message
    let again = Draft { key: "another key".into(), ..draft.clone() };
    owner.send_raw(&again).await?.problem(409, "conflict")?;
    // a hundred others at once change nothing of that
    let racing = (0..20).map(|number| {
        let mut other = draft.clone();
        other.body["text"] = json!(format!("text {number}"));
        let owner = &owner;
        async move { owner.send_raw(&other).await?.problem(422, "mismatch") }
    });
    try_join_all(racing).await?;
    Ok(())
}

#[tokio::test]
async fn two_sends_at_the_same_place_are_one_turn_and_one_conflict() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let chat = Uuid::now_v7();
    let drafts: Vec<_> = (0..8).map(|n| Draft::of(chat, None, &format!("first {n}"), "continues")).collect();
    let answers = try_join_all(drafts.iter().map(|draft| owner.send_raw(draft))).await?;
    let taken = answers.iter().filter(|answer| answer.status == 202).count();
    ensure!(taken == 1, "{taken} first messages of one chat");
    for refused in answers.into_iter().filter(|answer| answer.status != 202) {
        let problem = refused.problem(409, "conflict")?;
        ensure!(problem["newer"].as_array().is_some_and(|newer| newer.len() == 2), "{problem}");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_answers_what_they_have_not_seen() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 500, "delay_ms": 10}));
    let sent = owner.send(&draft).await?;
    // an answer is being written
    let early = Draft::of(sent.chat, Some(sent.reply), "and?", "continues");
    let problem = owner.send_raw(&early).await?.problem(409, "conflict")?;
    ensure!(problem["newer"].is_array(), "{problem}");
    // from before the question: both turns are newer
    let blind = Draft::of(sent.chat, None, "first!", "continues");
    let problem = owner.send_raw(&blind).await?.problem(409, "conflict")?;
    let newer: Vec<_> = problem["newer"].as_array().into_iter().flatten().map(|turn| turn["id"].clone()).collect();
    ensure!(newer == [json!(sent.message), json!(sent.reply)], "{problem}");
    owner.stop(sent.reply).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    // refused sends are not remembered: the same key works once the state allows it
    let next = owner.send(&early).await?;
    Watch::begin(&owner, next.reply, None).done(TERMINAL).await?;
    // the other tab still stands at the first answer
    let stale = Draft::of(sent.chat, Some(sent.reply), "from the other tab", "continues");
    let problem = owner.send_raw(&stale).await?.problem(409, "conflict")?;
    let newer: Vec<_> = problem["newer"].as_array().into_iter().flatten().map(|turn| turn["id"].clone()).collect();
    ensure!(newer == [json!(next.message), json!(next.reply)], "{problem}");
    ensure!(problem["newer"][0]["text"] == "and?", "{problem}");
    Ok(())
}

#[tokio::test]
async fn texts_have_limits() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let with = |text: &str| Draft::of(Uuid::now_v7(), None, text, "continues");
    owner.send(&with(&"ș".repeat(200_000))).await?;
    owner.send_raw(&with(&"x".repeat(200_001))).await?.problem(413, "too_large")?;
    for text in ["", "   \n", "a\0b"] {
        owner.send_raw(&with(text)).await?.problem(422, "invalid")?;
    }
    for model in ["scripted/unknown", "nobody/knows", "continues/"] {
        owner.send_raw(&Draft::of(Uuid::now_v7(), None, "hello", model)).await?.problem(404, "not_found")?;
    }
    let nowhere = Draft::of(Uuid::now_v7(), Some(Uuid::now_v7()), "hello", "continues");
    owner.send_raw(&nowhere).await?.problem(404, "not_found")?;
    let list = owner.get("/api/v1/chats").await?.ok(200)?;
    ensure!(list["chats"].as_array().map(Vec::len) == Some(1), "{list}");
    Ok(())
}
