//! F52: a chat and then a whole account are erased while their answers are being written and a backup is
//! made, and the program is killed in between. Nothing is written afterwards, nothing comes back with a
//! restore, and whoever stays sees only what is theirs.

use crate::{
    archive::World,
    commands::{command, run, said},
    harness::{Binary, Client, Database, Draft, PASSWORD, Server, TERMINAL, Watch, ready, truth, until},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::{fs, time::Duration};
use uuid::Uuid;

/// So many people leave, one after the other.
pub async fn erased(rounds: usize) -> Result<usize> {
    let world = World::new(false)?;
    let mut settings = world.environment();
    settings.push(("TAIFAS__USER__DELETION_GRACE_DAYS", "0"));
    let (mut server, owner) = ready(&settings).await?;
    world.has_base().await?;
    let mut gone = Vec::new();
    for round in 0..rounds {
        gone.push(leave(&mut server, &settings, &owner, round).await.with_context(|| format!("round {round}"))?);
        let (_, foreign) = owner.ear.take();
        ensure!(foreign.is_empty(), "{foreign:?}");
    }
    let journal = server.data().join("erased.jsonl");
    until("the archive knows", TERMINAL, async || {
        Ok(fs::metadata(server.data().join("archive.json")).is_ok().then_some(()))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.stop().await?;

    // from the backup that was made while everything went on, and from the archive
    let named = journal.display().to_string();
    let backup = server.scratch().join("backup-0.tar.gz").display().to_string();
    let mut copies = Vec::new();
    let copy = Server::prepare(Binary::Shipped)?;
    let data = copy.data().display().to_string();
    let output = run(command(&copy, &["restore", &backup, "--data", &data, "--erased", &named])?).await?;
    ensure!(output.status.success(), "{}", said(&output));
    copies.push(copy);
    let copy = Server::prepare(Binary::Shipped)?;
    let (works, text) = world.restore(&copy, &["--erased", &named]).await?;
    ensure!(works, "{text}");
    copies.push(copy);
    for (mut copy, what) in copies.into_iter().zip(["the backup", "the archive"]) {
        copy.again(&[("TAIFAS__USER__DELETION_GRACE_DAYS", "0")]).await?;
        // of a backup from before, those who came later are not in it
        for person in &gone {
            vanishes(&copy, person).await.with_context(|| format!("restored from {what}"))?;
        }
        Client::new(copy.url())?.sign_in(crate::harness::EMAIL, PASSWORD).await?.ok(200)?;
        copy.stop().await?;
        let database = Database::open(&copy)?;
        ensure!(database.misplaced()?.is_empty(), "restored from {what}: {:?}", database.misplaced()?);
    }
    Ok(rounds)
}

/// Somebody who has left, and what they had said.
struct Gone {
    space: Uuid,
    texts: Vec<String>,
}

async fn leave(server: &mut Server, settings: &[(&'static str, &str)], owner: &Client, round: usize) -> Result<Gone> {
    let person = owner.invite(&format!("leaver-{round}@example.org")).await?;
    let space = person.ear.person().context("nobody is welcomed")?;
    let draft = |tokens: u32| Draft::new("continues", &json!({"tokens": tokens, "delay_ms": 10, "style": "named"}));
    // one who stays, with an answer through all of it
    let staying = draft(500);
    let stays = owner.send(&staying).await?;
    let reading = Watch::begin(owner, stays.reply, Some(50));
    let (first, second, third) = (draft(5), draft(600), draft(601));
    let ended = person.send(&first).await?;
    Watch::begin(&person, ended.reply, None).done(TERMINAL).await?;
    let (erased, running) = (person.send(&second).await?, person.send(&third).await?);
    for sent in [&erased, &running] {
        Watch::begin(&person, sent.reply, None).shows(200, TERMINAL).await?;
    }

    // a chat, in the middle of its answer, while a backup is made
    let data = server.data().display().to_string();
    let to = server.scratch().join(format!("backup-{round}.tar.gz")).display().to_string();
    let backup = tokio::spawn(run(command(server, &["backup", "--data", &data, "--to", &to])?));
    ensure!(person.delete(&format!("/api/v1/chats/{}/forever", erased.chat)).await?.status == 204);
    person.get(&format!("/api/v1/chats/{}", erased.chat)).await?.problem(404, "not_found")?;
    ensure!(person.stream(erased.reply, None).await?.0 == 404, "the answer of an erased chat can be read");
    let output = backup.await??;
    ensure!(output.status.success(), "{}", said(&output));
    until("the erased chat is nowhere", TERMINAL, async || {
        Ok((Database::beside(server)?.tokens_of(|token| token.chat == short(erased.chat))? == 0).then_some(()))
    })
    .await?;

    // the account, in the middle of another answer; then the program dies
    let stored = Database::beside(server)?.tokens_of(|token| token.space == short(space))?;
    ensure!(stored > 0, "nothing of {space} is stored that could be erased");
    let asked = json!({"password": PASSWORD, "confirm": "DELETE"});
    person.post("/api/v1/auth/delete-account", &asked).await?.ok(202)?;
    tokio::time::sleep(Duration::from_millis(40 * round as u64 % 400)).await;
    server.kill().await?;
    // a start looks at once for whose time of grace is over
    server.again(settings).await?;
    let texts = [first, second, third].iter().map(|draft| draft.text().to_owned()).collect();
    let gone = Gone { space, texts };
    vanishes(server, &gone).await?;
    let seen = reading.done(2 * TERMINAL).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.text == truth(staying.text(), stays.reply)?, "{:?}", seen.text);
    Database::settled(server).await?;
    // what was on its way then has come: nothing of theirs was written after all
    still_gone(server, &gone)?;
    Ok(gone)
}

fn short(id: Uuid) -> u32 {
    ai::providers::scripted::Named::short(id)
}

/// Nothing of a person is stored any more.
async fn vanishes(server: &Server, gone: &Gone) -> Result<()> {
    until("everything of the account is erased", 2 * TERMINAL, async || {
        Ok(still_gone(server, gone).is_ok().then_some(()))
    })
    .await
    .with_context(|| format!("{:?}", still_gone(server, gone)))
}

fn still_gone(server: &Server, gone: &Gone) -> Result<()> {
    let database = Database::beside(server)?;
    let tokens = database.tokens_of(|token| token.space == short(gone.space))?;
    ensure!(tokens == 0, "{tokens} tokens of an erased account are stored");
    for text in &gone.texts {
        ensure!(database.messages_like(text)? == 0, "a message of an erased account is stored");
    }
    Ok(())
}
