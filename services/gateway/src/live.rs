//! The live feed: one connection a browser, on which it hears what changed and follows answers. It
//! carries ids and answers out, and nothing in but which answers to follow: there is no way to change
//! anything here, so there is nothing to check a second time.

mod feed;
mod follows;
mod frame;
mod presence;
mod socket;

use crate::{Gateway, follow, security};
use axum::{
    Extension,
    body::Body,
    extract::{
        Query, State,
        rejection::QueryRejection,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use feed::{Feed, Next};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};
use platform::{Error, Result, api::Policy, streams::Position};
use serde::Deserialize;
use std::convert::Infallible;

/// What one message of a client may have; two lines of it are sent.
const MESSAGE_LIMIT: usize = 4 << 10;
/// A connection that says nothing should hold next to nothing; axum's own buffers are 128 KiB each.
const BUFFER: usize = 1 << 10;

/// The live feed
///
/// A WebSocket (no subprotocol, same origin), or Server-Sent Events with `Accept: text/event-stream`.
/// Every message is one JSON object with a `type`: `hello`, `hint`, `resync`, `ping`, `bye`, and on the
/// WebSocket `reply`. `position` goes on behind what was heard. `docs/api/live.md` describes all of it.
#[utoipa::path(
    get, path = "/api/v1/live", tag = "live", operation_id = "live",
    params(
        ("position" = Option<String>, Query, description = "the last `position` that was heard"),
        ("Last-Event-ID" = Option<String>, Header, description = "the same, as an event source sends it")
    ),
    responses(
        (status = 101, description = "the WebSocket is open"),
        (status = 200, content_type = "text/event-stream", body = String)
    ),
    extensions(("x-policy" = json!("person")))
)]
#[allow(dead_code, reason = "carries the description; the handler needs the gateway's own types")]
pub(crate) fn live_description() {}

#[derive(Deserialize)]
pub(crate) struct Asked {
    position: Option<String>,
}

pub(crate) async fn open(
    State(gateway): State<Gateway>,
    Extension(admitted): Extension<security::Admitted>,
    asked: Result<Query<Asked>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: HeaderMap,
) -> Result<Response> {
    Policy::Person.check(&admitted.caller)?;
    // A page of another site could open a WebSocket with our cookie and read it.
    security::refuse_other_site(&headers, &gateway.config.public_url)?;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let asked = asked.ok().and_then(|Query(asked)| asked.position);
    let from = text(header::HeaderName::from_static("last-event-id")).or(asked.as_deref()).map(read_position);
    if let Ok(upgrade) = upgrade {
        let feed = Feed::open(gateway.clone(), admitted.caller, &headers, from)?;
        let sized = upgrade
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(MESSAGE_LIMIT)
            .max_frame_size(MESSAGE_LIMIT);
        // A task that the end of the process waits for.
        return Ok(sized.on_upgrade(move |socket| async move {
            gateway.platform.background.spawn(Box::pin(socket::run(socket, feed)));
        }));
    }
    if text(header::ACCEPT).is_some_and(|accept| accept.contains("text/event-stream")) {
        return Ok(events(Feed::open(gateway, admitted.caller, &headers, from)?));
    }
    Err(Error::malformed("open the live feed as a WebSocket, or ask for it with Accept: text/event-stream"))
}

/// What is no position of ours is one that never was: the client is told to fetch everything.
fn read_position(text: &str) -> Position {
    follow::read_place(text).unwrap_or(Position { epoch: u64::MAX, seq: -1 })
}

/// The feed as Server-Sent Events, without answers: they have event streams of their own.
fn events(feed: Feed) -> Response {
    let hello = stream::iter([Ok::<_, Infallible>(event(&feed.hello(), Some(feed.position())))]);
    let farewell = format!("retry: {}\n", follow::pause(&*feed.watch.gateway.platform.ids));
    let frames = stream::unfold(Some(feed), move |feed| {
        let farewell = farewell.clone();
        async move {
            let mut feed = feed?;
            match feed.next().await {
                Next::Frames(frames) => {
                    let frames: Vec<Bytes> = frames.into_iter().map(|(frame, place)| event(&frame, place)).collect();
                    Some((Ok(Bytes::from(frames.concat())), Some(feed)))
                }
                Next::Bye => Some((Ok([farewell.into(), event(&frame::bye(), None)].concat().into()), None)),
                Next::Over | Next::Unproven => None,
            }
        }
    });
    let mut response = Body::from_stream(hello.chain(frames)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A frame as an event without a name; its id is what an event source sends when it comes again.
fn event(frame: &str, place: Option<Position>) -> Bytes {
    let id = place.map(|place| format!("id: {}\n", frame::position(place))).unwrap_or_default();
    format!("{id}data: {frame}\n\n").into()
}
