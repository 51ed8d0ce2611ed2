//! What a service is given ([`Platform`]) and what it gives back ([`Service`]).

use crate::{
    Error, Result,
    bus::Bus,
    cache::Cache,
    clock::Clock,
    db::Db,
    hints::Hints,
    ids::Ids,
    network::Network,
    objects::ObjectStore,
    peers::{Peer, Peers},
    pressure::Pressure,
    principal::{Caller, Identity, Signer},
    secrets::Secrets,
    streams::Streams,
    tasks::Tasks,
    telemetry::{self, Metrics},
};
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use futures_util::future::BoxFuture;
use std::{path::Path, sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// The longest an RPC may take when its caller names no deadline of its own.
const RPC_DEADLINE: Duration = Duration::from_secs(2);

/// The ports, and what else every service shares. Cheap to clone.
#[derive(Clone)]
pub struct Platform {
    pub db: Db,
    pub bus: Arc<dyn Bus>,
    pub cache: Arc<dyn Cache>,
    pub streams: Arc<dyn Streams>,
    pub tasks: Arc<dyn Tasks>,
    pub objects: Arc<dyn ObjectStore>,
    pub hints: Arc<dyn Hints>,
    pub peers: Arc<dyn Peers>,
    pub secrets: Arc<dyn Secrets>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub signer: Signer,
    pub metrics: Metrics,
    pub background: Background,
    pub pressure: Pressure,
    pub identity: Option<Arc<Identity>>,
    /// How calls leave this machine.
    pub network: Network,
    /// The data folder.
    pub folder: Arc<Path>,
}

impl Platform {
    /// The same platform, its calls carrying `service`'s own principal.
    #[must_use]
    pub fn acting_as(&self, service: &str) -> Self {
        let identity = Arc::new(Identity::new(self.signer.clone(), service));
        Self { identity: Some(identity), ..self.clone() }
    }

    /// Whoever answers for `service`.
    #[must_use]
    pub fn peer(&self, service: &'static str) -> Peer {
        let peer = self.peers.peer(service);
        match &self.identity {
            Some(identity) => peer.acting_as(identity.clone()),
            None => peer,
        }
    }
}

/// The loops of this process: they end when it drains.
#[derive(Clone, Default)]
pub struct Background {
    ending: CancellationToken,
    tasks: TaskTracker,
}

impl Background {
    /// Runs `task`; a panic in it ends it alone.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Runs `task` until it ends or the process drains, whichever is first.
    pub fn spawn_until_drained<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let ending = self.ending.clone();
        self.tasks.spawn(async move {
            ending.run_until_cancelled(task).await;
        });
    }

    /// Completes once the process drains.
    #[must_use]
    pub fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Tells all loops to end and waits for them, at most `limit`.
    pub async fn drain(&self, limit: Duration) {
        self.ending.cancel();
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "gave up waiting for background work");
        }
    }
}

/// Answers whether a service can do its work now; the sentence says what is missing.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A started service: one value, the same in every topology.
pub struct Service {
    pub name: &'static str,
    /// JSON routes, and the RPCs under their own paths.
    pub router: Router,
    pub ready: Ready,
}

impl Service {
    /// `rpc_path` is the service's gRPC name (`chat.v1.Chat`). The RPC router is mounted under that
    /// path alone: merged whole, it would answer unknown JSON paths.
    #[must_use]
    pub fn new(name: &'static str, http: Router, rpc: Option<(&'static str, Router)>, ready: Ready) -> Self {
        let router = match rpc {
            Some((path, rpc)) => {
                let rpc = tower::service_fn(move |request: Request| rpc.clone().oneshot(request));
                http.route_service(&format!("/{path}/{{*method}}"), rpc)
            }
            None => http,
        };
        Self { name, router, ready }
    }
}

/// RPC handlers as a router: only for verified callers, within a deadline.
pub fn rpc_router(routes: tonic::service::Routes, signer: Signer) -> Router {
    routes
        .into_axum_router()
        .layer(middleware::from_fn_with_state(signer, guard))
        .layer(middleware::from_fn(telemetry::correlate))
}

async fn guard(State(signer): State<Signer>, mut request: Request, next: Next) -> Response {
    match signer.identify(request.headers()) {
        Ok(Caller::Nobody) => return status(Error::unauthenticated("a call between services needs a principal")),
        Ok(caller) => request.extensions_mut().insert(caller),
        Err(error) => return status(error),
    };
    let asked = request.headers().get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(grpc_timeout);
    match tokio::time::timeout(asked.unwrap_or(RPC_DEADLINE), next.run(request)).await {
        Ok(response) => response,
        Err(_) => status(Error::timeout("the call took longer than its deadline")),
    }
}

fn status(error: Error) -> Response {
    tonic::Status::from(error).into_http()
}

/// The `grpc-timeout` header: digits and a unit (gRPC over HTTP/2, "Requests").
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// The verified caller of an RPC.
#[must_use]
pub fn rpc_caller<T>(request: &tonic::Request<T>) -> Caller {
    request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Nobody)
}

/// Refuses an RPC that only other services may call.
///
/// # Errors
/// `forbidden` when a person, or a service that is not in `names`, calls.
pub fn require_service<T>(request: &tonic::Request<T>, names: &[&str]) -> Result<()> {
    match rpc_caller(request) {
        Caller::Service(name) if names.contains(&name.as_str()) => Ok(()),
        _ => Err(Error::forbidden("this call is for other services")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeouts_are_read_by_their_unit() {
        assert_eq!(grpc_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(grpc_timeout("2S"), Some(Duration::from_secs(2)));
        for wrong in ["", "5", "S", "-1S", "999999999S", "1é"] {
            assert_eq!(grpc_timeout(wrong), None, "{wrong}");
        }
    }
}
