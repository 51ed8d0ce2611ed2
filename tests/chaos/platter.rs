//! A disk whose power can be cut and that fails when it is told to: the program `platter` (`tests/src/bin`)
//! in a process of its own, mounted in a folder of its own.

use anyhow::{Context as _, Result, ensure};
use rustix::process::geteuid;
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;
use uuid::Uuid;

/// Where the kernel says which boot this is; each server has a file of its own in its place.
const BOOT: &str = "mount --bind \"$0\" /proc/sys/kernel/random/boot_id && exec \"$@\"";

/// Gone with this value.
pub struct Platter {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: TempDir,
}

/// Whether this user of this machine may have one.
pub fn possible() -> bool {
    geteuid().is_root() && Path::new("/dev/fuse").exists()
}

impl Platter {
    /// None where it is not possible.
    pub fn mount() -> Result<Option<Self>> {
        if !possible() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let at = folder.path().join("disk");
        fs::create_dir(&at)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_platter"));
        // a group of its own: whoever interrupts the tests lets it unmount
        let mut child = command.arg(at).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        let mut platter = Self { commands: child.stdin.take(), child, answers, folder };
        let said = platter.answer()?;
        ensure!(said == "mounted", "the disk says {said:?}");
        platter.boot()?;
        Ok(Some(platter))
    }

    /// The data folder on it.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("disk/data")
    }

    /// A command to start a program by, that sees this disk's boots and not the machine's.
    pub fn wrapper(&self) -> Vec<String> {
        let boot = self.folder.path().join("boot").to_string_lossy().into_owned();
        ["unshare", "--mount", "sh", "-c", BOOT, &boot].map(str::to_owned).into()
    }

    fn boot(&self) -> Result<()> {
        Ok(fs::write(self.folder.path().join("boot"), format!("{}\n", Uuid::new_v4()))?)
    }

    /// The power goes and comes back, while nobody runs on it. How many changes are lost.
    pub fn cut(&mut self, seed: u64) -> Result<u64> {
        self.boot()?;
        self.ask(&format!("cut {seed}"))
    }

    /// Lets the so-manieth `sync` or `write` of a file of this name fail, once.
    pub fn fail(&mut self, call: &str, name: &str, which: u64) -> Result<()> {
        self.ask(&format!("fail {call} {name} {which}")).map(|_| ())
    }

    /// How many calls have failed.
    pub fn failed(&mut self) -> Result<u64> {
        self.ask("failed")
    }

    fn ask(&mut self, command: &str) -> Result<u64> {
        writeln!(self.commands.as_mut().context("it has ended")?, "{command}")?;
        let said = self.answer()?;
        said.parse().with_context(|| format!("to {command:?} the disk says {said:?}"))
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Platter {
    fn drop(&mut self) {
        // without commands it unmounts and ends
        self.commands = None;
        let _ = self.child.wait();
    }
}
