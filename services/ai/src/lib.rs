//! Models, providers and the generation of answers. Each answer is a leased row: whoever holds the
//! lease produces the text, puts it on the reply's stream, and hands the end to chat. When the
//! holder dies, the next one goes on from what was shown.

mod catalogue;
pub mod config;
mod domain;
mod door;
mod events;
mod handlers;
mod ledger;
pub mod providers;
mod repository;
mod sealed;
mod service;
mod settings;
mod temporary;
mod title;
mod tokens;
mod who;
mod worker;

pub use config::Config;
pub use repository::providers::addresses as stored_providers;

use catalogue::Catalogue;
use platform::{Error, Platform, Result, Service, bus, db::Migration, hints, service::rpc_router};
use providers::Wire;
use std::sync::Arc;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "generations", sql: include_str!("../migrations/0001_generations.sql") },
    Migration { version: 2, name: "models", sql: include_str!("../migrations/0002_models.sql") },
    Migration { version: 3, name: "asked", sql: include_str!("../migrations/0003_asked.sql") },
];

/// Starts the service.
///
/// # Errors
/// When its tables cannot be brought up to date, or a configured provider cannot be used.
pub async fn start(platform: &Platform, config: Config) -> Result<Service> {
    start_with(platform, config, Vec::new()).await
}

/// As [`start`], with further providers; for tests that need one of their own.
///
/// # Errors
/// As [`start`].
pub async fn start_with(
    platform: &Platform,
    config: Config,
    more: Vec<Arc<dyn providers::Provider>>,
) -> Result<Service> {
    let wire =
        Wire::new(config.timeouts().connect, &platform.network).map_err(|fault| Error::internal(fault.detail))?;
    start_over(platform, config, wire, more).await
}

/// As [`start_with`], with HTTP clients that were made before: for tests that start it very often.
///
/// # Errors
/// As [`start`].
pub async fn start_over(
    platform: &Platform,
    config: Config,
    wire: Wire,
    more: Vec<Arc<dyn providers::Provider>>,
) -> Result<Service> {
    let platform = platform.acting_as("ai");
    platform.db.migrate("ai", MIGRATIONS).await?;
    hints::relay(&platform, events::TOPIC);
    let catalogue = Catalogue::open(&platform, &config, wire, more).await?;
    let id = platform.ids.id();
    let ledger = ledger::Ledger::open(&platform, id).await?;
    let worker = worker::Worker::new(&platform, catalogue.clone(), ledger.clone(), id, &config);
    bus::consume(&platform, "ai-erasure", events::USERS, bus::Limits::default(), {
        let ledger = ledger.clone();
        move |delivery| Box::pin(ledger.clone().hear(delivery))
    });
    bus::consume(&platform, "ai", events::CHATS, bus::Limits::default(), {
        let worker = worker.clone();
        move |delivery| Box::pin(worker.clone().hear(delivery))
    });
    worker.spawn_loops();
    platform.background.spawn_until_drained(ledger.clone().keep());
    platform.background.spawn_until_drained(catalogue.clone().keep_fresh());

    let ai = service::Ai::new(&platform, catalogue, ledger, &config);
    let http = handlers::http::api().router("ai", platform.signer.clone(), platform.metrics.clone(), ai.clone());
    let rpc = rpc_router(handlers::grpc::routes(ai.clone()), platform.signer.clone());
    let ready = Arc::new(move || {
        let ai = ai.clone();
        Box::pin(async move { ai.check().await }) as _
    });
    Ok(Service::new("ai", http, Some(("ai.v1.Ai", rpc)), ready))
}

/// Whether what is sent to a provider at this address leaves the house.
#[must_use]
pub fn is_outside(base_url: &str) -> bool {
    catalogue::place_of(base_url) == providers::Place::Outside
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = handlers::http::api().document();
    // The rest of a path is a parameter like any other to whoever reads the description.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    document
}
