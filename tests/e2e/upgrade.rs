//! Updates: a migration that is killed goes on, and what an older release left is opened.

use crate::{
    commands::{command, download, picture, run, said, upload},
    harness::{Binary, Client, Database, Draft, Server, TERMINAL, Watch, ready},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Command,
};

const PASSWORD: &str = "correct horse battery staple";
const PASSPHRASE: &str = "four words are enough";
const TITLE: &str = "What the release left";

/// `taifas migrate` on the server's folder, to die at a point.
async fn migrate(server: &Server, binary: Binary, dies: Option<&str>) -> Result<std::process::Output> {
    let mut command = Command::new(binary.path()?);
    command.args(["migrate", "--data", &server.data().display().to_string()]).env_clear();
    command.current_dir(server.scratch()).envs(dies.map(|point| ("TAIFAS_FAILPOINT", point)));
    run(command).await
}

#[tokio::test]
async fn a_migration_that_is_killed_at_any_step_goes_on() -> Result<()> {
    let kills = killed_at_steps().await?;
    ensure!(kills > 25, "only {kills} kills: the points are not where the steps are");
    Ok(())
}

/// F46: kills before and behind each step, each time on nothing. How many there were.
pub async fn killed_at_steps() -> Result<usize> {
    let whole = Server::prepare(Binary::Shipped)?;
    let output = migrate(&whole, Binary::Shipped, None).await?;
    ensure!(output.status.success(), "{}", said(&output));
    let schema = Database::open(&whole)?.schema()?;
    let mut kills = 0;
    for point in ["M1", "M2"] {
        for pass in 1.. {
            let server = Server::prepare(Binary::Shipped)?;
            let output = migrate(&server, Binary::Failpoints, Some(&format!("{point}:{pass}"))).await?;
            if output.status.success() {
                break;
            }
            ensure!(output.status.signal() == Some(9), "{point}:{pass}: {}", said(&output));
            kills += 1;
            let output = migrate(&server, Binary::Shipped, None).await?;
            ensure!(output.status.success(), "{point}:{pass}: {}", said(&output));
            ensure!(Database::open(&server)?.schema()? == schema, "{point}:{pass}: another schema");
        }
    }
    Ok(kills)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/fixtures")
}

#[tokio::test]
async fn what_older_releases_left_is_opened() -> Result<()> {
    older_releases().await?;
    Ok(())
}

/// Backups that the program of each release made, and one of this program. How many of the former.
pub async fn older_releases() -> Result<usize> {
    let scratch = tempfile::tempdir()?;
    let own = match std::env::var("TAIFAS_FIXTURE") {
        Ok(named) => PathBuf::from(named),
        Err(_) => scratch.path().join("own.tar.gz.sealed"),
    };
    fixture(&own.display().to_string()).await?;
    opens(&own).await.context("the one of this program")?;
    let mut count = 0;
    for entry in fs::read_dir(fixtures())? {
        let fixture = entry?.path();
        count += 1;
        opens(&fixture).await.with_context(|| fixture.display().to_string())?;
    }
    ensure!(count > 0, "there is no fixture");
    Ok(count)
}

async fn opens(fixture: &Path) -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let (from, data) = (fixture.display().to_string(), server.data().display().to_string());
    let mut restore = command(&server, &["restore", &from, "--data", &data])?;
    restore.env("TAIFAS_BACKUP_PASSPHRASE", PASSPHRASE);
    let output = run(restore).await?;
    ensure!(output.status.success(), "{}", said(&output));
    server.again(&[]).await?;
    let owner = Client::new(server.url())?;
    owner.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    let list = owner.get("/api/v1/chats").await?.ok(200)?;
    let chat = list["chats"].as_array().into_iter().flatten().find(|chat| chat["title"] == TITLE);
    let id = chat.and_then(|chat| chat["id"].as_str()).context("the chat is not there")?;
    let open = owner.get(&format!("/api/v1/chats/{id}")).await?.ok(200)?;
    let turns = open["messages"].as_array().context("messages")?;
    ensure!(turns.len() == 2 && turns[1]["state"] == "complete", "{open}");
    let found = owner.get("/api/v1/search?q=release").await?.ok(200)?;
    ensure!(found.to_string().contains(id), "it is not found: {found}");
    let keys = owner.get("/api/v1/keys").await?.ok(200)?;
    ensure!(keys.to_string().contains("A key"), "{keys}");
    let mut file = None;
    for chat in list["chats"].as_array().into_iter().flatten() {
        let open = owner.get(&format!("/api/v1/chats/{}", chat["id"].as_str().unwrap_or_default())).await?.ok(200)?;
        let attached =
            open["messages"].as_array().into_iter().flatten().flat_map(|turn| turn["attachments"].as_array());
        file = file.or(attached.flatten().find_map(|file: &Value| file["id"].as_str().map(str::to_owned)));
    }
    ensure!(download(&owner, &file.context("no file")?).await?.len() == small_picture().len(), "the file has changed");
    // and it is written to
    owner.send(&Draft::new("continues", &json!({"tokens": 2, "delay_ms": 1}))).await?;
    server.stop().await?;
    Database::open(&server)?;
    Ok(())
}

fn small_picture() -> Vec<u8> {
    picture()[..200].to_vec()
}

/// A backup as this program makes it. For each release it is kept in `tests/e2e/fixtures`, with the version
/// in its name: `TAIFAS_FIXTURE` names the file to write.
async fn fixture(to: &str) -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let file = upload(&owner, small_picture()).await?;
    // a chat with a picture, which this model refuses to look at, and one with an answer
    let mut draft = Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}));
    draft.body["attachments"] = json!([file]);
    let sent = owner.send(&draft).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    let chat = owner.open(sent.chat).await?;
    owner.rename(sent.chat, TITLE, chat["chat"]["version"].as_i64().unwrap_or(1)).await?.ok(200)?;
    owner.post("/api/v1/keys", &json!({"name": "A key", "scopes": ["chats:read"]})).await?.ok(201)?;
    server.stop().await?;
    let data = server.data().display().to_string();
    let mut backup = command(&server, &["backup", "--data", &data, "--to", to])?;
    backup.env("TAIFAS_BACKUP_PASSPHRASE", PASSPHRASE);
    let output = run(backup).await?;
    ensure!(output.status.success(), "{}", said(&output));
    Ok(())
}
