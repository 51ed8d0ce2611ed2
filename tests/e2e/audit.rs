//! The audit trail: what was changed, removed, added or cut off behind the program's back is found, and
//! what may go is not called a fault. A transcript is checked without an instance.

use crate::{
    commands::{command, run, said},
    harness::{Client, Database, Draft, Server, TERMINAL, Watch, ready, until},
};
use anyhow::{Context as _, Result, ensure};
use platform::{
    audit::{Line, SEALS, SECRET, Seal, Signing},
    secrets::{FileSecrets, Secrets as _},
};
use serde_json::{Value, json};
use std::fs;

async fn verify(server: &Server, more: &[&str]) -> Result<(bool, String)> {
    let data = server.data().display().to_string();
    let mut verify = command(server, &["audit", "verify", "--data", &data])?;
    verify.args(more);
    let output = run(verify).await?;
    ensure!(!said(&output).contains("panicked"), "{}", said(&output));
    Ok((output.status.success(), said(&output)))
}

/// Stops the instance when its events are all sealed. A start seals at once.
async fn seal(server: &mut Server) -> Result<()> {
    server.stop().await?;
    server.again(&[]).await?;
    until("everything is sealed", TERMINAL, async || {
        Ok(verify(server, &[]).await?.1.contains(" 0 are not sealed yet").then_some(()))
    })
    .await?;
    server.stop().await
}

/// A stopped instance whose events are all sealed.
async fn sealed() -> Result<(Server, Value)> {
    let (mut server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 3, "delay_ms": 1}))).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    owner.nobody().sign_in("owner@example.org", "correct horse battery staple").await?.ok(200)?;
    let transcript = owner.get(&format!("/api/v1/chats/{}/export?format=json", sent.chat)).await?.ok(200)?;
    seal(&mut server).await?;
    Ok((server, transcript))
}

#[tokio::test]
async fn whoever_touches_sealed_events_is_found() -> Result<()> {
    let (server, _) = sealed().await?;
    let (sound, text) = verify(&server, &[]).await?;
    ensure!(sound && text.contains("0 faults") && !text.contains("\n0 seals"), "{text}");
    let file = server.data().join("taifas.db");
    let whole = fs::read(&file)?;
    for (sql, words) in [
        ("update chat_events set kind = 'message.seen' where position = 1", "the event 1 of chat was changed"),
        ("update auth_events set actor = randomblob(16) where position = 1", "of auth was changed"),
        ("update user_events set at = at - 1 where position = 1", "of user was changed"),
        ("delete from chat_events where position = 2", "the event 2 of chat, sealed at"),
        ("delete from session_events where position = (select max(position) from session_events)", "was removed"),
        (
            "insert into session_events (position, space_id, aggregate_id, version, kind, actor, payload, at)
             select -1, space_id, aggregate_id, version, kind, actor, payload, at from session_events limit 1",
            "1 events of session stand among sealed ones",
        ),
        ("update audit_seals set events = events + 1 where number = 1", "is not signed"),
        ("update audit_seals set leaves = zeroblob(65) where number = 1", "other events than those"),
        ("update audit_seals set root = substr(root, 2) || substr(root, 1, 1) where number = 1", "is not signed"),
        // seals and events of the end, cut off together: the file of the seals knows
        ("delete from audit_seals where number = (select max(number) from audit_seals)", "this database does not"),
    ] {
        fs::write(&file, &whole)?;
        ensure!(Database::open(&server)?.execute(sql)? >= 1, "{sql}: nothing was touched");
        let (sound, text) = verify(&server, &[]).await?;
        ensure!(!sound && text.contains("FAULT") && text.contains(words), "{sql}: {text}");
    }
    // an event that nobody has sealed yet, written and removed again
    fs::write(&file, &whole)?;
    let database = Database::open(&server)?;
    database.execute(
        "insert into chat_events (space_id, aggregate_id, version, kind, actor, payload, at)
         select space_id, aggregate_id, version, kind, actor, payload, at from chat_events limit 1",
    )?;
    ensure!(verify(&server, &[]).await?.1.contains(" 1 are not sealed yet"), "it counts as sealed");
    database.execute("delete from chat_events where position = (select max(position) from chat_events)")?;
    drop(database);
    let (sound, text) = verify(&server, &[]).await?;
    ensure!(!sound && text.contains("events of chat behind position"), "{text}");

    // what was before a change may be erased, and events past their time may go
    fs::write(&file, &whole)?;
    Database::open(&server)?.execute("update chat_events set change = null")?;
    ensure!(verify(&server, &[]).await?.0, "an erased change is called a fault");
    Ok(())
}

#[tokio::test]
async fn a_restored_instance_goes_on_with_its_trail_and_a_foreign_key_fits_nothing() -> Result<()> {
    let (mut server, _) = sealed().await?;
    let data = server.data().display().to_string();
    let mut backup = command(&server, &["backup", "--data", &data, "--to", "one.tar.gz.sealed"])?;
    backup.env("TAIFAS_BACKUP_PASSPHRASE", "four words are enough");
    ensure!(run(backup).await?.status.success());
    ensure!(server.scratch().join("audit.jsonl").exists(), "the seals are not beside the backup");
    // one seal more, which the backup does not know
    server.again(&[]).await?;
    let owner = Client::new(server.url())?;
    owner.sign_in("owner@example.org", "correct horse battery staple").await?.ok(200)?;
    seal(&mut server).await?;
    let mut restore = command(&server, &["restore", "one.tar.gz.sealed", "--data", &data, "--replace"])?;
    restore.env("TAIFAS_BACKUP_PASSPHRASE", "four words are enough");
    let output = run(restore).await?;
    ensure!(output.status.success(), "{}", said(&output));
    server.again(&[]).await?;
    server.stop().await?;
    let (sound, text) = verify(&server, &[]).await?;
    ensure!(sound, "{text}");
    let (sound, text) = verify(&server, &["--key", &"ab".repeat(32)]).await?;
    ensure!(!sound && text.contains("is not signed with this instance's key"), "{text}");
    let (sound, text) = verify(&server, &["--key", "short"]).await?;
    ensure!(!sound && text.contains("64 hexadecimal digits"), "{text}");
    Ok(())
}

/// What a restore of a new backup of a stopped instance says; nothing is left of it.
async fn brought_back(server: &Server, passphrase: Option<&str>) -> Result<(bool, String)> {
    let (data, target) = (server.data().display().to_string(), server.scratch().join("brought"));
    let (backup, restored) = ("one.backup", target.display().to_string());
    let run_with = async |arguments: &[&str]| {
        let mut command = command(server, arguments)?;
        command.envs(passphrase.map(|text| ("TAIFAS_BACKUP_PASSPHRASE", text)));
        let output = run(command).await?;
        ensure!(!said(&output).contains("panicked"), "{}", said(&output));
        Ok((output.status.success(), said(&output)))
    };
    let (made, text) = run_with(&["backup", "--data", &data, "--to", backup]).await?;
    ensure!(made, "{text}");
    let (works, text) = run_with(&["restore", backup, "--data", &restored]).await?;
    ensure!(works == target.exists() && !target.with_extension("restoring").exists(), "what is left: {text}");
    if works {
        fs::remove_dir_all(&target)?;
    }
    fs::remove_file(server.scratch().join(backup))?;
    Ok((works, text))
}

#[tokio::test]
async fn a_restore_proves_the_trail_and_refuses_one_that_was_touched() -> Result<()> {
    let (mut server, _) = sealed().await?;
    // another seal behind those
    server.again(&[]).await?;
    let owner = Client::new(server.url())?;
    owner.sign_in("owner@example.org", "correct horse battery staple").await?.ok(200)?;
    seal(&mut server).await?;
    let passphrase = Some("four words are enough");
    let (_, verified) = verify(&server, &[]).await?;
    let mut numbers = verified.split(|letter: char| !letter.is_ascii_digit()).filter(|text| !text.is_empty());
    let (seals, events) = (numbers.next().context("no seals")?, numbers.next().context("no events")?);
    ensure!(seals.parse::<u32>()? > 1 && events.parse::<u32>()? > 5, "too little is sealed: {verified}");
    let counted = format!(
        "{seals} seals of the audit trail follow each other, {events} sealed events are what was sealed, 0 are"
    );
    for (passphrase, signatures) in [
        (passphrase, format!("{seals} of the seals are signed with the key in the backup")),
        (None, "signatures were not compared, as the key is not in the backup".to_owned()),
    ] {
        let (works, text) = brought_back(&server, passphrase).await?;
        ensure!(works && text.contains(&counted) && text.contains(&signatures), "{text}");
        ensure!(!text.contains("Look at this"), "{text}");
    }

    let file = server.data().join("taifas.db");
    let whole = fs::read(&file)?;
    let last = "number = (select max(number) from audit_seals)";
    for (sql, passphrase, words) in [
        (
            "update chat_events set kind = 'message.seen' where position = 1",
            None,
            "event 1 of chat was changed after the seal",
        ),
        ("delete from chat_events where position = 2", passphrase, "by the seal 1, was removed"),
        (
            "insert into session_events (position, space_id, aggregate_id, version, kind, actor, payload, at)
             select -1, space_id, aggregate_id, version, kind, actor, payload, at from session_events limit 1",
            None,
            "1 events of session stand among sealed ones",
        ),
        ("update audit_seals set leaves = zeroblob(65) where number = 1", None, "the seal 1 is of other events"),
        ("update audit_seals set events = events + 1 where number = 1", None, "the seal 1 is of other events"),
        ("update audit_seals set signature = before where number = 1", None, "the seal 2 does not name the one before"),
        ("delete from audit_seals where number = 1", None, "the seals 1 to 1 are missing"),
        (&format!("update audit_seals set signature = before where {last}"), passphrase, "is not signed with the key"),
    ] {
        fs::write(&file, &whole)?;
        ensure!(Database::open(&server)?.execute(sql)? >= 1, "{sql}: nothing was touched");
        let (works, text) = brought_back(&server, passphrase).await?;
        ensure!(!works && text.contains(words) && text.contains("Restore an earlier backup"), "{sql}: {text}");
    }

    // what may have gone by itself is brought back, and said
    fs::write(&file, &whole)?;
    Database::open(&server)?.execute("delete from chat_events where position = 1")?;
    let (works, text) = brought_back(&server, None).await?;
    ensure!(works && text.contains("1 sealed events are gone that are younger than 90 days"), "{text}");
    fs::write(&file, &whole)?;

    // so is another seal than that of the file beside it
    let (noted, beside) = (server.data().join(SEALS), server.scratch().join(SEALS));
    let key = FileSecrets::open(server.data().join("secrets"))?.get(SECRET).await?.context("no key")?;
    let signing = Signing::new(key.expose())?;
    let mut foreign =
        Seal { number: 1, events: 1, root: "ab".repeat(32), before: String::new(), at: 1, signature: String::new() };
    foreign.signature = signing.sign(&foreign.statement()).iter().map(|byte| format!("{byte:02x}")).collect();
    let lines = fs::read(&noted)?;
    fs::write(&noted, serde_json::to_string(&Line::Seal(foreign))? + "\n")?;
    fs::remove_file(&beside)?;
    let (works, text) = brought_back(&server, passphrase).await?;
    ensure!(works && text.contains("knows another seal 1 than the backup"), "{text}");
    fs::write(&noted, lines)?;
    fs::remove_file(&beside)?;

    // secrets that were lost: the new key vouches for the old seals once it has signed one
    fs::remove_file(server.data().join("secrets").join(SECRET))?;
    server.again(&[]).await?;
    server.stop().await?;
    let (works, text) = brought_back(&server, passphrase).await?;
    ensure!(works && text.contains("no seal is signed with the key in the backup"), "{text}");
    server.again(&[]).await?;
    owner.sign_in("owner@example.org", "correct horse battery staple").await?.ok(200)?;
    seal(&mut server).await?;
    let (works, text) = brought_back(&server, passphrase).await?;
    ensure!(works && text.contains("of the seals are signed with the key in the backup"), "{text}");
    ensure!(!text.contains("; 0 of") && !text.contains("Look at this"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_transcript_is_checked_without_an_instance() -> Result<()> {
    let (server, transcript) = sealed().await?;
    let data = server.data().display().to_string();
    let key = run(command(&server, &["audit", "key", "--data", &data])?).await?;
    let key = String::from_utf8(key.stdout)?.trim().to_owned();
    let file = server.scratch().join("chat.json");
    let asked = ["audit", "verify", "--transcript", "chat.json", "--key", &key, "--data", "nowhere"];
    let check = async |transcript: &Value| -> Result<(bool, String)> {
        fs::write(&file, serde_json::to_string_pretty(transcript)?)?;
        let output = run(command(&server, &asked)?).await?;
        Ok((output.status.success(), said(&output)))
    };
    let (sound, text) = check(&transcript).await?;
    ensure!(sound && text.contains("is what this instance signed at"), "{text}");
    let mut changed = transcript.clone();
    *changed.pointer_mut("/messages/1/text").context("a reply")? = json!("another answer");
    let (sound, text) = check(&changed).await?;
    ensure!(!sound && text.contains("it was changed"), "{text}");
    let mut bare = transcript;
    bare.as_object_mut().context("an object")?.remove("signed");
    let (sound, text) = check(&bare).await?;
    ensure!(!sound && text.contains("is not signed"), "{text}");
    Ok(())
}
