//! The only door. It authenticates once, forwards a signed principal, holds all client connections,
//! carries live streams, and serves the web app. No other service sees a cookie or a socket.

mod admission;
mod bodies;
mod clients;
pub mod config;
mod cookies;
mod credential;
mod follow;
mod forward;
mod health;
mod listener;
mod live;
mod pages;
mod programs;
mod routes;
mod security;
mod status;
mod tls;
mod turns;
mod uploads;

pub use config::Config;
pub use listener::{Listening, listen};
pub use tls::{CERTIFICATE_SOON, certificate_ends};

use axum::Router;
use chrono::{DateTime, Utc};
use opentelemetry::metrics::UpDownCounter;
use platform::{Platform, Result, peers::Peer, service::Ready};
use proto::{
    auth::v1::auth_client::AuthClient, chat::v1::chat_client::ChatClient, session::v1::sessions_client::SessionsClient,
};
use std::sync::Arc;
use utoipa::openapi::OpenApi;

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

pub(crate) struct Inner {
    pub platform: Platform,
    pub config: Config,
    pub chat: ChatClient<Peer>,
    pub auth: AuthClient<Peer>,
    pub sessions: SessionsClient<Peer>,
    pub pages: pages::Pages,
    /// Answers that are followed, and live feeds that are open.
    pub admission: admission::Admission,
    pub feeds: admission::Admission,
    /// How many live feeds are open, for the metrics.
    pub connected: UpDownCounter<i64>,
    pub uploads: admission::Admission,
    /// Bodies that are held whole.
    pub bodies: bodies::Bodies,
    /// Requests that are worked on.
    pub turns: turns::Turns,
    pub ready: Vec<(&'static str, Ready)>,
    pub started: DateTime<Utc>,
    pub document: String,
}

impl std::ops::Deref for Gateway {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Makes the router that [`listen`] serves. `document` describes all services' routes, `ready` asks
/// each of them whether it can work.
///
/// # Errors
/// When the web app that was built into this program cannot be used.
pub fn start(
    platform: &Platform,
    config: Config,
    document: &OpenApi,
    ready: Vec<(&'static str, Ready)>,
) -> Result<Router> {
    let platform = platform.acting_as("gateway");
    let gateway = Gateway(Arc::new(Inner {
        chat: ChatClient::new(platform.peer("chat")).max_decoding_message_size(64 << 20),
        auth: AuthClient::new(platform.peer("auth")),
        sessions: SessionsClient::new(platform.peer("session")),
        pages: pages::Pages::load()?,
        admission: admission::Admission::default(),
        feeds: admission::Admission::default(),
        connected: platform
            .metrics
            .meter()
            .i64_up_down_counter("feeds_open")
            .with_description("Live feeds held open")
            .build(),
        uploads: admission::Admission::default(),
        bodies: bodies::Bodies::new(config.bodies_room()),
        turns: turns::Turns::new(config.at_once),
        document: document.to_pretty_json().map_err(platform::Error::internal)?,
        started: platform.clock.now(),
        platform,
        config,
        ready,
    }));
    Ok(routes::router(gateway))
}

/// The description of the gateway's own routes.
#[must_use]
pub fn document() -> OpenApi {
    follow::document()
}
