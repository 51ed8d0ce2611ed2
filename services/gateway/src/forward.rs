//! Passing a request on to the service that answers it, and its answer back.

use crate::{
    Gateway,
    bodies::SHORT,
    cookies, follow,
    security::Admitted,
    turns::{self, Urgency, Who},
    uploads,
};
use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use platform::{
    Error, Result, failpoint,
    principal::{self, Caller},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Between services only: removed from what comes in and from what goes out.
const INTERNAL: &str = "x-taifas-";
const SESSION: &str = "x-taifas-session";
const SESSION_SECONDS: &str = "x-taifas-session-seconds";
const CLIENT: &str = "x-taifas-client";
/// How long the rest of a short body may take.
const SOON: Duration = Duration::from_millis(100);

pub(crate) async fn forward(State(gateway): State<Gateway>, service: &'static str, request: Request) -> Response {
    pass(&gateway, service, request).await.unwrap_or_else(Error::into_response)
}

/// As the others, for work that ends when its client goes away. Such requests may be larger.
pub(crate) async fn pass_while_wanted(
    gateway: &Gateway,
    service: &'static str,
    request: Request,
    limit: usize,
) -> Result<Response> {
    let Admitted { caller, client } =
        request.extensions().get().cloned().ok_or_else(|| Error::internal("a request that nobody admitted"))?;
    let (mut parts, body) = request.into_parts();
    let (body, _room) = gateway.bodies.gather(&caller, body, &parts.headers, limit).await?;
    strip(&mut parts.headers);
    parts.headers.remove(header::COOKIE);
    parts.headers.remove(header::AUTHORIZATION);
    parts.headers.insert(principal::HEADER, gateway.principal(&caller)?);
    parts.headers.insert(CLIENT, HeaderValue::from_str(&client).map_err(Error::internal)?);
    parts.extensions.clear();
    let peer = gateway.platform.peers.peer(service);
    let mut response = peer.send_while_wanted(Request::from_parts(parts, body)).await?;
    strip(response.headers_mut());
    Ok(response)
}

async fn pass(gateway: &Gateway, service: &'static str, request: Request) -> Result<Response> {
    let Admitted { caller, client } =
        request.extensions().get().cloned().ok_or_else(|| Error::internal("a request that nobody admitted"))?;
    let who = Who::of(&caller, &client);
    let (upload, urgency) = (
        uploads::is_upload(request.method(), request.uri().path()),
        Urgency::of(request.method(), request.uri().path()),
    );
    // What is refused costs others as little as can be: nothing was copied or signed for it yet. A short body is
    // here already, or soon, and is taken away so that the connection stays.
    let short = is_short(request.headers());
    if !upload
        && short
        && let Err(refusal) = not_too_much(gateway, &who, urgency)
    {
        let _ = timeout(SOON, to_bytes(request.into_body(), SHORT)).await;
        return Err(refusal);
    }
    let (mut parts, body) = request.into_parts();
    let browser = parts.headers.clone();
    strip(&mut parts.headers);
    parts.headers.remove(header::COOKIE);
    parts.headers.remove(header::AUTHORIZATION);
    parts.headers.insert(principal::HEADER, gateway.principal(&caller)?);
    parts.headers.insert(CLIENT, HeaderValue::from_str(&client).map_err(Error::internal)?);
    parts.extensions.clear();
    let streams = wants_stream(&parts.method, parts.uri.path(), &browser);

    let (body, turn, room) = match (upload, &caller) {
        // as slow as its sender is; uploads have limits of their own
        (true, Caller::Person(person)) => (uploads::stream(gateway, person.user, body, &browser)?, None, None),
        // whoever is nobody gets no more room than with any other request
        _ => {
            let (body, room) = gateway.bodies.gather(&caller, body, &browser, gateway.config.body_limit).await?;
            if !short {
                not_too_much(gateway, &who, urgency)?;
            }
            let turn = gateway.turns.take(who, urgency, is_large(&body)).await?;
            (body, Some(Arc::new(turn)), Some(room))
        }
    };
    if !parts.method.is_safe() {
        failpoint::hit("G1");
    }
    let mut response = gateway
        .platform
        .peers
        .peer(service)
        .send_holding(Request::from_parts(parts, body), (turn.clone(), room))
        .await?;
    if let Some(turn) = turn
        && is_large(response.body())
    {
        turn.is_for_something_large();
    }

    if let Some(token) = response.headers_mut().remove(SESSION) {
        failpoint::hit("U1");
        gateway.forget(&browser).await?;
        let seconds = response.headers().get(SESSION_SECONDS).and_then(|value| value.to_str().ok()?.parse().ok());
        let cookie =
            token.to_str().ok().and_then(|token| cookies::set(gateway.config.is_secure(), token, seconds.unwrap_or(0)));
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookie.ok_or_else(|| Error::internal("an unusable session token"))?);
    }
    strip(response.headers_mut());
    if streams && response.status() == StatusCode::ACCEPTED {
        return follow::sent(gateway, &caller, browser, response).await;
    }
    Ok(response)
}

fn strip(headers: &mut HeaderMap) {
    let internal: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(INTERNAL)).cloned().collect();
    for name in internal {
        headers.remove(name);
    }
}

/// Whether there is any hope for a request.
fn not_too_much(gateway: &Gateway, who: &Who, urgency: Urgency) -> Result<()> {
    if urgency == Urgency::Ask && gateway.platform.pressure.refuses() {
        return Err(turns::too_much());
    }
    gateway.turns.look(who, urgency)
}

/// A stream has no size, and is not made by one who has a turn.
fn is_large(body: &Body) -> bool {
    body.size_hint().exact().is_some_and(|size| size >= turns::LARGE as u64)
}

/// Whether the body, when there is one, comes with its head.
fn is_short(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).map(|value| value.to_str().ok()?.parse::<usize>().ok());
    length
        .map_or(!headers.contains_key(header::TRANSFER_ENCODING), |length| length.is_some_and(|length| length <= SHORT))
}

/// A send that asks for its answer on the same response.
fn wants_stream(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    *method == Method::POST && path.ends_with("/messages") && accepts.contains("text/event-stream")
}
