//! The load of `make bench`: starts a provider and instances of the release binary, asks, and prints
//! what it measured beside a control of the same run. `load PROGRAM SCRATCH [SECTION…]`.

mod acks;
mod burst;
mod door;
mod figures;
mod first_token;
mod idle;
mod instance;
mod people;
mod ports;
mod provider;
mod reads;
mod relay;
mod start;
mod streams;
mod turn;
mod wire;

use anyhow::{Context as _, Result, ensure};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// A section that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(600);
const SECTIONS: [&str; 10] =
    ["start", "first-token", "relay", "acks", "reads", "burst", "streams", "door", "idle", "ports"];

/// What every section needs.
pub struct Setting {
    /// The release binary.
    program: PathBuf,
    /// A folder on the disk that is measured; whoever called removes it.
    scratch: PathBuf,
    provider: SocketAddr,
    /// A tenth of everything: to see whether it works, not how fast it is.
    small: bool,
}

impl Setting {
    /// So many, or a tenth.
    fn scaled(&self, count: usize) -> usize {
        if self.small { count.div_ceil(10) } else { count }
    }

    /// A new folder of that name.
    fn folder(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// A new instance with one account, and the cookie of its session.
    async fn instance(&self, name: &str) -> Result<(instance::Instance, String)> {
        let mut instance = instance::Instance::start(&self.program, &self.folder(name), self.provider).await?;
        let cookie = instance.set_up().await?;
        Ok((instance, cookie))
    }
}

fn main() -> Result<()> {
    // Cargo adds this word to what it passes to a bench.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let usage = "load PROGRAM SCRATCH [SECTION…]";
    let program = Path::new(&words.next().context(usage)?).canonicalize()?;
    let scratch = Path::new(&words.next().context(usage)?).canonicalize()?;
    let chosen: Vec<String> = words.collect();
    for word in &chosen {
        ensure!(SECTIONS.contains(&word.as_str()), "there is no section {word}; there are {SECTIONS:?}");
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let setting = Setting {
        program,
        scratch,
        provider: provider::start()?,
        small: std::env::var_os("TAIFAS_BENCH_SMALL").is_some(),
    };
    for name in SECTIONS.into_iter().filter(|name| chosen.is_empty() || chosen.iter().any(|word| word == name)) {
        // The ports are measured as the server runs them, the load from one thread: the other core is Taifas'.
        let mut runtime = match name {
            "ports" => tokio::runtime::Builder::new_multi_thread(),
            _ => tokio::runtime::Builder::new_current_thread(),
        };
        runtime.enable_all().build()?.block_on(async {
            let section = async {
                match name {
                    "start" => start::run(&setting).await,
                    "first-token" => first_token::run(&setting).await,
                    "relay" => relay::run(&setting).await,
                    "acks" => acks::run(&setting).await,
                    "streams" => streams::run(&setting).await,
                    "reads" => reads::run(&setting).await,
                    "burst" => burst::run(&setting).await,
                    "door" => door::run(&setting).await,
                    "idle" => idle::run(&setting).await,
                    _ => ports::run(&setting).await,
                }
            };
            tokio::time::timeout(PATIENCE, section).await.with_context(|| format!("{name} takes too long"))?
        })?;
    }
    Ok(())
}
