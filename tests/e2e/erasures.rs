//! What was erased after a backup does not come back with it (I12).

use crate::{
    commands::{command, run, said},
    harness::{Binary, Client, Database, Draft, Server, TERMINAL, Watch, ready, until},
    identity::{join, key},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::{fs, time::Duration};

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn what_was_erased_after_a_backup_stays_erased() -> Result<()> {
    let grace = [("TAIFAS__USER__DELETION_GRACE_DAYS", "0")];
    let (mut server, owner) = ready(&grace).await?;
    let (gone, _) = join(&owner, "gone@example.org", "user").await?;
    // each text is another one
    let say = async |person: &Client, tokens: u32| -> Result<_> {
        let draft = Draft::new("continues", &json!({"tokens": tokens, "delay_ms": 1}));
        let sent = person.send(&draft).await?;
        Watch::begin(person, sent.reply, None).done(TERMINAL).await?;
        Ok((sent.chat, draft.text().to_owned()))
    };
    let (kept, _) = say(&owner, 3).await?;
    let (erased, erased_text) = say(&owner, 4).await?;
    let (_, gone_text) = say(&gone, 5).await?;
    let (program, _, key_id) = key(&owner, json!(["chats:read"])).await?;
    let device = owner.nobody();
    device.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    let cookie = device.cookie().context("no cookie")?;

    let data = server.data().display().to_string();
    let backups = server.scratch().join("backups");
    fs::create_dir(&backups)?;
    let made = backups.join("one.tar.gz");
    let output = run(command(&server, &["backup", "--data", &data, "--to", &made.display().to_string()])?).await?;
    ensure!(output.status.success(), "{}", said(&output));

    ensure!(owner.delete(&format!("/api/v1/chats/{erased}/forever")).await?.status == 204);
    ensure!(owner.delete(&format!("/api/v1/keys/{key_id}")).await?.status == 204);
    ensure!(device.post("/api/v1/auth/sign-out", &json!({})).await?.status == 204);
    gone.post("/api/v1/auth/delete-account", &json!({"password": PASSWORD, "confirm": "DELETE"})).await?.ok(202)?;
    // the grace time is none, and a start looks at once
    server.stop().await?;
    server.again(&grace).await?;
    let journal = server.data().join("erased.jsonl");
    until("the erasures are written down", Duration::from_secs(10), async || {
        let text = fs::read_to_string(&journal).unwrap_or_default();
        Ok(["account", "chat", "key", "session"].iter().all(|kind| text.contains(&format!("{kind:?}"))).then_some(()))
    })
    .await?;
    server.kill().await?;
    let noted = fs::read_to_string(&journal)?;

    // without the journal the backup brings them back, and says so
    let other = server.scratch().join("other").display().to_string();
    let made = made.display().to_string();
    let output = run(command(&server, &["restore", &made, "--data", &other])?).await?;
    ensure!(said(&output).contains("No journal of erasures was found"), "{}", said(&output));
    let output = run(command(&server, &["restore", &made, "--data", &data])?).await?;
    ensure!(!output.status.success() && said(&output).contains("--replace"), "{}", said(&output));

    let output = run(command(&server, &["restore", &made, "--data", &data, "--replace"])?).await?;
    let text = said(&output);
    ensure!(output.status.success() && text.contains("Proved:") && text.contains("Erased again: 5 things"), "{text}");
    ensure!(text.contains("data-before-"), "what was there is nowhere: {text}");
    ensure!(carries(&server, &noted), "the journal is not carried on");
    server.again(&grace).await?;
    owner.open(kept).await?;
    owner.get(&format!("/api/v1/chats/{erased}")).await?.problem(404, "not_found")?;
    program.get("/api/v1/chats").await?.problem(401, "unauthenticated")?;
    let thief = owner.nobody();
    let request = thief.request(reqwest::Method::GET, "/api/v1/me").header("Cookie", cookie);
    thief.call(request).await?.problem(401, "unauthenticated")?;
    thief.sign_in("gone@example.org", PASSWORD).await?.problem(401, "unauthenticated")?;
    until("the account's chats are erased again", Duration::from_secs(10), async || {
        Ok((Database::beside(&server)?.messages_like(&gone_text)? == 0).then_some(()))
    })
    .await?;
    server.stop().await?;
    ensure!(Database::open(&server)?.messages_like(&erased_text)? == 0, "an erased message is there again");

    // a journal that is named does the same, also when the clock was set back between the backup and the erasures
    let mut third = Server::prepare(Binary::Shipped)?;
    let before = fs::read_dir(server.scratch())?
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("data-before-"))
        .context("no former folder")?;
    let noted = earlier(&fs::read_to_string(before.path().join("erased.jsonl"))?)?;
    let named = server.scratch().join("named.jsonl").display().to_string();
    fs::write(&named, &noted)?;
    let data = third.data().display().to_string();
    let output = run(command(&third, &["restore", &made, "--data", &data, "--erased", &named])?).await?;
    ensure!(said(&output).contains("Erased again: 5 things"), "{}", said(&output));
    ensure!(carries(&third, &noted), "the journal that is named is not carried on");
    third.again(&grace).await?;
    Client::new(third.url())?.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    third.stop().await?;
    Ok(())
}

/// The same journal, written with a clock that is an hour behind.
fn earlier(journal: &str) -> Result<String> {
    let mut moved = journal.to_owned();
    for line in journal.lines() {
        let line: Value = serde_json::from_str(line)?;
        let at = line["at"].as_str().context("no time")?;
        let before = json!(at.parse::<chrono::DateTime<chrono::Utc>>()? - chrono::TimeDelta::hours(1));
        moved = moved.replace(at, before.as_str().context("no time")?);
    }
    Ok(moved)
}

/// An erasure is noted when the disk takes it again, however long that lasts.
#[tokio::test]
async fn an_erasure_that_cannot_be_noted_is_noted_later() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 1, "delay_ms": 1}))).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    // a folder where the file should be: opening it fails
    let journal = server.data().join("erased.jsonl");
    fs::create_dir(&journal)?;
    ensure!(owner.delete(&format!("/api/v1/chats/{}/forever", sent.chat)).await?.status == 204);
    until("it was tried often", Duration::from_secs(30), async || {
        Ok((server.log()?.matches("the journal of erasures cannot be written").count() > 5).then_some(()))
    })
    .await?;
    fs::remove_dir(&journal)?;
    until("it is noted", Duration::from_secs(30), async || {
        Ok(fs::read_to_string(&journal).is_ok_and(|text| text.contains(&sent.chat.to_string())).then_some(()))
    })
    .await?;
    server.stop().await
}

/// Whether what was erased is known where it was restored: an older backup may be restored there too.
fn carries(server: &Server, noted: &str) -> bool {
    let journal = fs::read_to_string(server.data().join("erased.jsonl")).unwrap_or_default();
    !noted.is_empty() && noted.lines().all(|line| journal.contains(line))
}
