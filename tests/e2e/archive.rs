//! Continuous archiving: what was acknowledged comes back after the data folder is lost, up to the last
//! seconds; any moment can be gone back to; and an archive that is damaged says so.

use crate::{
    commands::{command, download, picture, run, said, upload},
    harness::{Binary, Client, Database, Draft, Load, Server, WITHOUT_END, Written, ready, until},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";
const PASSPHRASE: &str = "four words are enough";
/// An archive is written this often in these stories.
const EVERY: Duration = Duration::from_secs(1);

pub struct World {
    shelf: TempDir,
    passphrase: bool,
    /// Seconds between two archivings.
    pub every: &'static str,
}

impl World {
    pub fn new(passphrase: bool) -> Result<Self> {
        Ok(Self { shelf: tempfile::tempdir()?, passphrase, every: "1" })
    }

    pub fn environment(&self) -> Vec<(&'static str, &str)> {
        let mut all = vec![
            ("TAIFAS__BACKUP__FOLDER", self.shelf.path().to_str().unwrap_or_default()),
            ("TAIFAS__BACKUP__EVERY_SECONDS", self.every),
            WITHOUT_END,
        ];
        if self.passphrase {
            all.push(("TAIFAS_BACKUP_PASSPHRASE", PASSPHRASE));
        }
        all
    }

    /// The files whose names end so, in the order of their names.
    fn files(&self, end: &str) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for chain in fs::read_dir(self.shelf.path())?.flatten().filter(|entry| entry.path().is_dir()) {
            let names = fs::read_dir(chain.path())?.flatten().map(|entry| entry.path());
            found.extend(names.filter(|path| path.to_string_lossy().ends_with(end)));
        }
        found.sort();
        Ok(found)
    }

    pub async fn has_base(&self) -> Result<()> {
        let end = if self.passphrase { ".tar.gz.sealed" } else { ".tar.gz" };
        until("a base is made", Duration::from_secs(120), async || Ok((!self.files(end)?.is_empty()).then_some(())))
            .await
    }

    /// Waits until everything from before now is archived.
    async fn catches_up(&self, server: &Server) -> Result<()> {
        let now = chrono::Utc::now();
        until("the archive has everything", Duration::from_secs(20), async || {
            let state: Value = serde_json::from_slice(&fs::read(server.data().join("archive.json"))?)?;
            ensure!(state["fault"].is_null(), "{state}");
            let at: chrono::DateTime<chrono::Utc> = state["at"].as_str().context("no time")?.parse()?;
            Ok((at > now).then_some(()))
        })
        .await
    }

    pub async fn restore(&self, server: &Server, more: &[&str]) -> Result<(bool, String)> {
        let (from, data) = (self.shelf.path().display().to_string(), server.data().display().to_string());
        let mut restore = command(server, &["restore", &from, "--data", &data])?;
        restore.args(more);
        if self.passphrase {
            restore.env("TAIFAS_BACKUP_PASSPHRASE", PASSPHRASE);
        }
        let output = run(restore).await?;
        ensure!(!said(&output).contains("panicked"), "{}", said(&output));
        Ok((output.status.success(), said(&output)))
    }
}

async fn restored(world: &World, server: &mut Server, more: &[&str]) -> Result<(String, Client)> {
    let (works, text) = world.restore(server, more).await?;
    ensure!(works, "{text}");
    server.again(&[]).await?;
    let client = Client::new(server.url())?;
    client.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    Ok((text, client))
}

/// F47: under load, killed, the data folder lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_comes_back_after_the_data_folder_is_lost() -> Result<()> {
    let world = World::new(true)?;
    let (mut server, owner) = ready(&world.environment()).await?;
    let mut load = Load::begin(&owner, 4);
    load.reaches(30).await?;
    world.has_base().await?;
    let bytes = picture();
    let file = upload(&owner, bytes.clone()).await?;
    let removed = upload(&owner, picture()).await?;
    // kills in between: the chain goes on, or another begins
    let mut before = Vec::new();
    for round in 0..3_usize {
        load.reaches(load.so_far().len() + 30).await?;
        before = load.so_far();
        if round < 2 {
            world.catches_up(&server).await?;
        }
    }
    ensure!(owner.delete(&format!("/api/v1/files/{removed}")).await?.status < 500);
    tokio::time::sleep(EVERY * 3).await;
    server.kill().await?;
    drop(load);
    fs::remove_dir_all(server.data())?;

    let text_of_archive = fs::read(world.files(".changes")?.last().context("no changes")?)?;
    ensure!(text_of_archive.starts_with(b"TAIFAS-SEALED-1"), "the archive is not encrypted");
    let (said, person) = restored(&world, &mut server, &[]).await?;
    ensure!(said.contains("without a gap") && said.contains("every page and index"), "{said}");
    for Written { chat, message, text, .. } in &before {
        let stored = person.stored(*chat, *message).await?;
        ensure!(stored["text"] == json!(text), "{message}: {stored}");
    }
    ensure!(download(&person, &file).await? == bytes, "the stored file has changed");
    server.stop().await?;
    Database::open(&server)?;
    Ok(())
}

#[tokio::test]
async fn one_goes_back_to_any_moment_and_a_restart_or_a_crash_loses_none() -> Result<()> {
    let world = World::new(false)?;
    let (mut server, owner) = ready(&world.environment()).await?;
    world.has_base().await?;
    let mut sent = Vec::new();
    let say = async |owner: &Client| owner.send(&Draft::new("continues", &json!({"tokens": 1, "delay_ms": 1}))).await;
    for way in ["go on", "stop", "kill", "go on"] {
        sent.push((say(&owner).await?, {
            tokio::time::sleep(Duration::from_millis(300)).await;
            world.catches_up(&server).await?;
            chrono::Utc::now()
        }));
        tokio::time::sleep(Duration::from_millis(20)).await;
        match way {
            "stop" => server.stop().await?,
            "kill" => server.kill().await?,
            _ => continue,
        }
        server.again(&world.environment()).await?;
    }
    world.catches_up(&server).await?;
    server.stop().await?;
    ensure!(world.files(".tar.gz")?.len() == 1, "a restart began anew: {:?}", world.files(".tar.gz")?);

    for (round, (_, at)) in sent.iter().enumerate() {
        let mut copy = Server::prepare(Binary::Shipped)?;
        let (text, person) = restored(&world, &mut copy, &["--at", &at.to_rfc3339()]).await?;
        for (other, (sending, _)) in sent.iter().enumerate() {
            let status = person.get(&format!("/api/v1/chats/{}", sending.chat)).await?.status;
            let expected = if other <= round { 200 } else { 404 };
            ensure!(status == expected, "back to {round}: message {other} is answered {status}: {text}");
        }
        copy.stop().await?;
    }
    let copy = Server::prepare(Binary::Shipped)?;
    let (works, text) = world.restore(&copy, &["--at", "2020-01-31T12:00:00Z"]).await?;
    ensure!(!works && text.contains("the oldest it can go back to is"), "{text}");
    ensure!(!copy.data().exists(), "something is restored");
    Ok(())
}

#[tokio::test]
async fn a_damaged_archive_says_how_far_one_can_go_back() -> Result<()> {
    let world = World::new(false)?;
    let (mut server, owner) = ready(&world.environment()).await?;
    world.has_base().await?;
    for _ in 0..3 {
        owner.send(&Draft::new("continues", &json!({"tokens": 1, "delay_ms": 1}))).await?;
        tokio::time::sleep(EVERY).await;
        world.catches_up(&server).await?;
    }
    server.stop().await?;
    let changes = world.files(".changes")?;
    ensure!(changes.len() >= 4, "too little is archived: {changes:?}");
    let (damaged, next) = (&changes[changes.len() - 2], &changes[changes.len() - 1]);
    let whole = fs::read(damaged)?;
    let copy = Server::prepare(Binary::Shipped)?;
    let refused = async |what: &str| -> Result<String> {
        let (works, text) = world.restore(&copy, &[]).await?;
        ensure!(!works && text.contains("cannot be used") && text.contains("--at 20"), "{what}: {text}");
        ensure!(
            !copy.data().exists() && !copy.data().with_extension("restoring").exists(),
            "{what}: something is left"
        );
        Ok(text)
    };
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(damaged, changed)?;
    refused("changed").await?;
    fs::write(damaged, &whole[..whole.len() - 1])?;
    refused("cut off").await?;
    fs::write(damaged, fs::read(next)?)?;
    refused("another one in its place").await?;
    fs::remove_file(damaged)?;
    let text = refused("missing").await?;
    // and it does what it advises
    let at = text.split_once("--at ").and_then(|(_, rest)| rest.split_whitespace().next()).context("no advice")?;
    let (works, text) = world.restore(&copy, &["--at", at]).await?;
    ensure!(works && text.contains("without a gap"), "{text}");
    flip(&world, &copy).await?;

    // from the base before, when there is one
    fs::write(damaged, &whole)?;
    let state = server.data().join("archive.json");
    let mut known: Value = serde_json::from_slice(&fs::read(&state)?)?;
    known["base_at"] = json!("2026-01-01T00:00:00Z");
    fs::write(&state, known.to_string())?;
    server.again(&world.environment()).await?;
    until("another base is made", Duration::from_secs(60), async || {
        Ok((world.files(".tar.gz")?.len() == 2).then_some(()))
    })
    .await?;
    let last = owner.send(&Draft::new("continues", &json!({"tokens": 1, "delay_ms": 1}))).await?;
    world.catches_up(&server).await?;
    server.stop().await?;
    let newest = world.files(".tar.gz")?.pop().context("no base")?;
    let mut changed = fs::read(&newest)?;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&newest, changed)?;
    let mut copy = copy;
    let (text, person) = restored(&world, &mut copy, &[]).await?;
    ensure!(text.contains("Going on from the whole copy before it"), "{text}");
    person.stored(last.chat, last.message).await?;
    copy.stop().await?;

    // changes that no base makes a database of are not passed over in silence
    let later = world.shelf.path().join("chain-2999-01-01T000000000Z");
    fs::create_dir(&later)?;
    fs::copy(world.files(".changes")?.last().context("no changes")?, later.join("0000000001-32472144000000.changes"))?;
    fs::remove_dir_all(copy.data())?;
    let (works, text) = world.restore(&copy, &[]).await?;
    ensure!(!works && text.contains("no whole copy") && text.contains("--at 20"), "{text}");
    Ok(())
}

/// A crash between the archiving of a stored file and the note of it, and a state that cannot be written.
#[tokio::test]
async fn a_stored_file_is_restored_whenever_the_instance_was_killed() -> Result<()> {
    let world = World::new(false)?;
    let (mut server, owner) = ready(&world.environment()).await?;
    world.has_base().await?;
    world.catches_up(&server).await?;
    // a folder in the way of the state
    let way = server.data().join("archive.json.new");
    fs::create_dir(&way)?;
    let before = world.files(".changes")?.len();
    let bytes = picture();
    let file = upload(&owner, bytes.clone()).await?;
    until("the file is archived and the state is not", Duration::from_secs(20), async || {
        let noted = server.log()?.contains("the state of archiving cannot be written");
        Ok((noted && world.files(".changes")?.len() > before).then_some(()))
    })
    .await?;
    owner.send(&Draft::new("continues", &json!({"tokens": 1, "delay_ms": 1}))).await?;
    tokio::time::sleep(EVERY * 3).await;
    server.kill().await?;
    fs::remove_dir(&way)?;
    server.again(&world.environment()).await?;
    world.catches_up(&server).await?;
    server.kill().await?;
    fs::remove_dir_all(server.data())?;
    let (_, person) = restored(&world, &mut server, &[]).await?;
    ensure!(download(&person, &file).await? == bytes, "the stored file has changed");
    server.stop().await
}

/// A copy of the data folder, or of the machine, that is put back must not cost what was archived since.
#[tokio::test]
async fn an_older_data_folder_leaves_alone_what_was_archived_since() -> Result<()> {
    let world = World::new(false)?;
    let (mut server, owner) = ready(&world.environment()).await?;
    world.has_base().await?;
    world.catches_up(&server).await?;
    server.stop().await?;
    let aside = server.scratch().join("aside");
    let copied = std::process::Command::new("cp").arg("-a").arg(server.data()).arg(&aside).status()?;
    ensure!(copied.success(), "cp failed");
    server.again(&world.environment()).await?;
    let mut last = None;
    for _ in 0..3 {
        last = Some(owner.send(&Draft::new("continues", &json!({"tokens": 1, "delay_ms": 1}))).await?);
        tokio::time::sleep(EVERY).await;
        world.catches_up(&server).await?;
    }
    let last = last.context("nothing sent")?;
    let then = chrono::Utc::now().to_rfc3339();
    server.stop().await?;
    let archived = world.files(".changes")?;
    fs::remove_dir_all(server.data())?;
    fs::rename(&aside, server.data())?;
    server.again(&world.environment()).await?;
    world.catches_up(&server).await?;
    until("another chain has a base", Duration::from_secs(60), async || {
        Ok((world.files(".tar.gz")?.len() == 2).then_some(()))
    })
    .await?;
    server.stop().await?;
    let now = world.files(".changes")?;
    ensure!(archived.iter().all(|changes| now.contains(changes)), "archived changes are gone: {archived:?} {now:?}");
    let mut copy = Server::prepare(Binary::Shipped)?;
    let (_, person) = restored(&world, &mut copy, &["--at", &then]).await?;
    person.stored(last.chat, last.message).await?;
    copy.stop().await
}

/// A byte anywhere in the base: refused, or it did not matter.
async fn flip(world: &World, copy: &Server) -> Result<()> {
    let base = world.files(".tar.gz")?.into_iter().next().context("no base")?;
    let whole = fs::read(&base)?;
    fs::remove_dir_all(copy.data())?;
    for at in [whole.len() / 4, whole.len() / 2, whole.len() - 30] {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(&base, changed)?;
        let (works, text) = world.restore(copy, &["--at", &chrono::Utc::now().to_rfc3339()]).await?;
        ensure!(!works && !copy.data().exists(), "{at}: {text}");
    }
    fs::write(base, whole)?;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_keeps_nobody_from_working() -> Result<()> {
    let world = World::new(false)?;
    // a file where the folder should be
    let blocked = world.shelf.path().join("blocked");
    fs::write(&blocked, "")?;
    let environment =
        [("TAIFAS__BACKUP__FOLDER", blocked.to_str().context("a path")?), ("TAIFAS__BACKUP__EVERY_SECONDS", "1")];
    let (mut server, owner) = ready(&environment).await?;
    owner.send(&Draft::new("continues", &json!({"tokens": 1, "delay_ms": 1}))).await?;
    until("it is said", Duration::from_secs(10), async || {
        Ok(server.log()?.contains("changes are not archived").then_some(()))
    })
    .await?;
    fs::remove_file(&blocked)?;
    until("it is archived", Duration::from_secs(20), async || {
        let chains = fs::read_dir(&blocked).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
        let based = |path: &Path| {
            fs::read_dir(path)
                .is_ok_and(|mut all| all.any(|e| e.is_ok_and(|e| e.file_name().to_string_lossy().starts_with("base-"))))
        };
        Ok(chains.iter().any(|chain| based(&chain.path())).then_some(()))
    })
    .await?;
    server.stop().await?;
    let inside = server.data().join("archive");
    let refused = server.again(&[("TAIFAS__BACKUP__FOLDER", inside.to_str().context("a path")?)]).await;
    ensure!(refused.is_err_and(|error| error.to_string().contains("ended while it started")), "it starts");
    ensure!(server.log()?.contains("lies in the data folder"), "{}", server.log_end());
    Ok(())
}
