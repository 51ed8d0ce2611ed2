//! How long a start takes, and what an instance holds in memory at each step of its life.

use crate::{
    Setting,
    figures::{Row, at_most, median, millis, section},
    instance::Instance,
    turn::{Asked, Client},
};
use anyhow::Result;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use uuid::Uuid;

const STARTS: usize = 9;
const CHATS: usize = 1_000;
const TURNS: usize = 5;
const WRITERS: usize = 32;
const ANSWERS: usize = 200;
const MEMORY_MIB: f64 = 50.0;

pub async fn run(setting: &Setting) -> Result<()> {
    section(
        "Size, start and memory",
        &format!("Starts: medians of {STARTS}, from `exec` to the first 200 of `/readyz`."),
    )?;
    let bytes = fs::metadata(&setting.program)?.len();
    let size = (bytes / 1024) as f64 / 1024.0;
    Row::new("binary, web app inside", format!("{size:.1} MiB")).target(at_most(size, 60.0, "MiB")).print()?;

    let filled = setting.folder("filled");
    fill(setting, &filled).await?;
    let (mut empty, mut existing, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..STARTS {
        bare.push(millis(exec_alone(&setting.program)?));
        empty.push(millis(started(setting, &setting.folder(&format!("empty-{round}"))).await?));
        existing.push(millis(started(setting, &filled).await?));
    }
    let (empty, existing) = (median(empty), median(existing));
    Row::new(format!("ready, {CHATS} chats of {} messages", 2 * TURNS), format!("{existing:.0} ms"))
        .control(format!("{empty:.0} ms with an empty folder; {:.0} ms `--version`", median(bare)))
        .against(format!("× {:.2}", existing / empty))
        .target(at_most(existing, 300.0, "ms"))
        .print()?;
    memory(setting, &filled).await
}

async fn memory(setting: &Setting, filled: &Path) -> Result<()> {
    let mut instance = Instance::start(&setting.program, &setting.folder("memory"), setting.provider).await?;
    let show = |name: &str, instance: &Instance| -> Result<()> {
        let (resident, proportional) = instance.memory()?;
        let threads = instance.threads()?;
        Row::new(format!("memory {name}"), format!("{resident:.1} MiB RSS, {proportional:.1} PSS, {threads} threads"))
            .target(at_most(resident, MEMORY_MIB, "MiB"))
            .print()
    };
    show("when ready (empty folder)", &instance)?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    show("10 s later", &instance)?;
    let cookie = instance.set_up().await?;
    show("after set-up (Argon2 ran)", &instance)?;
    let mut client = Client::of(&Asked::Taifas { address: instance.address, cookie }).await?;
    for _ in 0..ANSWERS {
        client.ask("short").await?;
    }
    show(&format!("after {ANSWERS} answers"), &instance)?;
    // The thread that hashed the password ends when it is idle, and gives its memory back.
    tokio::time::sleep(Duration::from_secs(11)).await;
    show("11 s later", &instance)?;
    instance.stop().await?;

    let instance = Instance::start(&setting.program, filled, setting.provider).await?;
    show(&format!("when ready ({CHATS} chats)"), &instance)?;
    instance.stop().await
}

async fn started(setting: &Setting, folder: &Path) -> Result<Duration> {
    let instance = Instance::start(&setting.program, folder, setting.provider).await?;
    let ready = instance.ready;
    instance.stop().await?;
    Ok(ready)
}

/// What the kernel and the loader take of every start.
fn exec_alone(program: &Path) -> Result<Duration> {
    let start = Instant::now();
    Command::new(program).arg("--version").stdout(Stdio::null()).status()?;
    Ok(start.elapsed())
}

/// Fills a folder through the API, so that everything is there that use leaves behind.
async fn fill(setting: &Setting, folder: &Path) -> Result<()> {
    let mut instance = Instance::start(&setting.program, folder, setting.provider).await?;
    let cookie = instance.set_up().await?;
    let asked = Asked::Taifas { address: instance.address, cookie };
    let writers = (0..WRITERS).map(|writer| {
        let asked = asked.clone();
        async move {
            let mut client = Client::of(&asked).await?;
            for _ in (writer..CHATS).step_by(WRITERS) {
                let (chat, mut parent) = (Uuid::now_v7(), None::<String>);
                for _ in 0..TURNS {
                    let heard = client.ask_in(chat, parent.as_deref(), "short").await?;
                    parent = Some(heard.reply()?);
                }
            }
            anyhow::Ok(())
        }
    });
    futures_util::future::try_join_all(writers).await?;
    instance.stop().await
}
