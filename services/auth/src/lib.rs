//! Sign-in: passwords, invitations, API keys, and limits on tries; and what roles allow. Accounts are
//! user's and sessions are session's; auth makes sure that a person is who they say, and says what
//! they may do.

mod authorizer;
pub mod config;
mod domain;
mod events;
mod handlers;
mod limits;
mod passwords;
mod repository;
mod service;

pub use config::Config;
pub use service::{SetupLink, revoke_again};

use platform::{Platform, Result, Service, db::Migration, hints, service::rpc_router};
use std::sync::Arc;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "credentials", sql: include_str!("../migrations/0001_credentials.sql") },
    Migration { version: 2, name: "identity", sql: include_str!("../migrations/0002_identity.sql") },
];

/// Starts the service. `url` is the address people type, for links; whether it is HTTPS the session
/// document says. The set-up link's token is asked of [`SetupLink`] once all services are
/// announced, because only user knows whether there is an account.
///
/// # Errors
/// When its tables cannot be brought up to date, or the limits make no sense.
pub async fn start(platform: &Platform, config: Config, url: &str) -> Result<(Service, SetupLink)> {
    config.check()?;
    let platform = platform.acting_as("auth");
    platform.db.migrate("auth", MIGRATIONS).await?;
    hints::relay(&platform, events::TOPIC);
    events::hear(&platform);
    let auth = service::Auth::new(&platform, config, url.trim_end_matches('/'));

    let http = handlers::http::api().router("auth", platform.signer.clone(), platform.metrics.clone(), auth.clone());
    let rpc = rpc_router(handlers::grpc::routes(auth.clone()), platform.signer.clone());
    let link = SetupLink::new(auth.clone());
    let ready = Arc::new(move || {
        let auth = auth.clone();
        Box::pin(async move { auth.check_ready().await }) as _
    });
    Ok((Service::new("auth", http, Some(("auth.v1.Auth", rpc)), ready), link))
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    handlers::http::api().document()
}
