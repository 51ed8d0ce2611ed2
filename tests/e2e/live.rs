//! The live feed: devices of one person stay in step, nobody hears anything of another, a place is
//! kept across connections, and a connection does not outlive the session it was opened with.

mod description;
mod frames;

use crate::harness::{CALL, Database, Draft, Event, Feed, Sse, TERMINAL, ready, truth, until};
use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Hints come at once; so long on a busy machine.
const SOON: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(400);
/// The longest a session that has ended may go on.
const REVOKED: Duration = Duration::from_secs(5);

const OTHER: &str = "other@example.org";
const PASSWORD: &str = "correct horse battery staple";

fn text(events: &[Value]) -> String {
    events.iter().fold(String::new(), |text, event| match event["event"].as_str() {
        Some("snapshot") => event["data"]["text"].as_str().unwrap_or_default().to_owned(),
        Some("text") => text + event["data"]["text"].as_str().unwrap_or_default(),
        _ => text,
    })
}

#[tokio::test]
async fn two_devices_stay_in_step() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let device = owner.nobody();
    device.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    let (mut here, mut there) = (Feed::open(&owner, None).await?, Feed::open(&device, None).await?);

    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 60, "delay_ms": 3}))).await?;
    for feed in [&mut here, &mut there] {
        let hints = feed.hint("message.sent", sent.chat, SOON).await?;
        ensure!(hints.iter().all(|hint| hint["type"] == "hint" && hint["position"].is_string()), "{hints:?}");
        feed.hint("reply.finished", sent.chat, TERMINAL).await?;
    }
    let stored = device.stored(sent.chat, sent.reply).await?;
    ensure!(stored["state"] == "complete", "the hint comes before the end is stored: {stored}");

    let renamed = device.rename(sent.chat, "A name", 1).await?.ok(200)?;
    let hints = here.hint("chat.renamed", sent.chat, SOON).await?;
    ensure!(hints.last().is_some_and(|hint| hint["version"] == renamed["version"]), "{hints:?} {renamed}");
    ensure!(!hints.iter().any(|hint| hint.to_string().contains("A name")), "a hint holds a title: {hints:?}");
    ensure!(owner.open(sent.chat).await?["chat"]["title"] == "A name");

    let path = format!("/api/v1/drafts/{}", sent.chat);
    let draft = owner.request(Method::PUT, &path).json(&json!({"text": "half a thought", "version": 0}));
    owner.call(draft).await?.ok(200)?;
    let hints = there.hint("draft.changed", sent.chat, SOON).await?;
    ensure!(!hints.iter().any(|hint| hint.to_string().contains("thought")), "a hint holds a text: {hints:?}");
    ensure!(device.get(&path).await?.ok(200)?["text"] == "half a thought");

    let read = json!({"message_id": sent.reply});
    device.post(&format!("/api/v1/chats/{}/read", sent.chat), &read).await?.ok(204)?;
    here.hint("chat.read", sent.chat, SOON).await?;
    ensure!(owner.open(sent.chat).await?["chat"]["unread"] == false);

    owner.delete(&format!("/api/v1/chats/{}", sent.chat)).await?.ok(204)?;
    there.hint("chat.deleted", sent.chat, SOON).await?;
    Ok(())
}

#[tokio::test]
async fn an_answer_comes_over_the_feed_as_over_its_own_stream() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let mut feed = Feed::open(&owner, None).await?;
    let draft = Draft::new("continues", &json!({"tokens": 80, "delay_ms": 4, "style": "markdown"}));
    let sent = owner.send(&draft).await?;
    let second = owner.send(&Draft::new("continues", &json!({"tokens": 40, "delay_ms": 4}))).await?;
    feed.follow(sent.reply, None).await?;
    feed.follow(second.reply, None).await?;
    let events = feed.reply(sent.reply, "done", TERMINAL).await?;
    let whole = truth(draft.text(), sent.reply)?;
    ensure!(text(&events) == whole, "{:?}", text(&events));
    ensure!(events.last().is_some_and(|done| done["data"]["state"] == "complete"), "{events:?}");
    ensure!(events[0]["event"] == "snapshot" && events.len() > 5, "{events:?}");

    // behind any place it goes on exactly there; what is stored is a snapshot
    let place = events.iter().rev().find_map(|event| event["id"].as_str()).context("no place")?;
    feed.follow(sent.reply, Some(place)).await?;
    let again = feed.reply(sent.reply, "done", SOON).await?;
    ensure!(text(&again) == whole && again.len() == 2, "{again:?}");

    // the same reply again takes the place of the first following
    let slow = Draft::new("continues", &json!({"tokens": 40, "delay_ms": 10, "hang_after": 20, "hang_attempts": 9}));
    let slow = owner.send(&slow).await?;
    for _ in 0..3 {
        feed.follow(slow.reply, None).await?;
    }
    let first = feed.reply(slow.reply, "text", TERMINAL).await?;
    let mut shown = text(&first);
    while shown.split_whitespace().count() < 10 {
        let event = feed.reply(slow.reply, "text", TERMINAL).await?;
        // each snapshot begins anew, so a second following would show pieces twice
        shown = if event[0]["event"] == "snapshot" { text(&event) } else { shown + &text(&event) };
    }
    feed.say(&json!({"type": "unfollow", "reply": slow.reply}).to_string()).await?;
    owner.stop(slow.reply).await?;
    let heard = feed.hint("reply.finished", slow.chat, SOON).await?;
    let after = heard.iter().filter(|message| message["event"] == "done").count();
    ensure!(after == 0, "followed on after unfollow: {heard:?}");
    Ok(())
}

#[tokio::test]
async fn following_goes_on_behind_a_place() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let draft = Draft::new("continues", &json!({"tokens": 60, "delay_ms": 4, "hang_after": 40, "hang_attempts": 9}));
    let sent = owner.send(&draft).await?;
    let mut first = Feed::open(&owner, None).await?;
    first.follow(sent.reply, None).await?;
    let mut events = first.reply(sent.reply, "text", TERMINAL).await?;
    for _ in 0..5 {
        events.extend(first.reply(sent.reply, "text", TERMINAL).await?);
    }
    drop(first);
    let place = events.last().and_then(|event| event["id"].as_str()).context("no place")?.to_owned();
    let mut second = Feed::open(&owner, None).await?;
    second.follow(sent.reply, Some(&place)).await?;
    let shown: String = script_tokens(draft.text())?[..40].concat();
    while text(&events).chars().count() < shown.chars().count() {
        events.extend(second.reply(sent.reply, "text", TERMINAL).await?);
    }
    ensure!(text(&events) == shown, "{:?}", text(&events));
    ensure!(events.iter().filter(|event| event["event"] == "snapshot").count() <= 1, "{events:?}");
    owner.stop(sent.reply).await?;
    Ok(())
}

fn script_tokens(question: &str) -> Result<Vec<String>> {
    let script = ai::providers::scripted::Script::in_text(question).map_err(|fault| anyhow::anyhow!(fault))?;
    Ok(ai::providers::scripted::script_text(&script))
}

#[tokio::test]
async fn nobody_hears_of_another() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    server.stop().await?;
    Database::open(&server)?.add_person(OTHER)?;
    server.again(&[]).await?;
    let other = owner.nobody();
    other.sign_in(OTHER, PASSWORD).await?.ok(200)?;
    let mut feed = Feed::open(&other, None).await?;
    let mut own = Feed::open(&owner, None).await?;
    while feed.next(QUIET).await.is_ok() {}

    let draft = Draft::new("continues", &json!({"tokens": 40, "delay_ms": 5, "hang_after": 20, "hang_attempts": 9}));
    let sent = owner.send(&draft).await?;
    own.hint("message.sent", sent.chat, SOON).await?;
    own.follow(sent.reply, None).await?;
    let place = own.reply(sent.reply, "text", TERMINAL).await?.pop().context("nothing")?["id"].clone();
    feed.silent(QUIET).await?;
    // neither from the beginning, nor behind a true place, nor one that does not exist
    for (reply, from) in [(sent.reply, None), (sent.reply, place.as_str()), (uuid::Uuid::now_v7(), None)] {
        feed.follow(reply, from).await?;
        let error = feed.next(SOON).await?;
        let expected = json!({
            "type": "reply", "reply": reply, "event": "error", "id": null,
            "data": {"code": "not_found", "detail": error["data"]["detail"]}
        });
        ensure!(error == expected, "{error}");
        feed.silent(QUIET).await?;
    }
    owner.stop(sent.reply).await?;
    Ok(())
}

#[tokio::test]
async fn a_place_is_kept_between_connections() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
    let mut feed = Feed::open(&owner, None).await?;
    feed.hint("reply.finished", sent.chat, TERMINAL).await?;
    let place = feed.position.clone();
    drop(feed);
    owner.rename(sent.chat, "one", 1).await?.ok(200)?;
    owner.rename(sent.chat, "two", 2).await?.ok(200)?;
    // with a place everything of before is heard, without it nothing is
    let mut back = Feed::open(&owner, Some(&place)).await?;
    ensure!(back.position == place, "{} is said, not {place}", back.position);
    let mut versions = Vec::new();
    while versions.len() < 2 {
        let hint = back.next(SOON).await?;
        ensure!(hint["type"] == "hint", "{hint}");
        if hint["kind"] == "chat.renamed" {
            versions.push(hint["version"].clone());
        }
    }
    ensure!(versions == [2, 3], "{versions:?}");
    let mut fresh = Feed::open(&owner, None).await?;
    while let Ok(message) = fresh.next(QUIET).await {
        ensure!(message["kind"] != "chat.renamed", "{message}");
    }
    for wrong in ["1-1", "x", "-", "", "ffffffffffffffff-1", &place.replace('-', "-9999")] {
        let mut feed = Feed::open(&owner, Some(wrong)).await?;
        let resync = feed.next(SOON).await?;
        ensure!(resync["type"] == "resync" && resync["position"].is_string(), "{wrong}: {resync}");
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_between_two_changes_loses_neither() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
    let mut feed = Feed::open(&owner, None).await?;
    feed.hint("reply.finished", sent.chat, TERMINAL).await?;
    for round in 0..3 {
        let version = 1 + round * 3;
        owner.rename(sent.chat, "before", version).await?.ok(200)?;
        // not waited for: it may or may not have been heard
        server.kill().await?;
        let (_, ended) = feed.ends(SOON).await?;
        ensure!(ended < SOON);
        let place = feed.position.clone();
        server.again(&[]).await?;
        owner.rename(sent.chat, "after", version + 1).await?.ok(200)?;
        feed = Feed::open(&owner, Some(&place)).await?;
        let first = feed.next(SOON).await?;
        ensure!(first["type"] == "resync", "what was heard before the crash does not connect: {first}");
        let chat = owner.open(sent.chat).await?;
        ensure!(chat["chat"]["title"] == "after" && chat["chat"]["version"] == version + 2, "{chat}");
        owner.rename(sent.chat, "again", version + 2).await?.ok(200)?;
        let mut heard = feed.hint("chat.renamed", sent.chat, SOON).await?;
        while heard.last().is_none_or(|hint| hint["version"] != version + 3) {
            heard.extend(feed.hint("chat.renamed", sent.chat, SOON).await?);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_does_not_outlive_its_session() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let device = owner.nobody();
    device.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    let draft = Draft::new("continues", &json!({"tokens": 40, "delay_ms": 5, "hang_after": 20, "hang_attempts": 9}));
    let sent = owner.send(&draft).await?;
    let mut stays = Feed::open(&owner, None).await?;
    let (mut socket, mut events) = (Feed::open(&device, None).await?, sse(&device, None).await?);
    let (_, mut answer) = device.stream(sent.reply, None).await?;
    socket.follow(sent.reply, None).await?;
    socket.reply(sent.reply, "text", TERMINAL).await?;
    answer.next(SOON).await?.context("an answer")?;

    device.post("/api/v1/auth/sign-out", &json!({})).await?.ok(204)?;
    let (code, took) = socket.ends(REVOKED).await?;
    ensure!(code == Some(4401) && took < REVOKED, "{code:?} after {took:?}");
    for stream in [&mut events, &mut answer] {
        let ended = tokio::time::timeout(REVOKED, async {
            while stream.next(CALL).await?.is_some() {}
            anyhow::Ok(())
        });
        ended.await.context("an event stream goes on after the session has ended")??;
    }
    let refused = Feed::knock(&device, None, None).await?;
    ensure!(refused.err() == Some(401));
    owner.rename(sent.chat, "still", 1).await?.ok(200)?;
    stays.hint("chat.renamed", sent.chat, SOON).await?;
    owner.stop(sent.reply).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_can_be_written_through_it() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
    Feed::open(&owner, None).await?.hint("reply.finished", sent.chat, TERMINAL).await.ok();
    let before = until("the answer is stored", TERMINAL, async || {
        let chat = owner.open(sent.chat).await?;
        Ok((chat["chat"]["running"] == false).then_some(chat))
    })
    .await?;
    let id = sent.chat;
    for said in [
        json!({"type": "chat.renamed", "id": id, "title": "x", "version": 1}).to_string(),
        json!({"type": "send", "chat": id, "text": "x"}).to_string(),
        json!({"type": "stop", "reply": sent.reply}).to_string(),
        json!({"type": "follow", "reply": sent.reply, "text": "x"}).to_string(),
        json!({"type": "hint", "kind": "chat.renamed", "id": id, "version": 9, "position": "1-1"}).to_string(),
        json!([{"type": "follow", "reply": sent.reply}]).to_string(),
        "PATCH /api/v1/chats HTTP/1.1".into(),
        String::new(),
        "\u{0}".repeat(100),
    ] {
        let mut feed = Feed::open(&owner, None).await?;
        feed.say(&said).await?;
        let (code, _) = feed.ends(SOON).await?;
        ensure!(code == Some(1008), "{said:?}: {code:?}");
    }
    let mut feed = Feed::open(&owner, None).await?;
    feed.say_bytes(b"{}").await?;
    ensure!(feed.ends(SOON).await?.0 == Some(1008));
    // a message over the limit, and too many of them
    let mut feed = Feed::open(&owner, None).await?;
    feed.say(&"x".repeat(5000)).await?;
    feed.ends(SOON).await?;
    let mut feed = Feed::open(&owner, None).await?;
    let ended = async {
        for _ in 0..300 {
            feed.say(&json!({"type": "unfollow", "reply": sent.reply}).to_string()).await?;
        }
        anyhow::Ok(())
    };
    let _ = ended.await;
    let (code, _) = feed.ends(SOON).await?;
    ensure!(matches!(code, Some(1008) | None), "{code:?}");
    let after = owner.open(sent.chat).await?;
    // a generated title may have come meanwhile, which is no change of a person's
    ensure!(
        after["messages"] == before["messages"] && after["chat"]["version"] == before["chat"]["version"],
        "{after}"
    );
    Ok(())
}

#[tokio::test]
async fn only_our_own_pages_open_it_and_only_so_often() -> Result<()> {
    let (_server, owner) = ready(&[("TAIFAS__GATEWAY__FEEDS_PER_PERSON", "3")]).await?;
    let own = format!("http://{}", owner.host());
    for (origin, status) in [
        ("https://evil.example", 403),
        ("null", 403),
        (&format!("{own}.evil.example"), 403),
        (&format!("https://evil.example/{own}"), 403),
    ] {
        let answer = Feed::knock(&owner, None, Some(origin)).await?;
        ensure!(answer.as_ref().err() == Some(&status), "{origin}: {:?}", answer.err());
    }
    ensure!(Feed::knock(&owner.nobody(), None, Some(&own)).await?.err() == Some(401));
    let open = [Feed::open(&owner, None).await?, Feed::open(&owner, None).await?, Feed::open(&owner, None).await?];
    ensure!(Feed::knock(&owner, None, Some(&own)).await?.err() == Some(429));
    drop(open);
    // a place is given back
    until("a place is free", SOON, async || Ok(Feed::knock(&owner, None, Some(&own)).await?.ok().map(|_| ()))).await?;
    owner.get("/api/v1/live").await?.problem(400, "invalid")?;
    Ok(())
}

/// The feed as Server-Sent Events, its `hello` taken.
async fn sse(client: &crate::harness::Client, last: Option<&str>) -> Result<Sse> {
    let mut request = client.request(Method::GET, "/api/v1/live").header("Accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    let response = request.send().await?;
    ensure!(response.status() == 200, "{}", response.status());
    let mut stream = Sse::new(response);
    let hello = stream.next(CALL).await?.context("no hello")?;
    ensure!(hello.data["type"] == "hello" && hello.id.as_deref() == hello.data["position"].as_str(), "{hello:?}");
    Ok(stream)
}

#[tokio::test]
async fn without_a_websocket_it_is_an_event_stream() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let mut stream = sse(&owner, None).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
    let mut heard: Vec<Event> = Vec::new();
    while heard.last().is_none_or(|event| event.data["kind"] != "reply.finished") {
        heard.push(stream.next(TERMINAL).await?.context("it ends")?);
    }
    ensure!(heard.iter().any(|hint| hint.data["kind"] == "message.sent"), "{heard:?}");
    let last = heard.last().and_then(|event| event.id.clone()).context("no id")?;
    drop(stream);
    owner.rename(sent.chat, "renamed", 1).await?.ok(200)?;
    let mut stream = sse(&owner, Some(&last)).await?;
    loop {
        let hint = stream.next(SOON).await?.context("it ends")?;
        ensure!(hint.data["type"] == "hint", "{hint:?}");
        if hint.data["kind"] == "chat.renamed" {
            break;
        }
    }
    server.stop().await?;
    let bye = loop {
        let event = stream.next(CALL).await?.context("no bye")?;
        if event.data["type"] != "hint" {
            break event;
        }
    };
    ensure!(bye.data == json!({"type": "bye"}), "{bye:?}");
    ensure!(stream.next(CALL).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn clients_are_told_when_the_server_ends() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let mut feed = Feed::open(&owner, None).await?;
    server.stop().await?;
    let bye = loop {
        let message = feed.next(CALL).await?;
        if message["type"] != "hint" {
            break message;
        }
    };
    ensure!(bye == json!({"type": "bye"}), "{bye}");
    ensure!(feed.ends(CALL).await?.0 == Some(1001));
    Ok(())
}

#[tokio::test]
async fn who_may_do_less_or_nothing_any_more_is_cut_off() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let made = json!({"name": "Other", "email": OTHER, "role": "admin"});
    let made = owner.post("/api/v1/admin/people", &made).await?.ok(201)?;
    let token = made["link"].as_str().and_then(|link| link.split_once('#')).context("no link")?.1.to_owned();
    let other = owner.nobody();
    let accept = json!({"token": token, "name": "Other", "email": OTHER, "password": PASSWORD});
    other.post("/api/v1/auth/accept-invitation", &accept).await?;
    if other.cookie().is_none() {
        other.post("/api/v1/auth/reset-password", &json!({"token": token, "password": PASSWORD})).await?.ok(200)?;
    }
    let id = made["account"]["id"].as_str().context("no id")?.to_owned();
    let path = format!("/api/v1/admin/people/{id}");
    for change in [json!({"role": "guest"}), json!({"role": "user"}), json!({"state": "disabled"})] {
        let mut socket = Feed::open(&other, None).await?;
        let mut events = sse(&other, None).await?;
        let people = owner.get("/api/v1/admin/people?limit=100").await?.ok(200)?;
        let mut all = people["people"].as_array().into_iter().flatten();
        let mut change = change;
        change["version"] = all.find(|account| account["id"] == json!(id)).context("gone")?["version"].clone();
        owner.call(owner.request(Method::PATCH, &path).json(&change)).await?.ok(200)?;
        let (code, took) = socket.ends(REVOKED).await.with_context(|| change.to_string())?;
        ensure!(code == Some(4401) && took < REVOKED, "{change}: {code:?} after {took:?}");
        let ended = async {
            while events.next(CALL).await?.is_some() {}
            anyhow::Ok(())
        };
        tokio::time::timeout(REVOKED, ended).await.context("an event stream goes on")??;
    }
    ensure!(Feed::knock(&other, None, None).await?.err() == Some(401), "a disabled person comes in");
    Ok(())
}

#[tokio::test]
async fn only_who_is_away_is_sent_a_notice() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let notices = async || {
        let list = owner.get("/api/v1/notices").await?.ok(200)?;
        anyhow::Ok(list["notices"].as_array().map_or(0, Vec::len))
    };
    let answered = async || {
        let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
        until("the answer is stored", TERMINAL, async || {
            Ok((owner.stored(sent.chat, sent.reply).await?["state"] == "complete").then_some(()))
        })
        .await
    };
    let feed = Feed::open(&owner, None).await?;
    answered().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(notices().await? == 0, "somebody who looks is sent a notice");
    drop(feed);
    until("the feed is known to be gone", SOON, async || {
        answered().await?;
        Ok((notices().await? > 0).then_some(()))
    })
    .await?;
    let mut back = Feed::open(&owner, None).await?;
    owner.post("/api/v1/notices/read", &json!({"all": true})).await?.ok(204)?;
    while back.next(SOON).await?["kind"] != "notice.read" {}
    ensure!(owner.get("/api/v1/notices").await?.ok(200)?["unread"] == 0);
    Ok(())
}

/// How many live feeds the server holds open.
async fn open_feeds(client: &crate::harness::Client) -> Result<i64> {
    let text = client.get("/metrics").await?.text;
    let line = text.lines().find(|line| line.starts_with("feeds_open")).context("no feeds_open")?;
    Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
}

/// Answers of a megabyte each, more than a machine keeps for a reader who does not read.
async fn long_answers(owner: &crate::harness::Client) -> Result<Vec<Uuid>> {
    let id = |n: u128| Uuid::from_u128(n + 1);
    let messages: Vec<Value> = (0..24)
        .map(|n: u128| {
            let (role, text) =
                if n.is_multiple_of(2) { ("user", "long?".to_owned()) } else { ("assistant", "long ".repeat(200_000)) };
            json!({"id": id(n), "parent_id": (n > 0).then(|| id(n - 1)), "role": role, "text": text,
                "state": "complete", "created_at": "2026-01-01T00:00:00Z"})
        })
        .collect();
    let chat = json!({"format": "taifas-chat", "version": 1, "id": id(99), "title": "Long", "model": "",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "active_leaf": id(23),
        "messages": messages});
    owner.post("/api/v1/imports?name=long.json", &chat).await?.ok(202)?;
    until("the chat comes in", TERMINAL, async || {
        let list = owner.get("/api/v1/chats").await?.ok(200)?;
        let Some(chat) = list["chats"][0]["id"].as_str() else { return Ok(None) };
        let open = owner.get(&format!("/api/v1/chats/{chat}")).await?.ok(200)?;
        let replies =
            open["messages"].as_array().into_iter().flatten().filter(|message| message["role"] == "assistant");
        let ids: Vec<Uuid> = replies.filter_map(|reply| reply["id"].as_str()?.parse().ok()).collect();
        Ok((ids.len() == 12).then_some(ids))
    })
    .await
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_let_go_and_holds_up_nobody() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    let replies = long_answers(&owner).await?;
    let mut stands = Feed::open(&owner, None).await?;
    for reply in &replies {
        stands.follow(*reply, None).await?;
    }
    // It reads no more. Others do, and hear everything at once.
    let mut reads = Feed::open(&owner, None).await?;
    ensure!(open_feeds(&owner).await? == 2);
    let last = *replies.last().context("an answer")?;
    reads.follow(last, None).await?;
    let events = reads.reply(last, "snapshot", SOON).await?;
    ensure!(text(&events).len() > 900_000, "{} bytes", text(&events).len());
    until("whoever takes nothing is let go", Duration::from_secs(60), async || {
        Ok((open_feeds(&owner).await? == 1).then_some(()))
    })
    .await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 3}))).await?;
    reads.hint("message.sent", sent.chat, SOON).await?;
    // What was on its way to it is cut off in the middle; it ends without a farewell.
    let (code, _) = stands.ends(CALL).await?;
    ensure!(code.is_none(), "{code:?}");
    Ok(())
}
