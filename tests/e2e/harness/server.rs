//! The program as a child process on a data folder and a port of its own.

use super::Client;
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The longest a start may take before it counts as hanging.
const START: Duration = Duration::from_secs(20);
/// Ports below those that the kernel gives to outgoing connections: nobody takes one in between
/// while its server is dead.
const PORTS: std::ops::Range<u16> = 12_000..31_000;

/// Which build of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// As people get it.
    Shipped,
    /// With crash points and seeded faults.
    Failpoints,
}

impl Binary {
    /// # Errors
    /// A sentence that says how to build it.
    pub fn path(self) -> Result<PathBuf> {
        let (variable, name) = match self {
            Self::Shipped => ("TAIFAS_BIN", "taifas"),
            Self::Failpoints => ("TAIFAS_FAILPOINT_BIN", "taifas-failpoints"),
        };
        let path = match std::env::var_os(variable) {
            Some(path) => PathBuf::from(path),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug").join(name),
        };
        let path = fs::canonicalize(&path)
            .with_context(|| format!("there is no {}: `make test` builds it (or set {variable})", path.display()))?;
        Ok(path)
    }
}

/// A running (or killed) server. Dropping it ends its process, by its id.
pub struct Server {
    binary: Binary,
    folder: TempDir,
    /// Where its data is, when not in its folder.
    data: Option<PathBuf>,
    environment: Vec<(String, String)>,
    /// A command that starts it within limits of its own: `prlimit …`.
    wrapper: Vec<String>,
    pub port: u16,
    child: Option<Child>,
    /// How long each start took until `/readyz` said so.
    pub starts: Vec<Duration>,
}

impl Server {
    /// Starts on an empty data folder and waits until it is ready.
    pub async fn start(binary: Binary, environment: &[(&str, &str)]) -> Result<Self> {
        let mut server = Self::prepare(binary)?;
        server.again(environment).await?;
        Ok(server)
    }

    /// A server that has not been started yet.
    pub fn prepare(binary: Binary) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self {
            binary,
            folder,
            data: None,
            environment: Vec::new(),
            wrapper: Vec::new(),
            port: free_port()?,
            child: None,
            starts: Vec::new(),
        })
    }

    /// Further starts are by this command, which must become the program itself.
    pub fn within(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|word| (*word).into()).collect();
    }

    /// Starts again on the same data and the same port, with another environment.
    pub async fn again(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        self.launch(environment)?;
        self.answers().await
    }

    /// Starts and does not wait: for one that does not speak plain HTTP.
    pub fn launch(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        ensure!(self.child.is_none(), "the server runs already");
        self.environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut command = self.command()?;
        command.stdout(File::create(self.scratch().join("out"))?);
        command.stderr(File::options().append(true).create(true).open(self.scratch().join("log"))?);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Waits until it is ready.
    pub async fn answers(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            if self.port == 0
                && let Some((_, rest)) = self.printed()?.split_once("ready at http://127.0.0.1:")
            {
                // asked for any port: it says which one it got
                self.port = rest.split_whitespace().next().unwrap_or_default().parse()?;
            }
            let client = Client::new(self.url())?;
            if let Some(status) = self.exited()? {
                bail!("the server ended while it started ({status}): {}", self.log_end());
            }
            if matches!(client.get("/readyz").await, Ok(answer) if answer.status == 200) {
                break;
            }
            ensure!(start.elapsed() < START, "the server is not ready within {START:?}: {}", self.log_end());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.starts.push(start.elapsed());
        Ok(())
    }

    /// The command that starts this server, in a scratch folder and without this process's settings.
    pub fn command(&self) -> Result<Command> {
        let binary = self.binary.path()?;
        let mut command = match self.wrapper.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command.args(["serve", "--demo", "--log", "json", "--data"]).arg(self.data());
        command.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command.env_clear().env("TAIFAS__AI__OLLAMA_BASE_URL", "").current_dir(self.scratch());
        command.envs(self.environment.iter().cloned()).stdin(Stdio::null());
        Ok(command)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// Further starts have their data there.
    pub fn move_data(&mut self, to: PathBuf) {
        self.data = Some(to);
    }

    /// What it printed since its last start.
    pub fn printed(&self) -> Result<String> {
        Ok(fs::read_to_string(self.scratch().join("out"))?)
    }

    /// The token of the set-up link that it printed.
    pub fn setup_token(&self) -> Result<String> {
        let printed = self.printed()?;
        let token = printed.split_once("/setup#").and_then(|(_, rest)| rest.split_whitespace().next());
        token.map(str::to_owned).with_context(|| format!("no set-up link in: {printed}"))
    }

    /// Sets the instance up and returns its owner's client.
    pub async fn owner(&mut self) -> Result<Client> {
        let client = Client::new(self.url())?;
        client.set_up(&self.setup_token()?).await?;
        Ok(client)
    }

    pub fn pid(&self) -> Result<u32> {
        Ok(self.child.as_ref().context("the server does not run")?.id())
    }

    /// The memory that is its own, in bytes.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? << 10)
    }

    /// How many files and connections it has open.
    pub fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()?))?.count())
    }

    /// `kill -9`, and waits until the process is gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        let status = self.end(Duration::from_secs(5)).await?;
        ensure!(status.signal() == Some(9), "the server ended before it was killed ({status}): {}", self.log_end());
        Ok(())
    }

    /// Asks it to end, as an operator does, and checks that it does so in order.
    pub async fn stop(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.end(Duration::from_secs(20)).await?;
        ensure!(status.success(), "the server ended with {status}: {}", self.log_end());
        Ok(())
    }

    /// Waits until it has killed itself at its crash point.
    pub async fn dies(&mut self, limit: Duration) -> Result<()> {
        let status = self.end(limit).await.context("the crash point was not reached")?;
        ensure!(status.signal() == Some(9), "the server ended by itself ({status}): {}", self.log_end());
        Ok(())
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid()?)?).context("a process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Waits for as long as it lives, and says how it ended.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.exited()? {
                self.child = None;
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    async fn end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                self.child = None;
                return Ok(status);
            }
            ensure!(start.elapsed() < limit, "the process still runs after {limit:?}: {}", self.log_end());
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.as_mut().context("the server does not run")?.try_wait()?)
    }

    /// The last lines of its log, for the message of a failure.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.scratch().join("log"))?)
    }

    pub fn log_end(&self) -> String {
        let log = self.log().unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(6)..].join("\n")
    }

    /// Lines of the log that say what must never be said.
    pub fn log_faults(&self) -> Vec<String> {
        let log = fs::read_to_string(self.scratch().join("log")).unwrap_or_default();
        let bad =
            |line: &&str| ["panicked", "\"unexpected\"", "is damaged", "⟨"].iter().any(|word| line.contains(word));
        log.lines().filter(bad).map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs a command that must end by itself; its exit and what it said on standard error.
pub async fn run_until_exit(mut command: Command, errors: &Path) -> Result<(ExitStatus, String)> {
    command.stdout(Stdio::null()).stderr(File::create(errors)?);
    let mut child = command.spawn()?;
    let start = Instant::now();
    while start.elapsed() < START {
        if let Some(status) = child.try_wait()? {
            return Ok((status, fs::read_to_string(errors)?));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill()?;
    child.wait()?;
    bail!("the program does not end by itself: {}", fs::read_to_string(errors)?)
}

/// A port that nobody listens on and that no other server of this process gets.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = u16::try_from(std::process::id() % 1000)? * 17;
    for _ in 0..PORTS.len() {
        let at = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(spread);
        let port = PORTS.start + at % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}
