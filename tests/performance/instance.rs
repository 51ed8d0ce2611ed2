//! A Taifas of this suite's own: started from the release binary in a folder of its own, watched
//! through `/proc`, ended by its process id.

use crate::wire::{Connection, request};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

pub struct Instance {
    child: Child,
    pub address: SocketAddr,
    /// From `exec` to the first 200 of `/readyz`.
    pub ready: Duration,
    /// Makes the first account; none when there is one.
    link: Option<String>,
    // Kept open: the process must not meet a closed pipe.
    _out: BufReader<ChildStdout>,
}

impl Instance {
    /// Starts `program` on `folder` and waits until it is ready.
    pub async fn start(program: &Path, folder: &Path, provider: SocketAddr) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let log = File::create(folder.with_extension("log"))?;
        let start = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder)
            .current_dir(folder)
            .env_clear()
            .env("TAIFAS__AI__OPENAI_BASE_URL", format!("http://{provider}/v1"))
            .env("TAIFAS__AI__OLLAMA_BASE_URL", "")
            .env("TAIFAS__AI__IDLE_SECONDS", "300")
            .env("TAIFAS__GATEWAY__WRITES_PER_MINUTE", "1000000000")
            .env("TAIFAS__GATEWAY__ANONYMOUS_PER_MINUTE", "1000000000")
            .env("TAIFAS__GATEWAY__STREAMS_PER_PERSON", "10000")
            .env("TAIFAS__GATEWAY__FEEDS_PER_PERSON", "10000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut out = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        out.read_line(&mut line)?;
        let Some(address) = line.trim().split_once("http://").and_then(|(_, address)| address.parse().ok()) else {
            let _ = child.kill();
            bail!("taifas did not start; see {}", folder.with_extension("log").display());
        };
        let mut instance = Self { child, address, ready: Duration::ZERO, link: None, _out: out };
        instance.until_ready(start).await?;
        Ok(instance)
    }

    async fn until_ready(&mut self, start: Instant) -> Result<()> {
        let mut connection = Connection::open(self.address).await?;
        let readyz = request("GET /readyz", "", "");
        while connection.ask(&readyz).await?.0.status() != 200 {
            ensure!(start.elapsed() < Duration::from_secs(20), "taifas does not get ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.ready = start.elapsed();
        Ok(())
    }

    /// Makes the first account and answers the cookie of its session.
    pub async fn set_up(&mut self) -> Result<String> {
        if self.link.is_none() {
            let mut line = String::new();
            self._out.read_line(&mut line)?;
            self.link = line.trim().rsplit_once('#').map(|(_, token)| token.to_owned());
        }
        let token = self.link.as_deref().context("no set-up link")?;
        let body = format!(
            r#"{{"token":"{token}","name":"Ada","email":"ada@example.org","password":"correct horse battery"}}"#
        );
        let mut connection = Connection::open(self.address).await?;
        let (head, body) = connection.ask(&request("POST /api/v1/setup", "x-csrf: 1\r\n", &body)).await?;
        ensure!(head.status() == 201, "set-up failed: {} {}", head.first, String::from_utf8_lossy(&body));
        head.session()
    }

    /// Resident and proportional memory, in MiB.
    pub fn memory(&self) -> Result<(f64, f64)> {
        let field = |file: &str, name: &str| -> Result<f64> {
            let text = fs::read_to_string(self.proc(file))?;
            let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such field")?;
            Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
        };
        Ok((field("status", "VmRSS:")?, field("smaps_rollup", "Pss:")?))
    }

    /// User and system time of all threads so far.
    pub fn cpu(&self) -> Result<Duration> {
        let text = fs::read_to_string(self.proc("stat"))?;
        // The name before the last bracket may contain spaces; utime and stime are the fields 14 and 15.
        let fields = text.rsplit_once(')').context("no name")?.1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<_, _>>()?;
        // USER_HZ is 100 on every Linux that Rust runs on.
        Ok(Duration::from_millis(ticks * 10))
    }

    pub fn threads(&self) -> Result<usize> {
        Ok(fs::read_dir(self.proc("task"))?.count())
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }

    /// Asks it to end and waits; ends it when it does not.
    pub async fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Nothing of this suite outlives it, whatever went wrong before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
