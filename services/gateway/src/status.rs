//! What operators and tools ask: alive, ready, the metrics, the API's description.

use crate::{Gateway, clients};
use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::header;
use platform::{Error, Result, service::Ready};
use std::time::Duration;

/// A service that does not answer in this time is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process answers.
pub(crate) async fn health() -> &'static str {
    "ok"
}

/// Every service can do its work; else which cannot, and why.
pub(crate) async fn ready(State(gateway): State<Gateway>) -> Result<&'static str> {
    if gateway.platform.background.ending().is_cancelled() {
        return Err(Error::unavailable("this process is ending"));
    }
    for (name, ready) in &gateway.ready {
        ask(ready).await.map_err(|error| Error::unavailable(format!("{name}: {}", error.message())))?;
    }
    Ok("ready")
}

/// Whether a service can work, within a time.
pub(crate) async fn ask(ready: &Ready) -> Result<()> {
    tokio::time::timeout(PATIENCE, ready()).await.unwrap_or_else(|_| Err(Error::unavailable("it does not answer")))
}

/// For a collector on this machine; nobody else is told.
pub(crate) async fn metrics(State(gateway): State<Gateway>, request: Request) -> Result<Response> {
    if !clients::is_local(&gateway.config, request.extensions(), request.headers()) {
        return Err(Error::not_found("page"));
    }
    let text = gateway.platform.metrics.text()?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// The OpenAPI 3.1 description of every route.
pub(crate) async fn document(State(gateway): State<Gateway>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], gateway.document.clone()).into_response()
}
