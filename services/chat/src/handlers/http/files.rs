//! Files: in as they are, out in a way that no browser runs.

use crate::{domain::File, service::Chats};
use axum::{
    body::{Body, BodyDataStream},
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use platform::{
    Error, Result,
    api::{Json, Path, Query},
    principal::Person,
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Named {
    /// What the file is called.
    pub(super) name: String,
}

/// Keep a picture, to send it with a message
///
/// PNG, JPEG, WebP or GIF, found out by looking into it. One that no message has after a day is
/// removed.
#[utoipa::path(post, path = "/api/v1/files", tag = "files", params(Named), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = File)))]
pub(super) async fn keep(
    State(chats): State<Chats>,
    person: Person,
    Query(named): Query<Named>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<File>)> {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let declared = declared.map(|declared| declared.split(';').next().unwrap_or_default().trim().to_lowercase());
    let file = chats.keep_file(&person, &named.name, declared.as_deref(), pieces(body.into_data_stream())).await?;
    Ok((StatusCode::CREATED, Json(file)))
}

pub(super) fn pieces(body: BodyDataStream) -> impl Stream<Item = Result<Bytes>> + Send + Unpin {
    body.map(|piece| piece.map_err(|_| Error::malformed("the body did not arrive to its end")))
}

/// A file of yours
#[utoipa::path(get, path = "/api/v1/files/{id}", tag = "files", params(("id" = Uuid, Path)), responses((status = 200, content_type = "image/*", body = Vec<u8>)))]
pub(super) async fn open(State(chats): State<Chats>, person: Person, Path(id): Path<Uuid>) -> Result<Response> {
    let (file, content) = chats.file(person.space(), id).await?;
    Ok(download(&file.kind, &file.name, true, Some(file.size), Body::from_stream(content)))
}

/// Bytes of a person, so that whatever they are, they do nothing in a browser.
pub(super) fn download(kind: &str, name: &str, inline: bool, size: Option<i64>, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, kind);
    if let Some(size) = size {
        set(header::CONTENT_LENGTH, &size.to_string());
    }
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    set(header::CACHE_CONTROL, "private, max-age=3600");
    let shown = if inline { "inline" } else { "attachment" };
    set(header::CONTENT_DISPOSITION, &format!("{shown}; filename*=UTF-8''{}", escaped(name)));
    response
}

/// For `filename*` (RFC 8187): what is not plain is a percent sign and two digits.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
