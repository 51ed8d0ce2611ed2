//! The whole topology on one screen: configuration → platform → services → listener.

use crate::{backup, settings::Settings};
use anyhow::Context as _;
use platform::{
    Platform, Result, audit,
    bus::TableBus,
    cache::MemoryCache,
    clock::{Clock, SystemClock},
    config::Ports,
    db::{self, Db, Offline},
    folder::DataFolder,
    hints::{self, MemoryHints},
    ids::{Ids as _, SystemIds},
    network::{self, Network},
    objects::FileObjects,
    peers::LocalPeers,
    pressure::Pressure,
    principal::Signer,
    retention,
    secrets::{FileSecrets, Secrets as _},
    service::{Background, Service},
    streams::{self, FileStreams},
    tasks::TableTasks,
    telemetry::Metrics,
};
use std::{io::Write as _, path::Path, sync::Arc, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use utoipa::openapi::OpenApi;

/// Every service there is.
const SERVICES: [&str; 8] = ["gateway", "user", "auth", "session", "chat", "ai", "analytics", "notification"];

/// Runs until the process is asked to end.
///
/// # Errors
/// A sentence that says why it cannot start, and what to change.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    settings.check_services(&SERVICES)?;
    let mut signals = Signals::listen()?;
    let network = network(&settings.network)?;
    let listening = gateway::listen(&settings.gateway).await?;
    let url = settings.gateway.url(listening.address);
    let folder = DataFolder::open(&settings.data)?;
    refuse_damage(&folder.path().join(Ports::after(&settings.platform.database, "database", "sqlite")?))?;
    let keys = match settings.backup.folder {
        Some(_) => backup::keys(settings.backup.passphrase_file.as_deref())?,
        None => None,
    };
    settings.backup.check(folder.path())?;
    let platform = platform(&settings.platform, network, folder.path(), settings.backup.folder.is_some()).await?;
    let archive = backup::Archiving::start(&platform, &settings, keys)?;

    let mut ready = Vec::new();
    let mut announce = |Service { name, router, ready: check }| {
        ready.push((name, check));
        platform.peers.announce(name, router)
    };
    // A service that works from its start on comes after those it works with.
    announce(user::start(&platform, settings.user).await?)?;
    announce(session::start(&platform, settings.session).await?)?;
    let (auth, setup) = auth::start(&platform, settings.auth, &url).await?;
    announce(auth)?;
    announce(chat::start(&platform, settings.chat).await?)?;
    announce(ai::start(&platform, settings.ai).await?)?;
    announce(analytics::start(&platform, settings.analytics).await?)?;
    announce(notification::start(&platform, settings.notification, &url).await?)?;
    backup::remember(&platform);
    audit::keep(&platform);
    retention::keep(&platform, settings.platform.keep_events_days);
    let router = gateway::start(&platform, settings.gateway, &document(), ready)?;
    greet(&url, setup.token().await?.as_deref())?;

    let patience = Duration::from_secs(settings.drain_seconds);
    let background = platform.background.clone();
    let ended = async {
        signals.next().await;
        tracing::info!("asked to end; letting running answers finish");
        background.ending().cancel();
    };
    listening.serve(router, ended, patience).await?;
    // Whoever asks a second time does not want to wait.
    tokio::select! {
        () = platform.background.drain(patience) => {}
        () = signals.next() => {}
    }
    // Whoever copies the file of a stopped instance has everything.
    match archive {
        Some(archive) => tokio::task::spawn_blocking(move || archive.end(patience.max(ARCHIVED))).await?,
        None => platform.db.checkpoint().await?,
    }
    tracing::info!("ended");
    Ok(())
}

/// What waits for the archive at the end may take so long.
const ARCHIVED: Duration = Duration::from_secs(60);
/// The largest database that is looked through at every start: more would take longer than a start may.
const CHECKED: u64 = 256 << 20;

/// A damaged database is not served: what is written to it may be lost, and the damage grows.
fn refuse_damage(file: &Path) -> anyhow::Result<()> {
    let Ok(found) = std::fs::metadata(file) else { return Ok(()) };
    if found.len() == 0 || found.len() > CHECKED {
        return Ok(());
    }
    let why = match Offline::open(file).and_then(|database| database.faults(false)) {
        Ok(faults) => faults.into_iter().next(),
        Err(error) => Some(error.message().to_owned()),
    };
    why.map_or(Ok(()), |why| {
        anyhow::bail!(
            "the database {} is damaged ({why}); keep a copy of the folder, look at the disk, and restore the last backup \
             with `taifas restore`",
            file.display()
        )
    })
}

/// The way out of this machine, told once to whoever reads the log.
///
/// # Errors
/// As [`Network::open`].
pub fn network(config: &network::Config) -> Result<Network> {
    let network = Network::open(config)?;
    if let Some(proxy) = network.proxy() {
        let except = config.no_proxy.join(",");
        tracing::info!(proxy = %proxy.address, %except, "calls to the outside go through a proxy");
    }
    let authorities = network.authorities().count();
    if authorities > 0 {
        tracing::info!(authorities, "further certificate authorities are believed");
    }
    Ok(network)
}

/// The ports on the adapters that their URLs name.
///
/// `archived` says that somebody reads the write-ahead log into an archive.
pub async fn platform(ports: &Ports, network: Network, folder: &Path, archived: bool) -> anyhow::Result<Platform> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = folder.join(Ports::after(&ports.database, "database", "sqlite")?);
    let streams = folder.join(Ports::after(&ports.streams, "streams", "file")?);
    let secrets = FileSecrets::open(folder.join(Ports::after(&ports.secrets, "secrets", "file")?))?;
    let objects = folder.join(Ports::after(&ports.objects, "objects", "file")?);
    Ports::after(&ports.bus, "bus", "db")?;
    Ports::after(&ports.tasks, "tasks", "db")?;
    Ports::after(&ports.cache, "cache", "memory")?;
    Ports::after(&ports.peers, "peers", "local")?;

    let db = Db::open(&database, &db::Options { archived, ..db::Options::default() })?;
    db.migrate("audit", audit::MIGRATIONS).await?;
    let key = secrets.get_or_create("principal-key", 32).await?;
    let mut epoch = [0; 8];
    SystemIds.random(&mut epoch);
    Ok(Platform {
        bus: Arc::new(TableBus::open(db.clone(), clock.clone()).await?),
        tasks: Arc::new(TableTasks::open(db.clone(), clock.clone()).await?),
        objects: Arc::new(FileObjects::open(objects)?),
        db,
        cache: Arc::new(MemoryCache::default()),
        streams: Arc::new(FileStreams::open(streams, streams::Options::default())?),
        hints: Arc::new(MemoryHints::new(u64::from_le_bytes(epoch), hints::Options::default())),
        peers: Arc::new(LocalPeers::default()),
        secrets: Arc::new(secrets),
        signer: Signer::new(key.expose(), clock.clone())?,
        clock,
        ids: Arc::new(SystemIds),
        metrics: Metrics::new()?,
        background: Background::default(),
        pressure: Pressure::default(),
        identity: None,
        network,
        folder: folder.into(),
    })
}

/// The description of every route of every service.
pub fn document() -> OpenApi {
    let mut document = gateway::document();
    for part in parts() {
        document.merge(part);
    }
    document
}

fn parts() -> [OpenApi; 7] {
    [
        user::document(),
        auth::document(),
        session::document(),
        chat::document(),
        ai::document(),
        analytics::document(),
        notification::document(),
    ]
}

/// For the person at the terminal: where to go, and the link that makes the first account.
fn greet(url: &str, token: Option<&str>) -> Result<()> {
    let mut greeting = format!("Taifas is ready at {url}\n");
    if let Some(token) = token {
        greeting += &format!("Create the administrator's account (this link works once): {url}/setup#{token}\n");
    }
    // in one piece: a program that waits for the first line finds the second one as well
    let mut out = std::io::stdout().lock();
    out.write_all(greeting.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// The signals that ask a process to end.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened to");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use std::collections::BTreeMap;

    /// Of two shapes with one name the document would describe one and the other route wrongly.
    #[test]
    fn a_schema_name_stands_for_one_shape() {
        let (mut known, mut twice) = (BTreeMap::new(), Vec::new());
        for part in super::parts() {
            let schemas = part.components.map(|components| components.schemas).unwrap_or_default();
            for (name, schema) in schemas {
                let mut shape = serde_json::to_value(schema).unwrap();
                without_words(&mut shape);
                let before = known.entry(name.clone()).or_insert_with(|| shape.clone());
                if *before != shape {
                    twice.push(name);
                }
            }
        }
        assert_eq!(twice, Vec::<String>::new(), "one name for different shapes");
        assert!(known.len() > 50);
    }

    /// What is sent, not how a service describes it.
    fn without_words(shape: &mut Value) {
        match shape {
            Value::Object(fields) => {
                fields.retain(|name, value| name != "description" || !value.is_string());
                fields.values_mut().for_each(without_words);
            }
            Value::Array(items) => items.iter_mut().for_each(without_words),
            _ => {}
        }
    }
}
