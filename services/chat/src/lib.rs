//! Conversations: chats, messages as a tree, replies and their states. Everything a person said is
//! stored in one transaction before they hear that it was; no token of an answer passes through
//! here, only its end.

pub mod config;
mod domain;
mod events;
mod handlers;
mod repository;
mod service;

pub use config::Config;
pub use domain::{Chat, Message, Reason, Reply, State};
pub use service::erase_again;

use platform::{Platform, Result, Service, bus, db::Migration, hints, service::rpc_router, tasks};
use std::sync::Arc;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "chats", sql: include_str!("../migrations/0001_chats.sql") },
    Migration { version: 2, name: "branches", sql: include_str!("../migrations/0002_branches.sql") },
    Migration { version: 3, name: "search", sql: include_str!("../migrations/0003_search.sql") },
    Migration { version: 4, name: "drafts", sql: include_str!("../migrations/0004_drafts.sql") },
    Migration { version: 5, name: "files", sql: include_str!("../migrations/0005_files.sql") },
    Migration { version: 6, name: "transfers", sql: include_str!("../migrations/0006_transfers.sql") },
    Migration { version: 7, name: "instructions", sql: include_str!("../migrations/0007_instructions.sql") },
    Migration { version: 8, name: "gone", sql: include_str!("../migrations/0008_gone.sql") },
    Migration { version: 9, name: "running", sql: include_str!("../migrations/0009_running.sql") },
];

/// Starts the service.
///
/// # Errors
/// When its tables cannot be brought up to date.
pub async fn start(platform: &Platform, config: Config) -> Result<Service> {
    let platform = platform.acting_as("chat");
    platform.db.migrate("chat", MIGRATIONS).await?;
    hints::relay(&platform, events::TOPIC);
    let chats = service::Chats::new(&platform, config);
    platform.background.spawn_until_drained(chats.clone().forget_old_sends());
    platform.background.spawn_until_drained(chats.clone().empty_trash());
    platform.background.spawn_until_drained(chats.clone().sweep_files());
    bus::consume(&platform, "chat-erasure", events::USERS, bus::Limits::default(), {
        let chats = chats.clone();
        move |delivery| Box::pin(chats.clone().forget_person(delivery))
    });
    let alone = tasks::Limits { parallel: 1, tries: 4, ..tasks::Limits::default() };
    tasks::work(&platform, service::IMPORTS, alone, {
        let chats = chats.clone();
        move |task| Box::pin(chats.clone().run_import(task))
    });
    tasks::work(&platform, service::EXPORTS, alone, {
        let chats = chats.clone();
        move |task| Box::pin(chats.clone().run_export(task))
    });
    // A title is worth little: few at a time, and no second try.
    let titles = bus::Limits { parallel: 8, ..bus::Limits::default() };
    bus::consume(&platform, "chat-titles", events::TOPIC, titles, {
        let chats = chats.clone();
        move |delivery| Box::pin(chats.clone().consider_title(delivery))
    });
    platform.background.spawn_until_drained(chats.clone().index_backlog());

    let http = handlers::http::api().router("chat", platform.signer.clone(), platform.metrics.clone(), chats.clone());
    let rpc = rpc_router(handlers::grpc::routes(chats.clone()), platform.signer.clone());
    let ready = Arc::new(move || {
        let chats = chats.clone();
        Box::pin(async move { chats.check().await }) as _
    });
    Ok(Service::new("chat", http, Some(("chat.v1.Chat", rpc)), ready))
}

/// The routes' description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    handlers::http::api().document()
}
