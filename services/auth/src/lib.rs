//! Sign-in: passwords, the set-up of an instance, and limits on tries. Accounts are user's and
//! sessions are session's; auth only makes sure that a person is who they say.

pub mod config;
mod domain;
mod handlers;
mod limits;
mod passwords;
mod repository;
mod service;

pub use config::Config;
pub use service::SetupLink;

use platform::{Platform, Result, Service, db::Migration};
use std::sync::Arc;

const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "credentials", sql: include_str!("../migrations/0001_credentials.sql") }];

/// Starts the service. `secure` is what the session document says of the connection: whether people
/// reach the instance over HTTPS. The link's token is asked of [`SetupLink`] once all services are
/// announced, because only user knows whether there is an account.
///
/// # Errors
/// When its tables cannot be brought up to date, or the limits make no sense.
pub async fn start(platform: &Platform, config: Config, secure: bool) -> Result<(Service, SetupLink)> {
    config.check()?;
    let platform = platform.acting_as("auth");
    platform.db.migrate("auth", MIGRATIONS).await?;
    let auth = service::Auth::new(&platform, config, secure);

    let http = handlers::http::api().router("auth", platform.signer.clone(), platform.metrics.clone(), auth.clone());
    let link = SetupLink::new(auth.clone());
    let ready = Arc::new(move || {
        let auth = auth.clone();
        Box::pin(async move { auth.check_ready().await }) as _
    });
    Ok((Service::new("auth", http, None, ready), link))
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    handlers::http::api().document()
}
