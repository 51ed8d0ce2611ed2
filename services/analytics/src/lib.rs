//! How much is used: requests, tokens and cost, by day, model and person. Counted from what ai says
//! of each request that has ended; holds no word of any of them.

mod config;
mod domain;
mod events;
mod handlers;
mod repository;
mod service;

pub use config::Config;

use platform::{Platform, Result, Service, bus, db::Migration, service::rpc_router};
use std::sync::Arc;

const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "usage", sql: include_str!("../migrations/0001_usage.sql") }];

/// Starts the service.
///
/// # Errors
/// When its tables cannot be brought up to date, or its configuration makes no sense.
pub async fn start(platform: &Platform, config: Config) -> Result<Service> {
    config.check()?;
    let platform = platform.acting_as("analytics");
    platform.db.migrate("analytics", MIGRATIONS).await?;
    let usage = service::Usage::new(&platform, config);
    for (topic, limits) in [(events::AI, bus::Limits::default()), (events::USERS, bus::Limits::default())] {
        bus::consume(&platform, "analytics", topic, limits, {
            let usage = usage.clone();
            move |delivery| Box::pin(usage.clone().hear(delivery))
        });
    }
    platform.background.spawn_until_drained(usage.clone().forget_old());

    let http =
        handlers::http::api().router("analytics", platform.signer.clone(), platform.metrics.clone(), usage.clone());
    let rpc = rpc_router(handlers::grpc::routes(usage.clone()), platform.signer.clone());
    let ready = Arc::new(move || {
        let usage = usage.clone();
        Box::pin(async move { usage.check_ready().await }) as _
    });
    Ok(Service::new("analytics", http, Some(("analytics.v1.Analytics", rpc)), ready))
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    handlers::http::api().document()
}
