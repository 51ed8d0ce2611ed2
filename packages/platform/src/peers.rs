//! Calling another service. A [`Peer`] is whoever answers for it: here, the service in this
//! process. A stock gRPC client works over it, and the gateway forwards JSON through it.

use crate::{Error, Result, principal, principal::Identity, telemetry};
use axum::{Router, body::Body};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

/// The address book of services. It exists before any service starts; each fills its slot, which
/// breaks the cycles of start-up.
pub trait Peers: Send + Sync {
    /// Whoever answers for `service`; known or not, started or not yet.
    fn peer(&self, service: &'static str) -> Peer;
    /// Says that `service` answers here from now on.
    ///
    /// # Errors
    /// When it was said already.
    fn announce(&self, service: &'static str, router: Router) -> Result<()>;
}

/// `local:`: all services in this process.
#[derive(Default)]
pub struct LocalPeers(Mutex<HashMap<&'static str, Slot>>);

type Slot = Arc<OnceLock<Router>>;

impl LocalPeers {
    fn slot(&self, service: &'static str) -> Slot {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(service).or_default().clone()
    }
}

impl Peers for LocalPeers {
    fn peer(&self, service: &'static str) -> Peer {
        Peer { service, at: Address::Local(self.slot(service)), identity: None }
    }

    fn announce(&self, service: &'static str, router: Router) -> Result<()> {
        self.slot(service).set(router).map_err(|_| Error::internal(format!("{service} was started twice")))
    }
}

#[derive(Clone)]
enum Address {
    Local(Slot),
}

/// Whoever answers for a service.
#[derive(Clone)]
pub struct Peer {
    service: &'static str,
    at: Address,
    identity: Option<Arc<Identity>>,
}

impl Peer {
    /// Calls carry this identity unless the request brings a person's own.
    #[must_use]
    pub fn acting_as(mut self, identity: Arc<Identity>) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// `unavailable` while the service has not started; `internal` when its handler panicked.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        self.send_holding(request, ()).await
    }

    /// As [`Peer::send`]; `held` is dropped when the work has ended, whether its caller still waits or not.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn send_holding(&self, request: Request<Body>, held: impl Send + 'static) -> Result<Response<Body>> {
        // A task of its own: a caller that gives up, or a panic, stays as contained as it would be
        // across a socket.
        let Ok(response) = self.begin(request, held)?.await.map_err(|_| self.panicked())?;
        Ok(response)
    }

    /// As [`Peer::send`], but the work ends when the caller gives up: for what is worth nothing to
    /// anybody else.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn send_while_wanted(&self, request: Request<Body>) -> Result<Response<Body>> {
        let work = AbortOnDropHandle::new(self.begin(request, ())?);
        let Ok(response) = work.await.map_err(|_| self.panicked())?;
        Ok(response)
    }

    fn begin(
        &self,
        mut request: Request<Body>,
        held: impl Send + 'static,
    ) -> Result<JoinHandle<Result<Response<Body>, Infallible>>> {
        if let Some(identity) = &self.identity
            && !request.headers().contains_key(principal::HEADER)
        {
            request.headers_mut().insert(principal::HEADER, identity.header()?);
        }
        if let Ok(id) = HeaderValue::from_str(&telemetry::correlation_id()) {
            request.headers_mut().entry(telemetry::CORRELATION_HEADER).or_insert(id);
        }
        let Address::Local(slot) = &self.at;
        let router = slot
            .get()
            .cloned()
            .ok_or_else(|| Error::unavailable(format!("the {} service is not running here yet", self.service)))?;
        Ok(tokio::spawn(async move {
            let response = router.oneshot(request).await;
            drop(held);
            response
        }))
    }

    fn panicked(&self) -> Error {
        Error::internal(format!("a call to {} panicked", self.service))
    }
}

impl<B> tower::Service<Request<B>> for Peer
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    // gRPC clients call it, and would take any other error for `unknown`, which reads as a fault
    type Error = tonic::Status;
    type Future = BoxFuture<'static, Result<Response<Body>, tonic::Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), tonic::Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let peer = self.clone();
        let request = request.map(Body::new);
        Box::pin(async move { peer.send(request).await.map_err(tonic::Status::from) })
    }
}
