//! The doctor: each thing that is not as it should be is found and named with what to do, and what is well is
//! not called ill.

use crate::{
    commands::{command, run, said},
    harness::{Binary, Server, ready},
};
use anyhow::{Result, ensure};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{fs, process::Command, time::Duration};

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_says_what_to_do() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let (mut server, _owner) = ready(&[]).await?;
    let data = server.data().display().to_string();
    let port = format!("127.0.0.1:{}", server.port);
    let doctor = |listen: &str| -> Result<Command> {
        let mut doctor = command(&server, &["doctor", "--data", &data])?;
        doctor.env("TAIFAS__GATEWAY__LISTEN", listen);
        Ok(doctor)
    };
    let output = run(doctor(&port)?).await?;
    let text = said(&output);
    ensure!(output.status.success(), "{text}");
    for good in ["process ", "is ready", "it is sound", "at this program's version"] {
        ensure!(text.contains(good), "{good:?} is not in: {text}");
    }
    ensure!(text.contains("warn  backup: there is none yet") && text.contains("-> taifas backup"), "{text}");

    let mut wrong = doctor(&port)?;
    wrong
        .env("TAIFAS__GATEWAY__TLS_KEY", "/nowhere/key.pem")
        .env("TAIFAS__AI__OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    let text = said(&run(wrong).await?);
    for word in ["FAULT configuration", "FAULT TLS: /nowhere/key.pem", "127.0.0.1:9 cannot be reached"] {
        ensure!(text.contains(word), "{word:?} is not in: {text}");
    }

    server.stop().await?;
    fs::set_permissions(server.data(), fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(server.data().join("secrets/principal-key"), fs::Permissions::from_mode(0o644))?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut ill = command(&server, &["doctor", "--data", &data])?;
    ill.env("TAIFAS__GATEWAY__LISTEN", listener.local_addr()?.to_string());
    let file = server.data().join("taifas.db");
    let mut bytes = fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(&file, bytes)?;
    fs::File::options()
        .append(true)
        .open(&file)?
        .set_modified(std::time::SystemTime::now() + Duration::from_secs(900))?;
    let output = run(ill).await?;
    let text = said(&output);
    ensure!(output.status.code() == Some(1), "{text}");
    for word in [
        "chmod 700",
        "FAULT secrets",
        "FAULT database",
        "FAULT listening: another program",
        "FAULT clock",
        "no instance runs",
    ] {
        ensure!(text.contains(word), "{word:?} is not in: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn the_doctor_knows_when_the_certificate_ends() -> Result<()> {
    use chrono::Datelike as _;
    let server = Server::prepare(Binary::Shipped)?;
    let soon = chrono::Utc::now() + chrono::TimeDelta::days(5);
    let day = |at: chrono::DateTime<chrono::Utc>| {
        Ok::<_, anyhow::Error>((at.year(), at.month().try_into()?, at.day().try_into()?))
    };
    for ((year, month, day), word) in [
        ((2024, 1, 2), "FAULT TLS: the certificate cert.pem ended on 2024-01-02"),
        (day(soon)?, "warn  TLS: the certificate cert.pem ends on"),
        ((2090, 1, 2), "ok    TLS: the certificate cert.pem is good until 2090-01-02"),
    ] {
        let key = rcgen::KeyPair::generate()?;
        let mut about = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
        about.not_before = rcgen::date_time_ymd(2023, 1, 1);
        about.not_after = rcgen::date_time_ymd(year, month, day);
        fs::write(server.scratch().join("cert.pem"), about.self_signed(&key)?.pem())?;
        fs::write(server.scratch().join("key.pem"), key.serialize_pem())?;
        let mut doctor = command(&server, &["doctor", "--data", "data"])?;
        doctor.env("TAIFAS__GATEWAY__TLS_CERTIFICATE", "cert.pem").env("TAIFAS__GATEWAY__TLS_KEY", "key.pem");
        let output = run(doctor).await?;
        let text = said(&output);
        ensure!(
            text.contains(word) && output.status.success() != word.starts_with("FAULT"),
            "{word:?} is not in: {text}"
        );
    }
    Ok(())
}

/// What the doctor says, with continuous archiving into a folder.
async fn examined(server: &Server, shelf: &str) -> Result<String> {
    let data = server.data().display().to_string();
    let mut doctor = command(server, &["doctor", "--data", &data])?;
    doctor.env("TAIFAS__BACKUP__FOLDER", shelf);
    Ok(said(&run(doctor).await?))
}

fn hours_ago(hours: i64) -> Value {
    json!(chrono::Utc::now() - chrono::TimeDelta::hours(hours))
}

#[tokio::test]
async fn the_doctor_sees_an_archive_that_stands_still() -> Result<()> {
    let (mut server, _owner) = ready(&[]).await?;
    let shelf = server.scratch().join("shelf");
    fs::create_dir(&shelf)?;
    let shelf = shelf.display().to_string();
    let text = examined(&server, &shelf).await?;
    ensure!(text.contains(&format!("warn  archive: nothing was ever archived into {shelf}")), "{text}");
    let inside = server.data().join("archive").display().to_string();
    let text = examined(&server, &inside).await?;
    ensure!(text.contains("FAULT archive: backup.folder lies in the data folder"), "{text}");

    let whole = json!({
        "shelf": shelf, "chain": "chain-1", "next": 2, "before": "", "place": null, "ended": null,
        "at": hours_ago(0), "began_at": hours_ago(5), "base_at": hours_ago(3), "fault": null, "base_fault": null,
    });
    let good =
        [format!("ok    archive: {shelf} has everything"), "ok    archive: its last whole copy is 3 hours".into()];
    for (changes, words) in [
        (json!({}), "ok    archive: "),
        (json!({"at": hours_ago(1)}), "FAULT archive: nothing was archived for 36"),
        (json!({"fault": "the folder is gone"}), "FAULT archive: changes are not archived: the folder is gone"),
        (json!({"base_fault": "no room"}), "FAULT archive: no whole copy can be made: no room"),
        (json!({"base_at": hours_ago(200)}), "warn  archive: its last whole copy is 200 hours old"),
        (json!({"base_at": null}), "FAULT archive: it began 300 minutes ago and holds no whole copy yet"),
        (json!({"base_at": null, "began_at": hours_ago(0)}), "warn  archive: it holds no whole copy yet"),
    ] {
        let mut state = whole.clone();
        for (key, value) in changes.as_object().into_iter().flatten() {
            state[key] = value.clone();
        }
        fs::write(server.data().join("archive.json"), state.to_string())?;
        let text = examined(&server, &shelf).await?;
        ensure!(text.contains(words), "{changes}: {text}");
        let well = changes == json!({});
        ensure!(!well || good.iter().all(|good| text.contains(good)), "{text}");
        ensure!(text.contains("FAULT archive") == words.starts_with("FAULT"), "{changes}: {text}");
    }
    // a stopped instance archives nothing, which is no fault
    server.stop().await?;
    let mut state = whole;
    state["at"] = hours_ago(1);
    fs::write(server.data().join("archive.json"), state.to_string())?;
    let text = examined(&server, &shelf).await?;
    ensure!(text.contains(&good[0]) && !text.contains("FAULT archive"), "{text}");
    Ok(())
}

#[tokio::test]
async fn the_doctor_sees_readers_that_lag_and_how_old_the_last_backup_is() -> Result<()> {
    let (mut server, _owner) = ready(&[]).await?;
    let shelf = server.scratch().display().to_string();
    let text = examined(&server, &shelf).await?;
    for good in ["ok    readers of events", "ok    put aside"] {
        ensure!(text.contains(good), "{good:?} is not in: {text}");
    }
    // a reader that nobody is, so that it stays where it is
    let database = Connection::open(server.data().join("taifas.db"))?;
    database.busy_timeout(Duration::from_secs(10))?;
    database.execute_batch(
        "insert into bus_cursors (consumer, topic, position) values ('somebody', 'chat_events', -20000);
         insert into bus_dead_letters (consumer, topic, position, kind, why, at)
         values ('somebody', 'chat_events', 1, 'chat.created', 'it cannot be read', 1)",
    )?;
    drop(database);
    let text = examined(&server, &shelf).await?;
    for ill in [
        "warn  readers of events: somebody is 20000 events behind in chat_events",
        "warn  put aside: 1 events or tasks were given up",
    ] {
        ensure!(text.contains(ill), "{ill:?} is not in: {text}");
    }

    let made = server.scratch().join("made.tar.gz");
    fs::write(&made, "a backup")?;
    for (file, age, words) in [
        (&made, 0, "ok    backup: the last one is 0 days old: "),
        (&made, 8 * 24, "warn  backup: the last one is 8 days old: "),
        (&made.with_extension("moved"), 0, "moved is not there any more"),
    ] {
        let note = json!({"at": hours_ago(age), "file": file, "bytes": 8, "secrets": false});
        fs::write(server.data().join("last-backup.json"), note.to_string())?;
        let text = examined(&server, &shelf).await?;
        ensure!(text.contains(words), "{words:?} is not in: {text}");
    }

    // at the next start they read on
    server.stop().await?;
    let text = examined(&server, &shelf).await?;
    ensure!(text.contains("ok    readers of events") && text.contains("20000 events behind"), "{text}");
    Ok(())
}
