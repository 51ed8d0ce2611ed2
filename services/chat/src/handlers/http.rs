//! JSON in, JSON out.

mod chats;
mod files;
mod messages;
mod projects;
mod search;
mod transfers;

use crate::service::Chats;
use platform::{
    Error, Result,
    api::{Api, Policy},
    principal::Permission,
};
use utoipa_axum::routes;

const READ: Policy = Policy::Needs(Permission::ChatsRead);
const WRITE: Policy = Policy::Needs(Permission::ChatsWrite);

pub fn api() -> Api<Chats> {
    Api::default()
        .route(READ, routes!(chats::list))
        .route(READ, routes!(chats::open))
        .route(WRITE, routes!(chats::change, chats::delete))
        .route(WRITE, routes!(chats::restore))
        .route(WRITE, routes!(chats::erase))
        .route(WRITE, routes!(chats::archive_all))
        .route(WRITE, routes!(chats::delete_all))
        .route(WRITE, routes!(chats::read))
        .route(READ, routes!(messages::tree))
        .route(WRITE, routes!(messages::switch))
        .route(WRITE, routes!(messages::send))
        .route(WRITE, routes!(messages::stop))
        .route(WRITE, routes!(messages::go_on))
        .route(WRITE, routes!(messages::regenerate))
        .route(READ, routes!(search::search))
        .route(READ, routes!(search::draft))
        .route(WRITE, routes!(search::write_draft))
        .route(READ, routes!(transfers::export_chat))
        .route(WRITE, routes!(transfers::begin_export))
        .route(READ, routes!(transfers::export))
        .route(READ, routes!(transfers::export_file))
        .route(WRITE, routes!(transfers::import))
        .route(READ, routes!(transfers::imports))
        .route(READ, routes!(transfers::import_state))
        .route(WRITE, routes!(files::keep))
        .route(READ, routes!(files::open))
        .route(READ, routes!(projects::list))
        .route(READ, routes!(projects::open))
        .route(WRITE, routes!(projects::create))
        .route(WRITE, routes!(projects::change, projects::delete))
        .route(WRITE, routes!(projects::restore))
}

/// How many things a page may have.
fn check_limit(limit: i64) -> Result<i64> {
    if (1..=100).contains(&limit) {
        return Ok(limit);
    }
    Err(Error::invalid("limit", "must lie between 1 and 100"))
}
