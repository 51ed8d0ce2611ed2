//! The one executable: `taifas serve` runs an instance, the other commands look after one.

mod admin;
mod audit;
mod backup;
mod cli;
mod compose;
mod doctor;
mod schema;
mod settings;

use clap::Parser as _;
use cli::{Admin, Cli, Command, Place, Serve};
use settings::Settings;
use std::{io::Write as _, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // The one line a person at a terminal needs; its cause included.
            let _ = writeln!(std::io::stderr(), "taifas: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is well.
fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Serve(flags) => serve(flags)?,
        Command::Migrate { place, check } => block_on(schema::migrate(&settings(place)?, check))?,
        Command::Admin { place, what } => {
            let asked = match what {
                Admin::Create { name, email } => admin::Asked::Create { name, email },
                Admin::ResetPassword { email } => admin::Asked::ResetPassword { email },
            };
            provide_tls();
            block_on(admin::admin(settings(place)?, asked))?;
        }
        Command::Backup { place, to, passphrase_file } => {
            let settings = settings(place)?;
            let keys = backup::keys(passphrase_file.as_deref().or(settings.backup.passphrase_file.as_deref()))?;
            backup::backup(&settings, to, keys.as_ref())?;
        }
        Command::Restore { from, place, passphrase_file, at, replace, erased } => {
            let settings = settings(place)?;
            let keys = backup::keys(passphrase_file.as_deref().or(settings.backup.passphrase_file.as_deref()))?;
            let asked = backup::Asked { from, at, replace, erased, keys };
            block_on(backup::restore(&settings, &asked))?;
        }
        Command::Audit { what, place } => match what {
            cli::Audit::Key => block_on(audit::key(&settings(place)?))?,
            cli::Audit::Verify { transcript, key, seals } => {
                return block_on(audit::verify(&settings(place)?, &audit::Asked { transcript, key, seals }));
            }
        },
        Command::Doctor { place, thorough } => return doctor::doctor(&settings(place)?, thorough),
        Command::Openapi => writeln!(std::io::stdout(), "{}", compose::document().to_pretty_json()?)?,
        Command::Version => version()?,
    }
    Ok(true)
}

/// What a command about an instance needs to know of it.
fn settings(place: Place) -> anyhow::Result<Settings> {
    let mut settings = Settings::load(place.config.as_deref(), std::env::vars().collect())?;
    settings.apply(place.data, None, None, false, None);
    platform::telemetry::start_logging(settings::Log::Text.into(), "warn")?;
    Ok(settings)
}

fn serve(flags: Serve) -> anyhow::Result<()> {
    let mut settings = Settings::load(flags.place.config.as_deref(), std::env::vars().collect())?;
    settings.apply(flags.place.data, flags.listen, flags.services, flags.demo, flags.log);
    platform::telemetry::start_logging(settings.log.format.into(), &settings.log.filter)?;
    provide_tls();
    block_on(compose::serve(settings))
}

/// One TLS implementation for every client in this process.
fn provide_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // One of them may have to wait for the disk.
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?.block_on(work)
}

fn version() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "taifas {}", env!("CARGO_PKG_VERSION"))?;
    let commit = env!("TAIFAS_COMMIT");
    if !commit.is_empty() {
        writeln!(out, "commit {commit}")?;
    }
    writeln!(out, "SQLite {}", rusqlite::version())?;
    let features: Vec<_> = [("failpoints", cfg!(feature = "failpoints")), ("debug", cfg!(debug_assertions))]
        .into_iter()
        .filter_map(|(name, on)| on.then_some(name))
        .collect();
    writeln!(out, "features {}", if features.is_empty() { "none".to_owned() } else { features.join(", ") })?;
    for (name, version) in schema::known() {
        writeln!(out, "tables {name} {version}")?;
    }
    Ok(())
}
