//! Large bodies (files, imports): they go through in pieces and are never held whole, are counted, and
//! must keep coming. Which ones they are stands here; how large each may be, its service decides.

use crate::Gateway;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, header};
use platform::{Error, Result};
use std::time::Duration;
use uuid::Uuid;

/// Paths whose POST takes a large body.
const UPLOADS: &[&str] = &["/api/v1/files", "/api/v1/imports"];

/// The longest a client may send nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// Uploads of one person at the same time.
const AT_ONCE: u64 = 8;
/// And of all people together.
const AT_ONCE_IN_ALL: u64 = 256;

pub(crate) fn is_upload(method: &Method, path: &str) -> bool {
    *method == Method::POST && UPLOADS.contains(&path)
}

/// The body as the service sees it: an error in it when it is too large, too slow or breaks off, so that
/// what was kept of it until then goes again.
///
/// # Errors
/// `too_large` when it says so itself; `rate_limited` when the person has too many of them.
pub(crate) fn stream(gateway: &Gateway, person: Uuid, body: Body, headers: &HeaderMap) -> Result<Body> {
    let limit = gateway.config.upload_limit;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let place = gateway.uploads.enter(person, "uploads", AT_ONCE, AT_ONCE_IN_ALL)?;
    let first = (body.into_data_stream(), place, 0_u64);
    let pieces = stream::unfold(Some(first), move |state| async move {
        let (mut body, place, before) = state?;
        match piece(&mut body, SILENCE).await {
            None => None,
            Some(Ok(bytes)) if before + bytes.len() as u64 > limit => Some((Err(too_large(limit)), None)),
            Some(Ok(bytes)) => {
                let received = before + bytes.len() as u64;
                Some((Ok(bytes), Some((body, place, received))))
            }
            Some(Err(error)) => Some((Err(error), None)),
        }
    });
    Ok(Body::from_stream(pieces))
}

/// The next piece of a body; an error when it does not come, or not within a time.
pub(crate) async fn piece(body: &mut BodyDataStream, time: Duration) -> Option<Result<Bytes>> {
    let too_slow = || Error::timeout("the body stopped arriving, or came too slowly; send it again");
    // a timeout of nothing would still take what is there: one byte, and again one
    if time.is_zero() {
        return Some(Err(too_slow()));
    }
    match tokio::time::timeout(time.min(SILENCE), body.next()).await {
        Ok(None) => None,
        Ok(Some(Ok(bytes))) => Some(Ok(bytes)),
        Ok(Some(Err(_))) => Some(Err(Error::malformed("the body did not arrive to its end"))),
        Err(_) => Some(Err(too_slow())),
    }
}

fn too_large(limit: u64) -> Error {
    Error::too_large(format!("the body is larger than {limit} bytes; send less at a time"))
}
