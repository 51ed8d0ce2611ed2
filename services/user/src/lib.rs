//! Accounts: who there is, under which name and e-mail address, and in which role. Knows nothing of
//! passwords and sessions.

pub mod config;
mod domain;
mod events;
mod handlers;
mod repository;
mod service;

pub use config::Config;
use platform::{Platform, Result, Service, db::Migration, hints, service::rpc_router};
pub use service::erase_again;
use std::sync::Arc;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "accounts", sql: include_str!("../migrations/0001_accounts.sql") },
    Migration { version: 2, name: "profiles", sql: include_str!("../migrations/0002_profiles.sql") },
];

/// Starts the service.
///
/// # Errors
/// When its tables cannot be brought up to date, or the configuration makes no sense.
pub async fn start(platform: &Platform, config: Config) -> Result<Service> {
    config.check()?;
    let platform = platform.acting_as("user");
    platform.db.migrate("user", MIGRATIONS).await?;
    hints::relay(&platform, events::TOPIC);
    let users = service::Users::new(&platform, config);
    platform.background.spawn_until_drained(users.clone().delete_for_ever());

    let http = handlers::http::api().router("user", platform.signer.clone(), platform.metrics.clone(), users.clone());
    let rpc = rpc_router(handlers::grpc::routes(users.clone()), platform.signer.clone());
    let ready = Arc::new(move || {
        let users = users.clone();
        Box::pin(async move { users.check_ready().await }) as _
    });
    Ok(Service::new("user", http, Some(("user.v1.User", rpc)), ready))
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    handlers::http::api().document()
}
