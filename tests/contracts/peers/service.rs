//! A small service to call: it remembers what it has done, and its RPCs are those of session.

use axum::{
    Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::get,
};
use platform::{
    Service,
    principal::{Caller, HEADER, Signer},
    service::{rpc_caller, rpc_router},
    telemetry::{CORRELATION_HEADER, correlation_id},
};
use proto::session::v1::{self as pb, sessions_server::SessionsServer};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// The name of its RPCs.
pub const PATH: &str = "session.v1.Sessions";

/// What it has done.
#[derive(Clone)]
pub struct Seen(Arc<Inner>);

struct Inner {
    /// Requests that were worked on to their end.
    done: watch::Sender<u32>,
    callers: Mutex<Vec<Caller>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self(Arc::new(Inner { done: watch::Sender::new(0), callers: Mutex::default() }))
    }
}

impl Seen {
    pub fn callers(&self) -> Vec<Caller> {
        self.0.callers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn done(&self) -> watch::Receiver<u32> {
        self.0.done.subscribe()
    }
}

/// Its router, as a service would announce it.
pub fn router(signer: Signer, seen: &Seen) -> Router {
    let http = Router::new()
        .route("/api/v1/echo", get(echo))
        .route("/api/v1/slow/{millis}", get(slow))
        .route("/api/v1/panic", get(panic))
        .layer(axum::middleware::from_fn(platform::telemetry::correlate))
        .with_state(seen.clone());
    let rpc = rpc_router(tonic::service::Routes::new(SessionsServer::new(seen.clone())), signer);
    Service::new("session", http, Some((PATH, rpc)), Arc::new(|| Box::pin(async { Ok(()) }))).router
}

/// The correlation id of the header and of the task, and the principal.
async fn echo(headers: HeaderMap) -> String {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    format!("{}\n{}\n{}", header(CORRELATION_HEADER), correlation_id(), header(HEADER))
}

async fn slow(State(seen): State<Seen>, Path(millis): Path<u64>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    seen.0.done.send_modify(|done| *done += 1);
    "done"
}

async fn panic() -> &'static str {
    std::panic::resume_unwind(Box::new("a fault"))
}

#[tonic::async_trait]
impl pb::sessions_server::Sessions for Seen {
    /// Notes who calls.
    async fn open(&self, request: Request<pb::OpenRequest>) -> Result<Response<pb::Opened>, Status> {
        self.0.callers.lock().unwrap_or_else(PoisonError::into_inner).push(rpc_caller(&request));
        Ok(Response::new(pb::Opened { token: correlation_id(), ..pb::Opened::default() }))
    }

    /// Takes as many milliseconds as the token says.
    async fn resolve(&self, request: Request<pb::ResolveRequest>) -> Result<Response<pb::Resolved>, Status> {
        let millis = request.get_ref().token.parse().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.0.done.send_modify(|done| *done += 1);
        Ok(Response::new(pb::Resolved::default()))
    }

    /// Panics.
    async fn close(&self, _: Request<pb::CloseRequest>) -> Result<Response<pb::Closed>, Status> {
        std::panic::resume_unwind(Box::new("a fault"))
    }

    async fn close_all(&self, _: Request<pb::CloseAllRequest>) -> Result<Response<pb::ClosedAll>, Status> {
        Err(nothing())
    }

    async fn arrive(&self, _: Request<pb::ArriveRequest>) -> Result<Response<pb::Arrived>, Status> {
        Err(nothing())
    }

    async fn leave(&self, _: Request<pb::LeaveRequest>) -> Result<Response<pb::Left>, Status> {
        Err(nothing())
    }

    async fn device(&self, _: Request<pb::DeviceRequest>) -> Result<Response<pb::DeviceAnswer>, Status> {
        Err(nothing())
    }

    async fn present(&self, _: Request<pb::PresentRequest>) -> Result<Response<pb::Presence>, Status> {
        Err(nothing())
    }
}

/// What no contract asks of this double.
fn nothing() -> Status {
    Status::unimplemented("this double does nothing there")
}
