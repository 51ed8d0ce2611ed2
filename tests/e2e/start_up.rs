//! A start that cannot work ends at once, with a sentence that says why, and harms nothing.

use crate::harness::{Binary, Client, Database, Draft, Server, TERMINAL, Watch, ready, run_until_exit};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::{fs, net::TcpListener, path::Path, process::Command};

/// Starts `server` with changes and expects one line on standard error with all these words in it.
async fn refused(server: &Server, arguments: &[&str], environment: &[(&str, &str)], words: &[&str]) -> Result<()> {
    let mut command = server.command()?;
    command.args(arguments).envs(environment.iter().copied());
    judge(server, command, words).await
}

async fn judge(server: &Server, command: Command, words: &[&str]) -> Result<()> {
    let (status, said) = run_until_exit(command, &server.scratch().join("refusal")).await?;
    ensure!(status.code() == Some(1), "{status}: {said}");
    let line =
        said.lines().find(|line| line.starts_with("taifas: ")).with_context(|| format!("no sentence: {said}"))?;
    for word in words {
        ensure!(line.contains(word), "{word:?} is not in: {line}");
    }
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_is_in_use_is_named() -> Result<()> {
    let (running, owner) = ready(&[]).await?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let mut second = Server::prepare(Binary::Shipped)?;
    second.port = taken.local_addr()?.port();
    refused(&second, &[], &[], &[&second.port.to_string(), "taken", "gateway.listen"]).await?;
    drop(taken);
    second.again(&[]).await?;
    second.stop().await?;

    let data = running.data();
    let data = data.to_str().unwrap_or_default();
    let pid = running.pid()?.to_string();
    let twice = Server::prepare(Binary::Shipped)?;
    refused_in(&twice, data, &[data, "in use", &pid]).await?;
    owner.get("/api/v1/me").await?.ok(200)?;
    Ok(())
}

/// As [`refused`], on another data folder.
async fn refused_in(server: &Server, folder: &str, words: &[&str]) -> Result<()> {
    let mut command = Command::new(Binary::Shipped.path()?);
    command.args(["serve", "--data", folder, "--listen", &format!("127.0.0.1:{}", server.port)]);
    command.env_clear().env("TAIFAS__AI__OLLAMA_BASE_URL", "").current_dir(server.scratch());
    judge(server, command, words).await
}

#[tokio::test]
async fn a_data_folder_that_is_none_is_named() -> Result<()> {
    let server = Server::prepare(Binary::Shipped)?;
    let file = server.scratch().join("file");
    fs::write(&file, "not ours")?;
    for path in [file.clone(), file.join("below")] {
        let path = path.to_str().unwrap_or_default().to_owned();
        refused_in(&server, &path, &[&path, "is not a folder"]).await?;
    }
    // nothing can be made there, whoever asks
    refused_in(&server, "/proc/taifas", &["/proc/taifas"]).await?;
    ensure!(fs::read_to_string(&file)? == "not ours", "the file was touched");
    Ok(())
}

#[tokio::test]
async fn settings_that_nobody_knows_are_named() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let file = server.scratch().join("taifas.toml");
    for (text, words) in [
        ("[gateway]\nlisen = \"127.0.0.1:1\"\n", vec!["lisen", "taifas.toml"]),
        ("[gatway]\nlisten = \"127.0.0.1:1\"\n", vec!["gatway", "taifas.toml"]),
        ("drain_seconds = \"long\"\n", vec!["drain_seconds", "long", "taifas.toml"]),
        ("[gateway]\nlisten = \"everywhere\"\n", vec!["listen", "taifas.toml"]),
        ("[gateway\n", vec!["taifas.toml"]),
        ("[platform]\ndatabase = \"postgres://x\"\n", vec!["platform.database", "postgres", "sqlite"]),
        ("[auth]\ntries_per_account = 0\n", vec!["tries_per_account"]),
    ] {
        fs::write(&file, text)?;
        refused(&server, &[], &[], &words).await.with_context(|| text.to_owned())?;
    }
    fs::remove_file(&file)?;
    for (name, value, words) in [
        ("TAIFAS__GATEWAY__LISEN", "x", vec!["lisen", "TAIFAS__GATEWAY__LISEN"]),
        ("TAIFAS__DRAIN_SECONDS", "soon", vec!["drain_seconds", "soon"]),
        ("TAIFAS__AI__PARALLEL", "-1", vec!["parallel"]),
        ("TAIFAS__AI__OPENAI_BASE_URL", "not a url", vec!["openai_base_url"]),
        ("TAIFAS__PLATFORM__CACHE", "redis://x", vec!["platform.cache", "redis", "memory"]),
        ("TAIFAS__NETWORK__PROXY", "socks5://proxy:1080", vec!["network.proxy", "HTTP"]),
        ("TAIFAS__NETWORK__NO_PROXY", "example.org:80", vec!["network.no_proxy", "example.org:80"]),
        ("TAIFAS__NETWORK__CA_FILE", "missing.pem", vec!["network.ca_file", "missing.pem"]),
    ] {
        refused(&server, &[], &[(name, value)], &words).await.with_context(|| format!("{name}={value}"))?;
    }
    let missing = server.scratch().join("missing.toml");
    let missing = missing.to_str().unwrap_or_default();
    refused(&server, &["--config", missing], &[], &[missing]).await?;
    refused(&server, &["--services", "chatt"], &[], &["chatt", "gateway, user, auth"]).await?;
    refused(&server, &["--services", "chat,ai"], &[], &["chat,ai", "platform.database", "platform.peers"]).await?;
    // a refusal leaves nothing behind that a start would trip over
    server.again(&[]).await?;
    server.owner().await?;
    Ok(())
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
    Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    let before = owner.open(sent.chat).await?;
    Database::settled(&server).await?;
    server.stop().await?;
    for service in ["user", "auth", "session", "chat", "ai", "bus"] {
        let table = format!("{service}_migrations");
        let newer = format!("insert into {table} select 99, 'newer', applied_on, checksum from {table} limit 1");
        ensure!(Database::open(&server)?.execute(&newer)? == 1);
        refused(&server, &[], &[], &["version 99", service, "newer Taifas"]).await.context(service)?;
        ensure!(Database::open(&server)?.execute(&format!("delete from {table} where version = 99"))? == 1);
    }
    server.again(&[]).await?;
    ensure!(owner.open(sent.chat).await? == before, "something was lost");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    server.stop().await?;
    let noise = "this is not a database. ".repeat(500);
    // what was not yet moved into the file lies beside it
    let files = ["taifas.db", "taifas.db-wal", "taifas.db-shm"].map(|name| server.data().join(name));
    let aside = |file: &Path| file.with_extension(format!("{}.aside", file.extension().unwrap_or_default().display()));
    let present: Vec<_> = files.iter().filter(|file| file.exists()).collect();
    for file in &present {
        fs::rename(file, aside(file))?;
    }
    fs::write(&files[0], &noise)?;
    refused(&server, &[], &[], &["taifas.db", "not a database"]).await?;
    ensure!(fs::read_to_string(&files[0])? == noise, "the file was touched");
    for file in present {
        fs::rename(aside(file), file)?;
    }
    server.again(&[]).await?;
    owner.get("/api/v1/me").await?.ok(200)?;
    Ok(())
}

#[tokio::test]
async fn any_port_will_do_and_is_said() -> Result<()> {
    let mut server = Server::prepare(Binary::Shipped)?;
    server.port = 0;
    server.again(&[]).await?;
    ensure!(
        server.port != 0 && server.printed()?.contains(&format!("{}/setup#", server.url())),
        "{}",
        server.printed()?
    );
    let client = Client::new(server.url())?;
    ensure!(client.get("/healthz").await?.status == 200);
    server.stop().await
}
