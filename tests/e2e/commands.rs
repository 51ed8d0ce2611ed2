//! The commands that look after an instance: backups of a busy one and what comes of them, migrations, and
//! help that says enough.

use crate::harness::{Binary, Client, Database, Draft, Load, Server, TERMINAL, WITHOUT_END, Watch, Written, ready};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use uuid::Uuid;

const PASSWORD: &str = "correct horse battery staple";
const PASSPHRASE: &str = "four words are enough";

/// A command of the program in a server's scratch folder, without this process's settings.
pub fn command(server: &Server, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(Binary::Shipped.path()?);
    command.args(arguments).env_clear().env("TAIFAS__AI__OLLAMA_BASE_URL", "").current_dir(server.scratch());
    Ok(command)
}

pub async fn run(mut command: Command) -> Result<Output> {
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub async fn works(server: &Server, arguments: &[&str]) -> Result<String> {
    let output = run(command(server, arguments)?).await?;
    ensure!(output.status.success(), "{arguments:?}: {}", said(&output));
    Ok(said(&output))
}

pub async fn refuses(server: &Server, arguments: &[&str], words: &[&str]) -> Result<()> {
    let output = run(command(server, arguments)?).await?;
    let text = said(&output);
    ensure!(!output.status.success(), "{arguments:?} works: {text}");
    for word in words {
        ensure!(text.contains(word), "{arguments:?}: {word:?} is not in: {text}");
    }
    ensure!(!text.contains("panicked"), "{text}");
    Ok(())
}

/// The head of a PNG of 64 by 48, and something behind it that never repeats.
pub fn picture() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x30\x08\x06\0\0\0".to_vec();
    for _ in 0..20_000 {
        bytes.extend(Uuid::new_v4().into_bytes());
    }
    bytes
}

pub async fn upload(owner: &Client, bytes: Vec<u8>) -> Result<String> {
    let request = owner.request(reqwest::Method::POST, "/api/v1/files?name=a.png");
    let answer = owner.call(request.header("Content-Type", "image/png").body(bytes)).await?.ok(201)?;
    Ok(answer["id"].as_str().context("no id")?.to_owned())
}

pub async fn download(owner: &Client, id: &str) -> Result<Vec<u8>> {
    let response = owner.request(reqwest::Method::GET, &format!("/api/v1/files/{id}")).send().await?;
    ensure!(response.status() == 200, "the file {id}: {}", response.status());
    Ok(response.bytes().await?.to_vec())
}

/// A server on a data folder that `restore` made.
async fn restored(backup: &Path, passphrase: Option<&str>) -> Result<(Server, Client)> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let data = server.data().display().to_string();
    let mut restore = command(&server, &["restore", &backup.display().to_string(), "--data", &data])?;
    restore.envs(passphrase.map(|text| ("TAIFAS_BACKUP_PASSPHRASE", text)));
    let output = run(restore).await?;
    ensure!(output.status.success(), "{}", said(&output));
    server.again(&[]).await?;
    let client = Client::new(server.url())?;
    client.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    Ok((server, client))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_instance_is_backed_up_and_nothing_acknowledged_before_is_missing() -> Result<()> {
    let (mut server, owner) = ready(&[WITHOUT_END]).await?;
    let bytes = picture();
    let file = upload(&owner, bytes.clone()).await?;
    let mut load = Load::begin(&owner, 4);
    load.reaches(40).await?;
    // an answer that is being written while the backup is made
    let running = owner.send(&Draft::new("continues", &json!({"tokens": 400, "delay_ms": 20}))).await?;

    let before = load.so_far();
    let data = server.data().display().to_string();
    let mut backup = command(&server, &["backup", "--data", &data, "--to", "busy.tar.gz"])?;
    backup.env("TAIFAS_BACKUP_PASSPHRASE", PASSPHRASE);
    let output = run(backup).await?;
    ensure!(output.status.success(), "{}", said(&output));
    let during = load.so_far().len() - before.len();
    load.reaches(before.len() + during + 10).await?;
    let total = load.end().await?;
    ensure!(during > 0, "nothing was written while the backup was made, which tests little");
    let made = server.scratch().join("busy.tar.gz");
    ensure!(!server.data().join(".backup").exists(), "the staging folder is left");
    {
        use std::os::unix::fs::PermissionsExt as _;
        ensure!(fs::metadata(&made)?.permissions().mode() & 0o777 == 0o600, "others can read the backup");
    }

    // the health page knows of it
    let health = owner.get("/api/v1/admin/health").await?.ok(200)?;
    ensure!(health["last_backup"].is_string(), "{health}");
    let principal = fs::read(server.data().join("secrets/principal-key"))?;
    owner.stop(running.reply).await?;
    server.stop().await?;

    let (mut copy, person) = restored(&made, Some(PASSPHRASE)).await?;
    for Written { chat, message, text, .. } in &before {
        let stored = person.stored(*chat, *message).await?;
        ensure!(stored["text"] == json!(text), "{message}: {stored}");
    }
    ensure!(download(&person, &file).await? == bytes, "the stored file has changed");
    ensure!(fs::read(copy.data().join("secrets/principal-key"))? == principal, "another secret");
    // what was being written is written to its end
    let watch = Watch::begin(&person, running.reply, None);
    watch.done(TERMINAL).await?;
    copy.stop().await?;
    Database::open(&copy)?;
    ensure!(total > before.len(), "nothing went on");
    Ok(())
}

/// A small instance that is stopped, and its backup.
async fn small(passphrase: Option<&str>) -> Result<(Server, PathBuf, Value)> {
    let (mut server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    upload(&owner, picture()).await?;
    let chat = owner.open(sent.chat).await?;
    server.stop().await?;
    let data = server.data().display().to_string();
    let mut backup = command(&server, &["backup", "--data", &data, "--to", "small.tar.gz"])?;
    backup.envs(passphrase.map(|text| ("TAIFAS_BACKUP_PASSPHRASE", text)));
    let output = run(backup).await?;
    ensure!(output.status.success(), "{}", said(&output));
    let made = server.scratch().join("small.tar.gz");
    Ok((server, made, chat))
}

#[tokio::test]
async fn a_stopped_instance_comes_back_as_it_was_without_its_secrets() -> Result<()> {
    let (_server, made, before) = small(None).await?;
    let (copy, person) = restored(&made, None).await?;
    let id = before["chat"]["id"].as_str().context("no id")?;
    let after = person.get(&format!("/api/v1/chats/{id}")).await?.ok(200)?;
    ensure!(after["messages"] == before["messages"], "{after} where {before} was");
    ensure!(copy.data().join("secrets/principal-key").exists(), "no secret was made");
    Ok(())
}

#[tokio::test]
async fn a_damaged_backup_leaves_nothing() -> Result<()> {
    let (server, made, _) = small(Some(PASSPHRASE)).await?;
    let whole = fs::read(&made)?;
    let damaged = server.scratch().join("damaged.tar.gz");
    let damaged_name = damaged.display().to_string();
    let target = server.scratch().join("restored");
    let target_name = target.display().to_string();
    let passphrase = server.scratch().join("passphrase").display().to_string();
    fs::write(&passphrase, PASSPHRASE)?;
    let arguments = ["restore", &damaged_name, "--data", &target_name, "--passphrase-file", &passphrase];
    let bare = &arguments[..4];
    for cut in [0, 10, whole.len() / 2, whole.len() - 20, whole.len() - 1] {
        fs::write(&damaged, &whole[..cut])?;
        refuses(&server, &arguments, &["not a whole backup"]).await?;
        ensure!(!target.exists() && !server.scratch().join("restored.restoring").exists(), "{cut}: something is left");
    }
    for at in [whole.len() / 3, whole.len() / 2, whole.len() - 200] {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        fs::write(&damaged, changed)?;
        refuses(&server, &arguments, &["not a whole backup"]).await?;
        ensure!(!target.exists(), "a changed byte at {at} is restored");
    }
    fs::write(&damaged, &whole)?;
    let mut wrong = command(&server, bare)?;
    wrong.env("TAIFAS_BACKUP_PASSPHRASE", "another passphrase");
    let output = run(wrong).await?;
    ensure!(!output.status.success() && said(&output).contains("passphrase"), "{}", said(&output));
    ensure!(!target.exists(), "something is restored with a wrong passphrase");

    fs::create_dir(&target)?;
    fs::write(target.join("mine"), "precious")?;
    refuses(&server, &arguments, &["is not empty", "never overwrites"]).await?;
    ensure!(fs::read(target.join("mine"))? == b"precious", "it is overwritten");
    fs::remove_file(target.join("mine"))?;
    refuses(&server, bare, &["is encrypted", "--passphrase-file"]).await?;
    ensure!(!target.join("taifas.db").exists(), "something is restored without the passphrase");
    let marker = b"principal-key";
    ensure!(!whole.windows(marker.len()).any(|some| some == marker), "it is not encrypted");
    refuses(&server, &["backup", "--data", "nowhere"], &["no database in nowhere"]).await?;
    let mut short = command(&server, &["backup", "--data", &target_name])?;
    short.env("TAIFAS_BACKUP_PASSPHRASE", "short");
    ensure!(said(&run(short).await?).contains("shorter than 12"), "a short passphrase is taken");
    Ok(())
}

#[tokio::test]
async fn a_backup_is_encrypted_when_only_the_configuration_names_a_passphrase() -> Result<()> {
    let (server, _, before) = small(None).await?;
    let (data, made) = (server.data().display().to_string(), server.scratch().join("configured.tar.gz"));
    fs::write(server.scratch().join("passphrase"), PASSPHRASE)?;
    let mut backup = command(&server, &["backup", "--data", &data, "--to", "configured.tar.gz"])?;
    backup.env("TAIFAS__BACKUP__PASSPHRASE_FILE", "passphrase");
    let output = run(backup).await?;
    ensure!(output.status.success() && said(&output).contains(" KiB, encrypted, and the secrets"), "{}", said(&output));
    ensure!(fs::read(&made)?.starts_with(b"TAIFAS-SEALED-1"), "it is not encrypted");
    let (copy, person) = restored(&made, Some(PASSPHRASE)).await?;
    let id = before["chat"]["id"].as_str().context("no id")?;
    person.get(&format!("/api/v1/chats/{id}")).await?.ok(200)?;
    let principal = |server: &Server| fs::read(server.data().join("secrets/principal-key"));
    ensure!(principal(&copy)? == principal(&server)?, "another secret");
    Ok(())
}

#[tokio::test]
async fn migrations_say_what_they_do_and_refuse_what_is_newer() -> Result<()> {
    let (mut server, _owner) = ready(&[]).await?;
    let data = server.data().display().to_string();
    let text = works(&server, &["migrate", "--check", "--data", &data]).await?;
    ensure!(text.contains("up to date"), "{text}");
    server.stop().await?;
    let fresh = works(&server, &["migrate", "--data", "fresh"]).await?;
    ensure!(fresh.contains("Done:") && fresh.contains("chat: 0 →"), "{fresh}");
    ensure!(works(&server, &["migrate", "--data", "fresh"]).await?.contains("up to date"), "not done");
    // what it made is what a start makes
    let mut started = Server::prepare(Binary::Shipped)?;
    fs::rename(server.scratch().join("fresh"), started.data())?;
    started.again(&[]).await?;
    started.stop().await?;

    Database::open(&server)?.execute(
        "insert into chat_migrations (version, name, applied_on, checksum)
         select 99, 'later', applied_on, checksum from chat_migrations limit 1",
    )?;
    refuses(&server, &["migrate", "--data", &data], &["newer Taifas", "chat is at 99"]).await?;
    refuses(&server, &["doctor", "--data", &data], &["FAULT tables", "start the newer version"]).await?;
    Ok(())
}

/// Sets the password behind a link of the program, as the page of that link does.
async fn set_password(server: &Server, printed: &str, password: &str) -> Result<()> {
    let token = printed.split_once('#').and_then(|(_, rest)| rest.split_whitespace().next()).context("no link")?;
    let nobody = Client::new(server.url())?;
    let (path, body) = if printed.contains("/join#") {
        let body = json!({"token": token, "name": "Second", "email": "second@example.org", "password": password});
        ("/api/v1/auth/accept-invitation", body)
    } else {
        ("/api/v1/auth/reset-password", json!({"token": token, "password": password}))
    };
    let answer = nobody.post(path, &body).await?;
    ensure!([200, 201].contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    Ok(())
}

#[tokio::test]
async fn whoever_is_locked_out_comes_in_again() -> Result<()> {
    let (mut server, _owner) = ready(&[]).await?;
    let data = server.data().display().to_string();
    let reset = ["admin", "reset-password", "owner@example.org", "--data", &data];
    refuses(&server, &reset, &["in use by process", "systemctl stop"]).await?;
    refuses(&server, &["admin", "reset-password", "a@example.org", "--data", "nowhere"], &["no instance in nowhere"])
        .await?;
    server.stop().await?;
    refuses(
        &server,
        &["admin", "reset-password", "nobody@example.org", "--data", &data],
        &["nobody@example.org", "taifas admin create"],
    )
    .await?;
    let printed = works(&server, &reset).await?;
    let create = ["admin", "create", "--name", "Second", "--email", "second@example.org", "--data", &data];
    let created = works(&server, &create).await?;
    refuses(&server, &create, &["address"]).await?;
    server.again(&[]).await?;
    let password = "another good password";
    for (printed, email) in [(printed, "owner@example.org"), (created, "second@example.org")] {
        set_password(&server, &printed, password).await?;
        ensure!(set_password(&server, &printed, password).await.is_err(), "a link works twice");
        let person = Client::new(server.url())?;
        person.sign_in(email, password).await?.ok(200)?;
        person.get("/api/v1/admin/health").await?.ok(200)?;
    }
    Ok(())
}

#[tokio::test]
async fn help_teaches_and_the_version_is_told() -> Result<()> {
    let server = Server::prepare(Binary::Shipped)?;
    let text = works(&server, &["--help"]).await?;
    for command in ["serve", "migrate", "admin", "backup", "restore", "audit", "doctor", "openapi", "version"] {
        ensure!(text.contains(command), "{command} is not in: {text}");
        let help = works(&server, &[command, "--help"]).await?;
        ensure!(command == "version" || help.contains("Example"), "no example for {command}: {help}");
    }
    let text = works(&server, &["version"]).await?;
    ensure!(text.contains("taifas ") && text.contains("SQLite 3.") && text.contains("tables chat "), "{text}");
    Ok(())
}
