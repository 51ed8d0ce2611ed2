//! The disk: full, not writable, damaged, and read by somebody for very long.

use super::ledger::Ledger;
use crate::{
    commands::{command, run, said},
    harness::{Binary, Client, Database, Draft, Server, TERMINAL, WITHOUT_END, Watch, ready, truth, until},
};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// A small disk of its own, gone with this value.
struct Disk(PathBuf);

impl Disk {
    /// None where this user may not mount anything.
    fn mount(at: &Path, megabytes: u32) -> Result<Option<Self>> {
        fs::create_dir_all(at)?;
        let size = format!("size={megabytes}m,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output()?;
        Ok(mounted.status.success().then(|| Self(at.to_owned())))
    }

    fn set_read_only(&self) -> Result<()> {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status()?;
        ensure!(status.success(), "a disk that nobody writes to cannot be made read-only");
        Ok(())
    }

    /// Takes all that is free.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.0.join("filler");
        let mut file = File::create(&path)?;
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// F24: no space, under an answer that is being written and under sends. Nothing is acknowledged that is
/// not stored, reading goes on, and with space again all goes on without a hand. Whether it could be tried.
pub async fn full() -> Result<bool> {
    let mut server = Server::prepare(Binary::Shipped)?;
    let Some(disk) = Disk::mount(&server.data(), 24)? else { return Ok(false) };
    server.again(&[]).await?;
    let owner = server.owner().await?;
    let draft = Draft::new("continues", &json!({"tokens": 400, "delay_ms": 10, "style": "named"}));
    let long = owner.send(&draft).await?;
    let watch = Watch::begin(&owner, long.reply, None);
    watch.shows(200, TERMINAL).await?;

    let filler = disk.fill()?;
    let data = server.data().display().to_string();
    let doctor = said(&run(command(&server, &["doctor", "--data", &data])?).await?);
    ensure!(doctor.contains("warn  disk: 0 MiB are left of 24"), "the doctor of a full disk: {doctor}");
    let big = "a long text ".repeat(8_000);
    let drafts: Vec<_> = (0..8).map(|_| Draft::of(uuid::Uuid::now_v7(), None, &big, "continues")).collect();
    let answers = try_join_all(drafts.iter().map(|draft| owner.send_raw(draft))).await?;
    for answer in &answers {
        ensure!(
            matches!(answer.status, 503 | 507),
            "on a full disk a send is answered {}: {}",
            answer.status,
            answer.text
        );
        ensure!(answer.body["detail"].as_str().is_some_and(|why| why.contains("is full")), "{}", answer.text);
    }
    ensure!(owner.open(long.chat).await?["messages"].as_array().map(Vec::len) == Some(2), "reading does not go on");
    owner.get("/api/v1/chats").await?.ok(200)?;

    fs::remove_file(filler)?;
    for draft in &drafts {
        let sent = until("it goes on", TERMINAL, async || {
            let answer = owner.send_raw(draft).await?;
            Ok((answer.status == 202).then_some(answer.body))
        })
        .await?;
        ensure!(owner.send_raw(draft).await?.ok(202)? == sent, "the same key again is another message");
    }
    let seen = watch.done(2 * TERMINAL).await?;
    ensure!(seen.violations.is_empty(), "{:?}", seen.violations);
    ensure!(seen.text == truth(draft.text(), long.reply)?, "on a disk that was full: {:?}, {:?}", seen.done, seen.text);
    let mut ledger = Ledger::default();
    ledger.close(&mut server).await?;
    ledger.verdict()?;

    // and a folder that cannot be written is refused before anything is served
    disk.set_read_only()?;
    let why = refuses(&mut server).await?;
    ensure!(why.contains(&*server.data().to_string_lossy()), "a folder that cannot be written is called: {why}");
    Ok(true)
}

/// F48: a damaged file is found at the start, which refuses to serve and says what to do.
pub async fn damaged() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    for _ in 0..12 {
        let sent = owner.send(&Draft::new("continues", &json!({"tokens": 300, "delay_ms": 0}))).await?;
        Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
    }
    Database::settled(&server).await?;
    server.stop().await?;
    let path = server.data().join("taifas.db");
    let sound = fs::read(&path)?;
    let (page, pages) = (4096, sound.len() / 4096);
    let tables = Connection::open(&path)?.query_row(
        "select rootpage from sqlite_master where name = 'chat_messages'",
        [],
        |row| row.get::<_, isize>(0),
    )?;
    for at in [0, tables.unsigned_abs() - 1, pages / 2] {
        let mut file = File::options().write(true).open(&path)?;
        file.seek(SeekFrom::Start((at * page) as u64))?;
        file.write_all(&[0x5a; 2048])?;
        drop(file);
        let why = refuses(&mut server).await.with_context(|| format!("page {} of {pages}", at + 1))?;
        ensure!(why.contains("taifas.db") && why.contains("restore"), "a damaged page is called: {why}");
        fs::write(&path, &sound)?;
    }
    File::options().write(true).open(&path)?.set_len((sound.len() / 2) as u64)?;
    let why = refuses(&mut server).await.context("half a file")?;
    ensure!(why.contains("restore"), "half a file is called: {why}");
    fs::write(&path, &sound)?;
    server.again(&[]).await?;
    Ok(())
}

/// F48: a write-ahead log that lost its end. What was behind the cut is gone, as SQLite cannot know of it; what
/// was acknowledged before is there, and what is left is whole.
pub async fn shortened() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    let reader = log_only(&server).await?;
    let log = server.data().join("taifas.db-wal");
    let mut all = Vec::new();
    for _ in 0..8 {
        let draft = Draft::new("continues", &json!({"tokens": 20, "delay_ms": 0}));
        let sent = owner.send(&draft).await?;
        Watch::begin(&owner, sent.reply, None).done(TERMINAL).await?;
        Database::settled(&server).await?;
        all.push((sent, draft, fs::metadata(&log)?.len()));
    }
    server.kill().await?;
    drop(reader);
    ensure!(all.iter().is_sorted_by(|(.., one), (.., next)| one < next), "the log did not grow with each message");
    ensure!(fs::metadata(&log)?.len() >= all[7].2, "the log has changed since");
    // amid what the sixth has written, and amid a frame of it: those begin at even places
    let cut = all[4].2.midpoint(all[5].2) | 1;
    File::options().write(true).open(&log)?.set_len(cut)?;
    server.again(&[]).await?;

    let mut left = BTreeSet::new();
    for (at, (sent, draft, _)) in all.iter().enumerate() {
        let answer = owner.get(&format!("/api/v1/chats/{}", sent.chat)).await?;
        match (at, answer.status) {
            (..=4, 200) => {
                let reply = owner.stored(sent.chat, sent.reply).await?;
                ensure!(truth(draft.text(), sent.reply)?.is_in(&reply["text"]), "the answer {at}: {reply}");
            }
            // as far as it came before the cut
            (5, 200) => {}
            (5.., 404) => continue,
            (_, status) => anyhow::bail!("the message {at} of 8 is answered {status}: {}", answer.text),
        }
        ensure!(owner.stored(sent.chat, sent.message).await?["text"] == json!(draft.text()), "the message {at}");
        left.insert(sent.message);
    }
    server.stop().await?;
    let there = Database::open(&server)?.texts(usize::MAX >> 1)?;
    ensure!(there.keys().eq(&left), "messages are left of what is gone: {there:?}");
    Ok(())
}

/// Makes everything that is written from now on lie in the write-ahead log alone, which begins anew and only
/// grows, until the answered reader is gone.
async fn log_only(server: &Server) -> Result<Connection> {
    let path = server.data().join("taifas.db");
    let other = Connection::open(&path)?;
    until("the log is empty", TERMINAL, async || {
        let busy: i64 = other.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
        Ok((busy == 0).then_some(()))
    })
    .await?;
    // only for reading: its end does not write the log into the database
    let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.execute_batch("begin")?;
    reader.query_row("select count(*) from chat_messages", [], |row| row.get::<_, i64>(0))?;
    Ok(reader)
}

/// What came of a long reader.
#[derive(Debug)]
pub struct Grown {
    /// How long the log was at the most, in bytes.
    pub longest: u64,
    /// What acknowledgements took while it grew.
    pub writes: Vec<Duration>,
}

/// F22: somebody reads for so long that the write-ahead log grows without end. Writes go on, and when the
/// reader is gone the log is small again.
pub async fn long_reader(megabytes: usize) -> Result<Grown> {
    let (mut server, owner) = ready(&[WITHOUT_END]).await?;
    let reader = Connection::open(server.data().join("taifas.db"))?;
    reader.execute_batch("begin")?;
    reader.query_row("select count(*) from chat_messages", [], |row| row.get::<_, i64>(0))?;
    let log = server.data().join("taifas.db-wal");
    let length = || fs::metadata(&log).map_or(0, |file| file.len());
    let limit = (megabytes as u64) << 20;
    let mut writes = Vec::new();
    while length() < limit {
        writes.extend(try_join_all((0..8).map(|_| written(&owner))).await?);
    }
    let longest = length();
    reader.execute_batch("rollback")?;
    drop(reader);
    until("the write-ahead log is small again", Duration::from_secs(60), async || {
        written(&owner).await?;
        Ok((length() <= 64 << 20).then_some(()))
    })
    .await?;
    Database::settled(&server).await?;
    server.stop().await?;
    Database::open(&server)?;
    Ok(Grown { longest, writes })
}

/// What it takes until one more message is acknowledged, a long one that is not yet large: those come one by
/// one. Its answer is short.
async fn written(owner: &Client) -> Result<Duration> {
    let text = format!("{}\nscript: {}\n", "words ".repeat(9_000), json!({"tokens": 1}));
    let draft = Draft::of(uuid::Uuid::now_v7(), None, &text, "continues");
    let start = Instant::now();
    owner.send_raw(&draft).await?.ok(202)?;
    Ok(start.elapsed())
}

/// What it says as it refuses to start.
async fn refuses(server: &mut Server) -> Result<String> {
    let before = server.log().unwrap_or_default().len();
    server.launch(&[])?;
    let ended = tokio::time::timeout(TERMINAL, server.ended()).await;
    if ended.is_err() {
        server.kill().await?;
    }
    let status = ended.context("it serves")??;
    ensure!(!status.success(), "it ends as if all were well");
    Ok(server.log()?.get(before..).unwrap_or_default().to_owned())
}
