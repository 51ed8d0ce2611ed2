//! The web app: a shell that paints before any script, hashed assets that never change, and the
//! documentation that Guide quotes.

mod language;
mod shell;

use crate::{Gateway, cookies};
use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use platform::{Error, Result};
use rust_embed::RustEmbed;
use shell::{Session, Shell};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "../../frontends/chat/dist"]
#[allow_missing = true]
struct App;

#[derive(RustEmbed)]
#[folder = "../../docs"]
#[include = "*.md"]
#[include = "**/*.md"]
#[allow_missing = true]
struct Docs;

/// The pages as built into this program (read from the disk in development builds).
pub(crate) struct Pages {
    shell: Option<Shell>,
}

impl Pages {
    /// # Errors
    /// When the shell lacks what the server fills in.
    pub fn load() -> Result<Self> {
        let mut pages = Vec::new();
        for tongue in language::LANGUAGES {
            // The build writes the first language as index.html and the others beside it.
            let first = tongue == language::LANGUAGES[0];
            let name = if first { "index.html".to_owned() } else { format!("index.{tongue}.html") };
            let Some(page) = App::get(&name) else {
                tracing::warn!("the web app is not built into this program; `make web` builds it");
                return Ok(Self { shell: None });
            };
            pages.push((tongue, String::from_utf8_lossy(&page.data).into_owned()));
        }
        Ok(Self { shell: Some(Shell::read(&pages)?) })
    }
}

/// Every address that is no API route: the app decides what it shows.
pub(crate) async fn page(
    State(gateway): State<Gateway>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let path = uri.path();
    if path.starts_with("/api/") || !matches!(method, Method::GET | Method::HEAD) {
        return Err(Error::not_found("route"));
    }
    if let Some(file) = App::get(path.trim_start_matches('/')).filter(|_| path != "/" && !path.ends_with(".html")) {
        return Ok(served(path, file.data, None, "public, max-age=3600"));
    }
    let Some(shell) = &gateway.pages.shell else {
        return Err(Error::unavailable("the web app was not built into this program; run `make web` and start again"));
    };
    let known = path == "/"
        || ["/c/", "/admin/"].iter().any(|folder| path.starts_with(folder))
        || matches!(path, "/setup" | "/sign-in" | "/register" | "/join" | "/forgot" | "/reset" | "/admin");
    let session = if path == "/setup" {
        Session::Setup
    } else if cookies::find(&headers, cookies::name(gateway.config.is_secure())).is_some_and(|token| !token.is_empty())
    {
        Session::In
    } else {
        Session::Out
    };
    let theme = cookies::find(&headers, "theme").unwrap_or_default();
    let mut response = shell.page(language::of(&headers), theme, session, accepts(&headers, "gzip"));
    if !known {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}

/// A hashed file: the best encoding the client takes, for ever.
pub(crate) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response> {
    let path = format!("assets/{path}");
    for (coding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(&headers, coding)
            && let Some(file) = App::get(&format!("{path}{suffix}"))
        {
            return Ok(served(&path, file.data, Some(coding), "public, max-age=31536000, immutable"));
        }
    }
    let file = App::get(&path).ok_or_else(|| Error::not_found("file"))?;
    Ok(served(&path, file.data, None, "public, max-age=31536000, immutable"))
}

/// The documentation as it was written.
pub(crate) async fn documentation(Path(path): Path<String>) -> Result<Response> {
    let file = Docs::get(&path).ok_or_else(|| Error::not_found("page"))?;
    Ok(served("page.txt", file.data, None, "public, max-age=3600"))
}

/// The first page of the documentation.
pub(crate) async fn readme() -> Response {
    served("page.txt", include_bytes!("../../../README.md").into(), None, "public, max-age=3600")
}

fn served(path: &str, data: Cow<'static, [u8]>, coding: Option<&'static str>, cache: &'static str) -> Response {
    let kind = match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let mut response = data.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers
        .get_all(HeaderName::from_static("accept-encoding"))
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            (name.trim() == coding).then_some(weight)
        })
        .any(|weight| !matches!(weight.trim(), "q=0" | "q=0.0"))
}
