//! Carrying a reply's stream to a browser by Server-Sent Events. The stream is read from `streams`
//! itself: no token passes through chat, which is asked once whether this person may read.

mod follower;
mod frame;

pub(crate) use follower::{Follower, refuse};
pub(crate) use frame::{Door, Out, id as place, pause, read_id as read_place};

use crate::{Gateway, security::Admitted};
use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use follower::Asked;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use platform::{
    Error, Result,
    api::Policy,
    principal::{Caller, Permission},
    streams::Position,
};
use serde::Deserialize;
use std::convert::Infallible;
use utoipa::{OpenApi as _, openapi::OpenApi};
use uuid::Uuid;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Taifas",
        description = "The API of a Taifas instance",
        version = "1",
        license(name = "MIT", identifier = "MIT")
    ),
    paths(stream_description, crate::live::live_description, crate::health::health_description)
)]
struct Described;

pub fn document() -> OpenApi {
    Described::openapi()
}

/// Follow a reply as it is written
///
/// Server-Sent Events: `snapshot` (replaces what was shown), `text`, `mark`, `state`, `end`, `done`,
/// `reconnect`. Send the last event's id as `Last-Event-ID` to go on behind it.
#[utoipa::path(
    get, path = "/api/v1/replies/{id}/stream", tag = "replies", operation_id = "stream",
    params(("id" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = String)),
    extensions(("x-policy" = json!("chats:read")))
)]
#[allow(dead_code, reason = "carries the description; the handler needs the gateway's own types")]
fn stream_description() {}

pub(crate) async fn stream(
    State(gateway): State<Gateway>,
    Extension(admitted): Extension<Admitted>,
    id: Result<Path<Uuid>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
) -> Result<Response> {
    Policy::Needs(Permission::ChatsRead).check(&admitted.caller)?;
    let Path(reply) = id.map_err(|_| Error::not_found("reply"))?;
    let from = headers.get("last-event-id").and_then(|value| frame::read_id(value.to_str().ok()?));
    let follower = open(&gateway, &admitted.caller, reply, from, Some(headers)).await?;
    Ok(respond(StatusCode::OK, follower, None))
}

#[derive(Deserialize)]
struct SentReply {
    reply: Named,
}
#[derive(Deserialize)]
struct Named {
    id: Uuid,
}

/// The answer to a send that asked for its reply on the same response.
pub(crate) async fn sent(
    gateway: &Gateway,
    caller: &Caller,
    browser: HeaderMap,
    response: Response,
) -> Result<Response> {
    let body = to_bytes(response.into_body(), gateway.config.body_limit * 2).await.map_err(Error::internal)?;
    let sent: SentReply = serde_json::from_slice(&body).map_err(Error::internal)?;
    let follower = open(gateway, caller, sent.reply.id, None, Some(browser)).await?;
    Ok(respond(StatusCode::ACCEPTED, follower, Some(frame::raw("sent", &body))))
}

/// Follows `reply` if `caller` may read it. With `session`, the headers that carried it, the follower
/// itself looks whether it still lives, and writes an event stream.
pub(crate) async fn open(
    gateway: &Gateway,
    caller: &Caller,
    reply: Uuid,
    from: Option<Position>,
    session: Option<HeaderMap>,
) -> Result<Follower> {
    let Caller::Person(person) = caller else { return Err(Error::unauthenticated("sign in first")) };
    let place = gateway.admission.enter(person.user, "answers", gateway.config.streams_per_person, u64::MAX)?;
    // Subscribed before the question: nothing that is appended meanwhile is missed.
    let reading = gateway.platform.streams.read(reply, from);
    // Who comes again has the text up to its place.
    let asked = if from.is_some() { Asked::State } else { Asked::Whole };
    let following = follower::ask(gateway, person, reply, asked).await?;
    Ok(Follower::new(gateway.clone(), person.clone(), session, reply, reading, from.is_some(), following, place))
}

fn respond(status: StatusCode, follower: Follower, first: Option<Bytes>) -> Response {
    let frames = stream::unfold(follower, |mut follower| async move {
        let events = follower.next().await?;
        Some((Ok::<_, Infallible>(events.into_bytes()), follower))
    });
    let body = Body::from_stream(stream::iter(first.map(Ok)).chain(frames));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // NGINX would gather tokens.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
