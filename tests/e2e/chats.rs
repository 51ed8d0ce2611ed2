//! Lists, titles, the trash.

use crate::harness::{Draft, TERMINAL, Watch, ready, truth};
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_rename_that_was_based_on_an_older_state_is_refused() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 3, "delay_ms": 1}));
    let sent = owner.send(&draft).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    let version = sent.body["chat"]["version"].as_i64().context("a version")?;
    let renamed = owner.rename(sent.chat, "  Ours 👩‍🚀 ", version).await?.ok(200)?;
    ensure!(renamed["title"] == "Ours 👩‍🚀" && renamed["version"] == version + 1, "{renamed}");
    let problem = owner.rename(sent.chat, "Theirs", version).await?.problem(409, "stale")?;
    ensure!(problem["current"]["title"] == "Ours 👩‍🚀" && problem["current"]["version"] == version + 1, "{problem}");
    owner.rename(sent.chat, "  ", version + 1).await?.problem(422, "invalid")?;
    owner.rename(sent.chat, &"x".repeat(201), version + 1).await?.problem(422, "invalid")?;
    ensure!(owner.open(sent.chat).await?["chat"]["title"] == "Ours 👩‍🚀");
    Ok(())
}

#[tokio::test]
async fn a_chat_in_the_trash_stops_and_comes_back_with_what_it_had() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 500, "delay_ms": 10}));
    let sent = owner.send(&draft).await?;
    let watch = Watch::begin(&owner, sent.reply, None);
    let shown = watch.shows(50, TERMINAL).await?;
    let path = format!("/api/v1/chats/{}", sent.chat);
    ensure!(owner.delete(&path).await?.status == 204);
    let seen = watch.done(TERMINAL).await?;
    ensure!(seen.done.as_ref().is_some_and(|done| done["state"] == "stopped"), "{:?}", seen.done);
    owner.get(&path).await?.problem(404, "not_found")?;
    owner.delete(&path).await?.problem(404, "not_found")?;
    owner.rename(sent.chat, "x", 1).await?.problem(404, "not_found")?;
    let to_trash = Draft::of(sent.chat, Some(sent.reply), "hello?", "continues");
    owner.send_raw(&to_trash).await?.problem(404, "not_found")?;
    let list = owner.get("/api/v1/chats").await?.ok(200)?;
    ensure!(list["chats"] == json!([]), "{list}");

    let restored = owner.post(&format!("{path}/restore"), &json!({})).await?.ok(200)?;
    ensure!(restored["id"] == json!(sent.chat) && restored["running"] == false, "{restored}");
    let stored = owner.stored(sent.chat, sent.reply).await?;
    ensure!(stored["text"] == json!(seen.text) && seen.text.starts_with(&shown.text), "{stored}");
    ensure!(truth(draft.text(), sent.reply)?.starts_with(&seen.text), "{:?}", seen.text);
    owner.send(&to_trash).await?;
    Ok(())
}

#[tokio::test]
async fn pages_of_the_list_are_in_order_and_complete() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let sends = (0..67).map(|_| async {
        let sent = owner.send(&Draft::new("continues", &json!({"tokens": 1}))).await?;
        Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
        Ok::<_, anyhow::Error>(sent.chat.to_string())
    });
    let made: BTreeSet<String> = stream::iter(sends).buffer_unordered(8).try_collect().await?;
    let mut pages: Vec<Vec<Value>> = Vec::new();
    let mut path = "/api/v1/chats".to_owned();
    loop {
        let page = owner.get(&path).await?.ok(200)?;
        pages.push(page["chats"].as_array().context("chats")?.clone());
        ensure!(pages.len() < 10, "the pages have no end");
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/chats?before={next}"),
            None => break,
        }
    }
    ensure!(
        pages.iter().map(Vec::len).collect::<Vec<_>>() == [28, 28, 11],
        "pages of {:?}",
        pages.iter().map(Vec::len)
    );
    let all: Vec<&Value> = pages.iter().flatten().collect();
    // full seconds are written without a fraction
    let time = |chat: &&Value| chat["updated_at"].as_str().unwrap_or_default().trim_end_matches('Z').to_owned();
    let times: Vec<String> = all.iter().map(time).collect();
    ensure!(times.is_sorted_by(|a, b| a >= b), "not newest first: {times:?}");
    let listed: BTreeSet<String> = all.iter().map(|chat| chat["id"].as_str().unwrap_or_default().to_owned()).collect();
    ensure!(listed == made, "{} of {} chats", listed.len(), made.len());
    for wrong in ["limit=0", "limit=101", "limit=x", "before=x", "before=1.x", "before=99999999999999999999.x"] {
        owner.get(&format!("/api/v1/chats?{wrong}")).await?.problem(422, "invalid")?;
    }
    Ok(())
}

#[tokio::test]
async fn of_tabs_that_race_on_one_version_one_wins_and_the_others_are_shown_it() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 3, "delay_ms": 1}))).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    for round in 0..5 {
        let version = owner.open(sent.chat).await?["chat"]["version"].as_i64().context("a version")?;
        let titles: Vec<_> = (0..12).map(|tab| format!("Tab {tab}, round {round}")).collect();
        let races = titles.iter().map(|title| owner.rename(sent.chat, title, version));
        let answers = futures_util::future::try_join_all(races).await?;
        let winners: Vec<_> = titles.iter().zip(&answers).filter(|(_, answer)| answer.status == 200).collect();
        let [(title, _)] = winners[..] else { anyhow::bail!("{} of {} tabs win", winners.len(), titles.len()) };
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            let problem = lost.clone().problem(409, "stale")?;
            ensure!(problem["current"]["title"] == json!(title), "{problem}");
        }
        let now = owner.open(sent.chat).await?;
        ensure!(now["chat"]["title"] == json!(title) && now["chat"]["version"] == version + 1, "{now}");
    }
    Ok(())
}
