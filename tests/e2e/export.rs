//! Whoever leaves takes everything along: a canary is put wherever people can put something, and each of
//! them is in the archive. A notice says when it is there.

use crate::harness::{CALL, Client, Draft, TERMINAL, Watch, ready, until};
use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};
use uuid::Uuid;

async fn put(client: &Client, method: Method, path: &str, body: Value) -> Result<Value> {
    let answer = client.call(client.request(method, path).json(&body)).await?;
    ensure!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    Ok(answer.body)
}

/// The files of an archive, as text.
async fn archive(client: &Client, path: &str) -> Result<BTreeMap<String, String>> {
    let response = client.request(Method::GET, path).timeout(CALL).send().await?;
    ensure!(response.status() == 200, "{}", response.status());
    let mut archive = zip::ZipArchive::new(Cursor::new(response.bytes().await?))?;
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let (mut entry, mut text) = (archive.by_index(at)?, Vec::new());
        entry.read_to_end(&mut text)?;
        files.insert(entry.name()?.into_owned(), String::from_utf8_lossy(&text).into_owned());
    }
    Ok(files)
}

#[tokio::test]
async fn everything_of_a_person_is_in_the_archive_and_a_notice_says_so() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    put(&owner, Method::PATCH, "/api/v1/me", json!({"version": 1, "name": "canary-name", "accent": "plum"})).await?;
    let instructions = json!({"enabled": true, "nickname": "canary-nickname", "occupation": "canary-occupation",
        "about": "canary-about", "style": "canary-style", "version": 0});
    put(&owner, Method::PUT, "/api/v1/me/instructions", instructions).await?;
    let wishes = owner.get("/api/v1/notices/preferences").await?.ok(200)?;
    put(&owner, Method::PUT, "/api/v1/notices/preferences", wishes).await?;
    let project = json!({"id": Uuid::now_v7(), "name": "canary-project", "instructions": "canary-rule"});
    put(&owner, Method::POST, "/api/v1/projects", project).await?;
    put(&owner, Method::PUT, "/api/v1/drafts/new", json!({"text": "canary-draft", "version": 0})).await?;
    let kept = owner.send(&Draft::new("continues", &json!({"tokens": 5}))).await?;
    Watch::begin(&owner, kept.reply, None).done(TERMINAL).await?;
    let trashed = owner.send(&Draft::new("continues", &json!({"tokens": 5}))).await?;
    Watch::begin(&owner, trashed.reply, None).done(TERMINAL).await?;
    ensure!(owner.delete(&format!("/api/v1/chats/{}", trashed.chat)).await?.status == 204);
    // what an answer used is told to analytics when it has ended
    until("the usage is counted", TERMINAL, async || {
        let usage = owner.get("/api/v1/usage").await?.ok(200)?;
        Ok((usage["totals"]["requests"].as_i64() >= Some(2)).then_some(()))
    })
    .await?;

    let asked = put(&owner, Method::POST, "/api/v1/exports", json!({})).await?;
    let id = asked["id"].as_str().context("an id")?;
    let notice = until("a notice of the export", TERMINAL, async || {
        let notices = owner.get("/api/v1/notices").await?.ok(200)?;
        let found = notices["notices"].as_array().into_iter().flatten().find(|n| n["kind"] == "export_ready");
        Ok(found.cloned())
    })
    .await?;
    ensure!(notice["data"]["export_id"] == id, "{notice}");
    let files = archive(&owner, &format!("/api/v1/exports/{id}/file")).await?;
    for (name, holds) in [
        ("taifas.json", "canary-name"),
        ("taifas.json", "owner@example.org"),
        ("taifas.json", "plum"),
        ("instructions.json", "canary-nickname"),
        ("instructions.json", "canary-occupation"),
        ("instructions.json", "canary-about"),
        ("instructions.json", "canary-style"),
        ("projects.json", "canary-project"),
        ("projects.json", "canary-rule"),
        ("drafts.json", "canary-draft"),
        ("notice-preferences.json", "export_ready"),
        ("notices.json", "["),
        ("usage.json", "scripted/continues"),
        (&format!("chats/{}.json", kept.chat), "Gruß"),
        (&format!("trash/chats/{}.json", trashed.chat), "deleted_at"),
    ] {
        let file = files.get(name).with_context(|| format!("no {name} among {:?}", files.keys()))?;
        ensure!(file.contains(holds), "no {holds} in {name}: {file}");
    }
    Ok(())
}
