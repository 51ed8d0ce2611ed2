//! The one executable: `taifas serve` runs an instance, `taifas openapi` describes its API.

mod compose;
mod settings;

use clap::{Args, Parser, Subcommand};
use settings::Settings;
use std::{io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Taifas: a chat platform that an organisation runs itself.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an instance: everything in this process, on embedded defaults
    Serve(Serve),
    /// Print the OpenAPI description of the API
    Openapi,
}

/// Flags win over the environment (`TAIFAS__…`), which wins over the configuration file.
#[derive(Args)]
struct Serve {
    /// The configuration file [default: taifas.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder that holds everything this instance keeps [default: data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The services of this process, with commas [default: *, which is all of them]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    services: Option<Vec<String>>,
    /// Offer the scripted provider: prepared answers for demonstrations and tests
    #[arg(long)]
    demo: bool,
    /// How log lines on standard error look
    #[arg(long, value_enum)]
    log: Option<settings::Log>,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(flags) => serve(flags),
        Command::Openapi => openapi(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The one line a person at a terminal needs; its cause included.
            let _ = writeln!(std::io::stderr(), "taifas: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(flags: Serve) -> anyhow::Result<()> {
    let mut settings = Settings::load(flags.config.as_deref(), std::env::vars().collect())?;
    settings.apply(flags.data, flags.listen, flags.services, flags.demo, flags.log);
    platform::telemetry::start_logging(settings.log.format.into(), &settings.log.filter)?;
    // One TLS implementation for every client in this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(compose::serve(settings))
}

fn openapi() -> anyhow::Result<()> {
    let document = compose::document().to_pretty_json()?;
    writeln!(std::io::stdout(), "{document}")?;
    Ok(())
}
