//! Updates: a migration that is killed goes on, and what an older release left is opened.

use crate::{
    commands::{command, download, picture, run, said, upload},
    harness::{Binary, Client, Database, Draft, Server, TERMINAL, Watch, ready, truth, until},
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
        if fixture.is_dir() {
            continue;
        }
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

/// A folder as a program from before the first release left it when it was killed in the middle of answers,
/// and what was in it: how it was made is said beside it.
const BEFORE: &str = "before-0.1.0/11-migrations";

/// How many of the points at which a migration dies are tried in one run.
const TRIED: usize = 6;

fn before() -> Result<(Server, Value)> {
    let server = Server::prepare(Binary::Shipped)?;
    let path = |kind: &str| fixtures().join(format!("{BEFORE}.{kind}"));
    let packed = fs::File::open(path("tar.gz"))?;
    tar::Archive::new(flate2::read::GzDecoder::new(packed)).unpack(server.scratch())?;
    ensure!(server.data().join("taifas.db-wal").exists(), "nothing is left to be taken up");
    Ok((server, serde_json::from_slice(&fs::read(path("json"))?)?))
}

/// The trash of an old folder is kept however late the test runs.
const LONG_TRASH: (&str, &str) = ("TAIFAS__CHAT__TRASH_DAYS", "3650");

/// Everything that had ended is there as it was.
async fn has_what_ended(server: &Server, expected: &Value) -> Result<Client> {
    let owner = Client::new(server.url())?;
    owner.sign_in("owner@example.org", PASSWORD).await?.ok(200)?;
    let chats = expected["chats"].as_array().context("chats")?;
    ensure!(chats.len() > 10, "little is expected");
    for chat in chats {
        let open = owner.get(&format!("/api/v1/chats/{}", chat["id"].as_str().context("id")?)).await?.ok(200)?;
        for member in ["title", "pinned", "archived", "project_id"] {
            ensure!(open["chat"][member] == chat[member], "{member} of {chat}: {}", open["chat"]);
        }
        let (old, new) = (chat["messages"].as_array(), open["messages"].as_array());
        let (old, new) = (old.context("messages")?, new.context("messages")?);
        ensure!(old.len() == new.len(), "{open} where {chat} was");
        for (old, new) in old.iter().zip(new) {
            for (member, value) in old.as_object().context("a message")? {
                ensure!(new[member] == *value, "{member} of {old} is {}", new[member]);
            }
        }
    }
    let file = &expected["file"];
    let bytes = download(&owner, file["id"].as_str().context("file")?).await?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(file["hex"] == json!(hex), "the file has changed");
    ensure!(owner.get("/api/v1/drafts/new").await?.ok(200)?["text"] == expected["draft"], "the draft");
    let projects = owner.get("/api/v1/projects").await?.ok(200)?;
    for (member, value) in expected["project"].as_object().context("project")? {
        ensure!(projects["projects"][0][member] == *value, "{projects}");
    }
    Ok(owner)
}

#[tokio::test]
async fn a_folder_from_before_the_first_release_is_taken_up() -> Result<()> {
    let (mut server, expected) = before()?;
    server.again(&[LONG_TRASH]).await?;
    let owner = has_what_ended(&server, &expected).await?;
    let deleted = expected["deleted"].as_str().context("deleted")?;
    owner.get(&format!("/api/v1/chats/{deleted}")).await?.problem(404, "not_found")?;
    owner.post(&format!("/api/v1/chats/{deleted}/restore"), &json!({})).await?.ok(200)?;

    // what was being written goes on where the model can, and what was shown stays
    for running in expected["running"].as_array().context("running")? {
        let id = |member: &str| anyhow::Ok(uuid::Uuid::parse_str(running[member].as_str().unwrap_or_default())?);
        let (chat, reply) = (id("chat")?, id("reply")?);
        let stored = until("an end", TERMINAL, async || {
            let stored = owner.stored(chat, reply).await?;
            let goes_on = matches!(stored["state"].as_str(), Some("queued" | "streaming"));
            Ok((!goes_on).then_some(stored))
        })
        .await?;
        let text = stored["text"].as_str().context("text")?;
        let shown = running["shown"].as_str().context("shown")?;
        let whole = truth(running["asked"].as_str().context("asked")?, reply)?;
        ensure!(text.starts_with(shown) && whole.starts_with(text), "{shown:?} was shown: {stored}");
        if running["model"] == "cannot" {
            ensure!(stored["state"] == "interrupted" && stored["reason"]["code"] == "restart", "{stored}");
        } else {
            ensure!(stored["state"] == "complete" && *text == whole, "{stored}");
        }
        ensure!((stored["marks"] != json!([])) == (running["model"] == "asks"), "{stored}");
    }

    owner.send(&Draft::new("continues", &json!({"tokens": 2, "delay_ms": 1}))).await?;
    Database::settled(&server).await?;
    let data = server.data().display().to_string();
    for asked in [["doctor", "--data", &data].as_slice(), &["audit", "verify", "--data", &data]] {
        let mut command = command(&server, asked)?;
        command.env("TAIFAS__GATEWAY__LISTEN", format!("127.0.0.1:{}", server.port));
        let output = run(command).await?;
        ensure!(output.status.success() && said(&output).contains("0 faults"), "{asked:?}: {}", said(&output));
    }
    server.stop().await?;
    Database::open(&server)?;
    Ok(())
}

#[tokio::test]
async fn a_migration_over_old_rows_that_is_killed_goes_on() -> Result<()> {
    let mut points = Vec::new();
    for point in ["M1", "M2"] {
        for pass in 1.. {
            let (server, _) = before()?;
            let output = migrate(&server, Binary::Failpoints, Some(&format!("{point}:{pass}"))).await?;
            if output.status.success() {
                break;
            }
            ensure!(output.status.signal() == Some(9), "{point}:{pass}: {}", said(&output));
            points.push((format!("{point}:{pass}"), server));
        }
    }
    ensure!(points.len() > 10, "only {} kills: the points are not where the steps are", points.len());
    // all were killed; what is behind them is compared at a few, others each time
    let seed = usize::try_from(std::process::id())?;
    let step = points.len().div_ceil(TRIED);
    for (point, mut server) in points.into_iter().skip(seed % step).step_by(step) {
        let (_, expected) = before()?;
        server.again(&[LONG_TRASH]).await.with_context(|| format!("{point}, seed {seed}"))?;
        has_what_ended(&server, &expected).await.with_context(|| format!("{point}, seed {seed}"))?;
        server.stop().await?;
    }
    Ok(())
}
