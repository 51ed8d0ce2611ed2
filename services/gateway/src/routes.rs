//! Which path leads where: one table, nothing else is reachable from outside.

use crate::{Gateway, follow, forward, health, live, pages, programs, security, status};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get, post},
};
use platform::telemetry;
use tower_http::catch_panic::CatchPanicLayer;

/// The public prefixes and the services behind them.
const SERVICES: &[(&str, &str)] = &[
    ("/api/v1/session", "auth"),
    ("/api/v1/sessions", "session"),
    ("/api/v1/sessions/{id}", "session"),
    ("/api/v1/setup", "auth"),
    ("/api/v1/auth/{*rest}", "auth"),
    ("/api/v1/keys", "auth"),
    ("/api/v1/keys/{id}", "auth"),
    ("/api/v1/admin/invitations", "auth"),
    ("/api/v1/admin/invitations/{id}", "auth"),
    ("/api/v1/admin/roles", "auth"),
    ("/api/v1/admin/roles/{name}", "auth"),
    ("/api/v1/admin/instance", "auth"),
    ("/api/v1/admin/people/{id}/reset-password", "auth"),
    ("/api/v1/admin/people/{id}/sign-out", "auth"),
    ("/api/v1/admin/people/{id}", "user"),
    ("/api/v1/admin/people/{id}/keep", "user"),
    ("/api/v1/me", "user"),
    ("/api/v1/me/instructions", "user"),
    ("/api/v1/models", "ai"),
    ("/api/v1/admin/providers", "ai"),
    ("/api/v1/admin/providers/{*rest}", "ai"),
    ("/api/v1/admin/models", "ai"),
    ("/api/v1/admin/models/order", "ai"),
    ("/api/v1/limits", "ai"),
    ("/api/v1/admin/limits", "ai"),
    ("/api/v1/admin/limits/people/{id}", "ai"),
    ("/api/v1/chats", "chat"),
    ("/api/v1/chats/{*rest}", "chat"),
    ("/api/v1/replies/{id}/stop", "chat"),
    ("/api/v1/replies/{id}/continue", "chat"),
    ("/api/v1/replies/{id}/regenerate", "chat"),
    ("/api/v1/exports", "chat"),
    ("/api/v1/exports/{*rest}", "chat"),
    ("/api/v1/imports", "chat"),
    ("/api/v1/imports/{id}", "chat"),
    ("/api/v1/files", "chat"),
    ("/api/v1/files/{id}", "chat"),
    ("/api/v1/search", "chat"),
    ("/api/v1/drafts/{*rest}", "chat"),
    ("/api/v1/projects", "chat"),
    ("/api/v1/projects/{*rest}", "chat"),
    ("/api/v1/usage", "analytics"),
    ("/api/v1/admin/usage", "analytics"),
    ("/api/v1/notices", "notification"),
    ("/api/v1/notices/{*rest}", "notification"),
    ("/api/v1/admin/mail", "notification"),
    ("/api/v1/admin/mail/{*rest}", "notification"),
];

pub(crate) fn router(gateway: Gateway) -> Router {
    let mut api = Router::new()
        .route("/api/v1/replies/{id}/stream", get(follow::stream))
        .route("/api/v1/live", get(live::open))
        .route("/api/v1/admin/health", get(health::health))
        .route("/api/v1/openapi.json", get(status::document));
    // who there is, is user's to say; an account for somebody comes with a link, which is auth's
    let to = |service| move |gateway, request| forward::forward(gateway, service, request);
    api = api.route("/api/v1/admin/people", get(to("user")).post(to("auth")));
    for &(path, service) in SERVICES {
        let to = move |gateway, request| forward::forward(gateway, service, request);
        api = api.route(path, any(to));
    }
    // Outside of them all, so that every refusal is told in OpenAI's words.
    let v1 = Router::new()
        .route("/v1/models", get(programs::forward))
        .route("/v1/models/{*id}", get(programs::forward))
        .route("/v1/chat/completions", post(programs::forward))
        .route("/v1/embeddings", post(programs::forward))
        .layer(from_fn_with_state(gateway.clone(), security::admit))
        .layer(from_fn(programs::openai_errors));
    api.route("/api/v1/temporary", post(programs::forward))
        .layer(from_fn_with_state(gateway.clone(), security::admit))
        .merge(v1)
        .route("/healthz", get(status::health))
        .route("/readyz", get(status::ready))
        .route("/metrics", get(status::metrics))
        .route("/assets/{*path}", get(pages::asset))
        .route("/docs/{*path}", get(pages::documentation))
        .route("/README.md", get(pages::readme))
        .fallback(pages::page)
        .method_not_allowed_fallback(|| async { platform::Error::method_not_allowed() })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            axum::response::IntoResponse::into_response(platform::Error::internal("a handler panicked"))
        }))
        .layer(from_fn_with_state(gateway.clone(), security::harden))
        .layer(from_fn(telemetry::correlate))
        .with_state(gateway)
}
