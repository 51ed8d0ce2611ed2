//! A process of the product: its real services over its real adapters, opened in line, behind one gate.

use crate::{
    dice::Dice,
    gate::{Gate, Paced},
    history::History,
    ports::{Appended, Broken, Gated, MemorySecrets, Repeating, WallClock},
    provider::Simulated,
};
use ai::providers::{Provider, Wire};
use axum::{Router, body::Body};
use chrono::{DateTime, Utc};
use http::{Request, Response, StatusCode};
use platform::{
    Platform, Result,
    bus::TableBus,
    cache::MemoryCache,
    clock::Clock,
    db::{self, Db},
    hints::{self, MemoryHints},
    ids::{Ids as _, SeededIds},
    network::Network,
    objects::ObjectStore,
    peers::{LocalPeers, Peers},
    pressure::Pressure,
    principal::Signer,
    secrets::Secrets as _,
    service::{Background, Service},
    streams::{self, FileStreams, Streams},
    tasks::TableTasks,
    telemetry::Metrics,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;
use tower::ServiceExt as _;
use utoipa::openapi::OpenApi;
use uuid::Uuid;

/// When every history begins.
pub fn epoch() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// All services.
    All,
    /// A further worker of ai beside it; it calls the others in the first process.
    Worker,
}

/// What outlives processes.
pub struct Site {
    pub folder: PathBuf,
    /// The database; another one only where a disk is to lie.
    pub file: Mutex<PathBuf>,
    pub seed: u64,
    pub clock: Arc<WallClock>,
    pub secrets: Arc<MemorySecrets>,
    pub objects: Arc<dyn ObjectStore>,
    pub provider: Arc<Simulated>,
    /// Made once, since it reads the machine's certificates; nothing is sent over it.
    pub wire: Wire,
    pub history: Arc<History>,
    pub appended: Arc<Appended>,
    pub dice: Dice,
    pub broken: Option<Broken>,
    /// Whether several processes share the database and the streams.
    pub shared: bool,
    /// Streams as a server of their own: with several processes.
    pub streams: Mutex<Option<Arc<dyn Streams>>>,
    pub front: watch::Sender<Option<Arc<Process>>>,
    pub started: AtomicU64,
}

pub struct Process {
    pub gate: Arc<Gate>,
    pub router: Router,
    pub background: Background,
    peers: Arc<dyn Peers>,
    services: Arc<Services>,
}

/// The routers of a process. Its address book points here without holding it, so that a process is gone
/// when nobody holds it any more.
#[derive(Default)]
struct Services(Mutex<HashMap<&'static str, Router>>);

impl Services {
    fn add(&self, name: &'static str, router: Router) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, router);
    }

    fn find(&self, name: &str) -> Option<Router> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn pointer(self: &Arc<Self>, name: &'static str) -> Router {
        let services = Arc::downgrade(self);
        let call = tower::service_fn(move |request: Request<Body>| {
            let router = services.upgrade().and_then(|services| services.find(name));
            async move {
                match router {
                    Some(router) => router.oneshot(request).await,
                    None => Ok(away()),
                }
            }
        });
        Router::new().fallback_service(call)
    }
}

impl Site {
    pub fn file(&self) -> PathBuf {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn open_streams(&self) -> Result<Arc<dyn Streams>> {
        let mut shared = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = shared.as_ref().filter(|_| self.shared) {
            return Ok(streams.clone());
        }
        let options = streams::Options {
            boot: Uuid::nil(),
            clock: self.clock.clone(),
            ids: Arc::new(SeededIds::new(self.number() | 1 << 30)),
            ..streams::Options::default()
        };
        let streams: Arc<dyn Streams> = Arc::new(FileStreams::open_in_line(self.folder.join("streams"), options)?);
        *shared = Some(streams.clone());
        Ok(streams)
    }

    /// Another one for each start: ids of two processes never meet.
    fn number(&self) -> u64 {
        (self.seed << 8 | self.started.load(Ordering::Relaxed)) & 0x3fff_ffff
    }

    /// Starts the services; whoever starts them waits for the gate's death too.
    ///
    /// # Errors
    /// What keeps a service from its start.
    pub async fn start(self: &Arc<Self>, gate: Arc<Gate>, role: Role) -> Result<Process> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let platform = self.platform(gate.clone()).await?;
        let config = ai::Config { ollama_base_url: String::new(), ..ai::Config::default() };
        let provider: Arc<dyn Provider> = self.provider.clone();
        let services = Arc::<Services>::default();
        if role == Role::Worker {
            for name in ["chat", "user"] {
                platform.peers.announce(name, self.relay(name))?;
            }
            ai::start_over(&platform, config, self.wire.clone(), vec![provider]).await?;
            return Ok(Process::of(&platform, gate, Router::new(), services));
        }
        let mut ready = Vec::new();
        let mut announce = |Service { name, router, ready: check }: Service| {
            ready.push((name, check));
            services.add(name, router);
            platform.peers.announce(name, services.pointer(name))
        };
        announce(user::start(&platform, user::Config::default()).await?)?;
        announce(session::start(&platform, session::Config::default()).await?)?;
        announce(auth::start(&platform, auth::Config::default(), "http://localhost").await?.0)?;
        announce(chat::start(&platform, chat::Config::default()).await?)?;
        announce(ai::start_over(&platform, config, self.wire.clone(), vec![provider]).await?)?;
        announce(analytics::start(&platform, analytics::Config::default()).await?)?;
        let document = OpenApi::default();
        let router = gateway::start(&platform, gateway::Config::default(), &document, ready)?;
        Ok(Process::of(&platform, gate, router, services))
    }

    async fn platform(&self, gate: Arc<Gate>) -> Result<Platform> {
        let options = db::Options { exclusive: !self.shared, ..db::Options::default() };
        let db = Db::open_in_line(&self.file(), &options, Arc::new(Paced(gate.clone())))?;
        let ids = Arc::new(SeededIds::new(self.number()));
        let clock: Arc<dyn Clock> = self.clock.clone();
        let key = self.secrets.get_or_create("principal-key", 32).await?;
        let bus = Arc::new(TableBus::open(db.clone(), clock.clone()).await?);
        let streams = Gated {
            inner: self.open_streams()?,
            gate,
            appended: self.appended.clone(),
            history: self.history.clone(),
            broken: self.broken,
        };
        Ok(Platform {
            bus: Arc::new(Repeating { inner: bus, dice: self.dice.fork(), broken: self.broken }),
            tasks: Arc::new(TableTasks::open(db.clone(), clock.clone()).await?),
            objects: self.objects.clone(),
            db,
            cache: Arc::new(MemoryCache::default()),
            streams: Arc::new(streams),
            hints: Arc::new(MemoryHints::new(ids.id().as_u64_pair().1, hints::Options::default())),
            peers: Arc::new(LocalPeers::default()),
            secrets: self.secrets.clone(),
            signer: Signer::new(key.expose(), clock.clone())?,
            clock,
            ids,
            metrics: Metrics::new()?,
            background: Background::default(),
            pressure: Pressure::default(),
            identity: None,
            network: Network::default(),
            folder: self.folder.clone().into(),
        })
    }

    /// A service in the first process, as another process calls it.
    fn relay(self: &Arc<Self>, name: &'static str) -> Router {
        let site = Arc::downgrade(self);
        let call = tower::service_fn(move |request: Request<Body>| {
            let site = site.clone();
            async move {
                let front = site.upgrade().and_then(|site| site.front.borrow().clone());
                let response = match front {
                    Some(front) => front.call(name, request).await,
                    None => None,
                };
                Ok::<_, Infallible>(response.unwrap_or_else(away))
            }
        });
        Router::new().fallback_service(call)
    }
}

/// What a caller makes of a connection that breaks.
fn away() -> Response<Body> {
    let status = tonic::Status::unavailable("the other process is away");
    let response: Response<Body> = status.into_http();
    debug_assert_eq!(response.status(), StatusCode::OK);
    response
}

impl Process {
    fn of(platform: &Platform, gate: Arc<Gate>, router: Router, services: Arc<Services>) -> Self {
        let (background, peers) = (platform.background.clone(), platform.peers.clone());
        Self { gate, router, background, peers, services }
    }

    /// Its address book.
    pub fn peers(&self) -> &dyn Peers {
        &*self.peers
    }

    /// Asks one of its services; none when it dies first.
    async fn call(&self, service: &str, request: Request<Body>) -> Option<Response<Body>> {
        let router = self.services.find(service)?;
        let work = async {
            self.gate.open().await;
            // A task of its own: a caller that gives up does not end what was begun.
            tokio::spawn(router.oneshot(request)).await
        };
        tokio::select! {
            biased;
            () = self.gate.dead() => None,
            answer = work => answer.ok().and_then(Result::ok),
        }
    }
}
