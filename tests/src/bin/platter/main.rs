//! A disk whose power can be cut, for the crash suite: a file system in memory, mounted where it is told,
//! that knows what was synced. Commands come line by line and are answered line by line: `cut SEED`,
//! `fail sync|write NAME WHICH`, `failed`. It is unmounted when no more commands come.

mod disk;
mod mounted;

use anyhow::{Context as _, Result, bail};
use disk::{Call, Disk};
use fuser::{Config, MountOption, Session};
use mounted::Mounted;
use std::{
    io::{BufRead as _, Write as _},
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

fn main() -> Result<()> {
    let at = PathBuf::from(std::env::args_os().nth(1).context("say where to mount it")?);
    let disk = Arc::new(Mutex::new(Disk::new()));
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("platter".into()), MountOption::DefaultPermissions];
    let _session = Session::new(Mounted(disk.clone()), &at, &config)?.spawn()?;
    say("mounted")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match line.split(' ').collect::<Vec<_>>()[..] {
            ["cut", seed] => disk.cut(seed.parse()?),
            ["failed"] => disk.failed,
            ["fail", call, name, which] => {
                let call = match call {
                    "sync" => Call::Sync,
                    "write" => Call::Write,
                    _ => bail!("{call} cannot fail"),
                };
                disk.fail(call, name, which.parse()?);
                0
            }
            _ => bail!("{line:?} is no command"),
        };
        drop(disk);
        say(&answer.to_string())?;
    }
    // whoever still has something open there hears that it is gone, as soon as this process has ended
    Command::new("umount").arg("--lazy").arg(&at).status()?;
    std::process::exit(0)
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
