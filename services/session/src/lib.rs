//! Who is signed in where: sessions, their tokens (stored as hashes alone) and their ends. Knows
//! nothing of passwords; whoever opens a session has made sure of the person.

pub mod config;
mod domain;
mod events;
mod handlers;
mod presence;
mod repository;
mod service;

pub use config::Config;
pub use service::close_again;

use platform::{Platform, Result, Service, db::Migration, hints, service::rpc_router};
use std::sync::Arc;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "sessions", sql: include_str!("../migrations/0001_sessions.sql") },
    Migration { version: 2, name: "addresses", sql: include_str!("../migrations/0002_addresses.sql") },
];

/// Starts the service.
///
/// # Errors
/// When its tables cannot be brought up to date, or the lifetimes make no sense.
pub async fn start(platform: &Platform, config: Config) -> Result<Service> {
    config.check()?;
    let platform = platform.acting_as("session");
    platform.db.migrate("session", MIGRATIONS).await?;
    hints::relay(&platform, events::TOPIC);
    let sessions = service::Sessions::new(&platform, config);
    events::hear(&platform, &sessions);
    platform.background.spawn_until_drained(sessions.clone().forget_ended());

    let http =
        handlers::http::api().router("session", platform.signer.clone(), platform.metrics.clone(), sessions.clone());
    let rpc = rpc_router(handlers::grpc::routes(sessions.clone()), platform.signer.clone());
    let ready = Arc::new(move || {
        let sessions = sessions.clone();
        Box::pin(async move { sessions.check_ready().await }) as _
    });
    Ok(Service::new("session", http, Some(("session.v1.Sessions", rpc)), ready))
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    handlers::http::api().document()
}
