//! Notices: what happened while somebody was not looking, in the app and by e-mail. It hears what the
//! other services say, and sends their letters. A notice holds ids and facts, no word of a conversation.

pub mod config;
mod domain;
mod events;
mod handlers;
mod mail;
mod repository;
mod service;

pub use config::Config;

use platform::{Platform, Result, Service, bus, db::Migration, hints, service::rpc_router};
use std::sync::Arc;

const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "notices", sql: include_str!("../migrations/0001_notices.sql") }];

/// Starts the service. Letters name `url`, the address that people open.
///
/// # Errors
/// When its tables cannot be brought up to date, or the mail server's settings make no sense.
pub async fn start(platform: &Platform, config: Config, url: &str) -> Result<Service> {
    let post = mail::Post::new(&config, &platform.network)?;
    let platform = platform.acting_as("notification");
    platform.db.migrate("notification", MIGRATIONS).await?;
    hints::relay(&platform, events::TOPIC);
    let notices = service::Notices::new(&platform, post, url).await?;
    for topic in events::HEARD {
        bus::consume(&platform, "notification", topic, bus::Limits::default(), {
            let notices = notices.clone();
            move |delivery| Box::pin(notices.clone().hear(delivery))
        });
    }
    notices.clone().work();
    platform.background.spawn_until_drained(notices.clone().forget_old());

    let http = handlers::http::api().router(
        "notification",
        platform.signer.clone(),
        platform.metrics.clone(),
        notices.clone(),
    );
    let rpc = rpc_router(handlers::grpc::routes(notices.clone()), platform.signer.clone());
    let ready = Arc::new(move || {
        let notices = notices.clone();
        Box::pin(async move { notices.check_ready().await }) as _
    });
    Ok(Service::new("notification", http, Some(("notification.v1.Notifications", rpc)), ready))
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    handlers::http::api().document()
}
