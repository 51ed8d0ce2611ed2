//! Calls and what goes wrong with them: a fault stays where it is, as it would across a socket.

use super::{
    Book, Harness,
    service::{self, PATH, Seen},
};
use crate::suite::{Check, checks};
use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Body};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use platform::{Code, Error};
use proto::session::v1::{CloseRequest, OpenRequest, Opened, ResolveRequest, sessions_client::SessionsClient};
use std::{
    task::{self, Poll},
    time::{Duration, Instant},
};

pub fn checks() -> Vec<Check<Harness>> {
    checks![
        who_has_not_started_is_unavailable,
        who_starts_later_is_found,
        a_name_is_announced_once,
        services_are_told_apart,
        a_panic_stays_with_the_call,
        a_caller_who_gives_up_cancels_nothing,
        a_call_ends_at_its_deadline,
        unknown_paths_are_not_found,
        a_correlation_id_is_carried,
    ]
    .into()
}

/// A gRPC client over an address book, as the service `chat`.
pub fn rpc(harness: &Harness) -> SessionsClient<Over<'_>> {
    SessionsClient::new(Over { book: &*harness.book, from: Some("chat") })
}

#[derive(Clone)]
pub struct Over<'b> {
    pub book: &'b dyn Book,
    pub from: Option<&'static str>,
}

impl<'b> tonic::client::GrpcService<tonic::body::Body> for Over<'b> {
    type ResponseBody = Body;
    type Error = tonic::Status;
    type Future = BoxFuture<'b, Result<Response<Body>, tonic::Status>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), tonic::Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let Self { book, from } = self.clone();
        Box::pin(async move { Ok(book.send("session", from, request.map(Body::new)).await?) })
    }
}

pub fn get(path: &str) -> Result<Request<Body>> {
    Ok(Request::get(path).body(Body::empty())?)
}

pub async fn text(response: Response<Body>) -> Result<String> {
    Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().into())?)
}

pub fn start(harness: &Harness) -> Result<Seen> {
    let seen = Seen::default();
    harness.book.announce("session", service::router(harness.signer.clone(), &seen))?;
    Ok(seen)
}

fn code<T>(outcome: Result<T, tonic::Status>) -> Option<Code> {
    outcome.err().map(|status| Error::from(status).code())
}

async fn who_has_not_started_is_unavailable(harness: &Harness) -> Result<()> {
    let sent = harness.book.send("session", None, get("/api/v1/echo")?).await;
    ensure!(sent.as_ref().is_err_and(|error| error.code() == Code::Unavailable), "{:?}", sent.err());
    ensure!(sent.is_err_and(|error| error.message().contains("session")), "the sentence does not name it");
    // consumers try on what is unavailable, and put aside what is a fault
    let called = rpc(harness).open(OpenRequest::default()).await;
    ensure!(code(called) == Some(Code::Unavailable), "another error for a gRPC client");
    Ok(())
}

/// Two services that need each other can start in any order.
async fn who_starts_later_is_found(harness: &Harness) -> Result<()> {
    let mut early = rpc(harness);
    ensure!(early.open(OpenRequest::default()).await.is_err(), "somebody answers");
    start(harness)?;
    early.open(OpenRequest::default()).await.context("a client made before the start")?;
    let answered = harness.book.send("session", None, get("/api/v1/echo")?).await?;
    ensure!(answered.status() == 200, "{}", answered.status());
    Ok(())
}

async fn a_name_is_announced_once(harness: &Harness) -> Result<()> {
    start(harness)?;
    let other = Router::new().route("/api/v1/echo", axum::routing::get(|| async { "another" }));
    ensure!(harness.book.announce("session", other).is_err(), "two services of one name");
    let answered = text(harness.book.send("session", None, get("/api/v1/echo")?).await?).await?;
    ensure!(answered != "another", "the second one answers");
    Ok(())
}

async fn services_are_told_apart(harness: &Harness) -> Result<()> {
    for name in ["chat", "user"] {
        harness.book.announce(name, Router::new().route("/name", axum::routing::get(async move || name)))?;
    }
    for name in ["chat", "user"] {
        let answered = text(harness.book.send(name, None, get("/name")?).await?).await?;
        ensure!(answered == name, "{answered} answers for {name}");
    }
    ensure!(harness.book.send("ai", None, get("/name")?).await.is_err(), "somebody answers for ai");
    Ok(())
}

async fn a_panic_stays_with_the_call(harness: &Harness) -> Result<()> {
    start(harness)?;
    for _ in 0..3 {
        let panicked = harness.book.send("session", None, get("/api/v1/panic")?).await;
        ensure!(panicked.as_ref().is_err_and(|error| error.code() == Code::Internal), "{:?}", panicked.err());
        ensure!(code(rpc(harness).close(CloseRequest::default()).await) == Some(Code::Internal), "no internal error");
        rpc(harness).open(OpenRequest::default()).await.context("the next call")?;
    }
    Ok(())
}

async fn a_caller_who_gives_up_cancels_nothing(harness: &Harness) -> Result<()> {
    let mut done = start(harness)?.done();
    let call = harness.book.send("session", None, get("/api/v1/slow/200")?);
    ensure!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err(), "it is not slow");
    let slow = ResolveRequest { token: "200".into(), ..ResolveRequest::default() };
    ensure!(tokio::time::timeout(Duration::from_millis(20), rpc(harness).resolve(slow)).await.is_err(), "not slow");
    let both = tokio::time::timeout(Duration::from_millis(1500), done.wait_for(|done| *done == 2)).await;
    ensure!(both.is_ok(), "the work ends with its caller");
    Ok(())
}

async fn a_call_ends_at_its_deadline(harness: &Harness) -> Result<()> {
    start(harness)?;
    let slow =
        |millis: u32| tonic::Request::new(ResolveRequest { token: millis.to_string(), ..ResolveRequest::default() });
    for asked in ["50m", "50000u", "50000000n"] {
        let mut request = slow(10_000);
        request.metadata_mut().insert("grpc-timeout", asked.parse()?);
        let start = Instant::now();
        ensure!(code(rpc(harness).resolve(request).await) == Some(Code::Timeout), "{asked} is no deadline");
        ensure!(start.elapsed() < Duration::from_secs(5), "{asked} ends after {:?}", start.elapsed());
    }
    let mut request = slow(20);
    request.set_timeout(Duration::from_secs(5));
    rpc(harness).resolve(request).await.context("within its deadline")?;
    // who names none gets one all the same
    let start = Instant::now();
    ensure!(code(rpc(harness).resolve(slow(30_000)).await) == Some(Code::Timeout), "a call without an end");
    let took = start.elapsed();
    ensure!((Duration::from_millis(1500)..Duration::from_secs(4)).contains(&took), "it ends after {took:?}");
    Ok(())
}

/// A gRPC router merged with another answers any path with 200 and `grpc-status: 12`.
async fn unknown_paths_are_not_found(harness: &Harness) -> Result<()> {
    start(harness)?;
    let method = format!("/{PATH}");
    for path in ["/", "/api/v1/unknown", "/api/v1/echo/more", "/session.v1.Other/Open", "/chat.v1.Chat/Send", &method] {
        for kind in ["application/json", "application/grpc"] {
            let request =
                Request::post(path).header("content-type", kind).body(Body::from(Bytes::from_static(b"{}")))?;
            let answer = harness.book.send("session", Some("chat"), request).await?;
            ensure!(answer.status() == 404, "{path} answers {}", answer.status());
            ensure!(!answer.headers().contains_key("grpc-status"), "{path} answers with a gRPC status");
        }
    }
    let request = Request::post(format!("/{PATH}/Unknown")).header("content-type", "application/grpc");
    let answer = harness.book.send("session", Some("chat"), request.body(Body::empty())?).await?;
    ensure!(
        answer.headers().get("grpc-status").is_some_and(|status| status == "12"),
        "an unknown RPC is unimplemented"
    );
    Ok(())
}

async fn a_correlation_id_is_carried(harness: &Harness) -> Result<()> {
    start(harness)?;
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let called = platform::telemetry::correlated("an-id".into(), async {
        let opened: Opened = rpc(harness).open(OpenRequest::default()).await?.into_inner();
        let echoed = lines(text(harness.book.send("session", None, get("/api/v1/echo")?).await?).await?);
        anyhow::Ok((opened.token, echoed))
    });
    let (rpc, echoed) = called.await?;
    ensure!(rpc == "an-id", "an RPC works under {rpc}");
    ensure!(echoed.iter().take(2).all(|id| id == "an-id"), "a request works under {echoed:?}");

    let mut own = get("/api/v1/echo")?;
    own.headers_mut().insert("x-correlation-id", "its-own".parse()?);
    let answer = harness.book.send("session", None, own).await?;
    ensure!(answer.headers().get("x-correlation-id").is_some_and(|id| id == "its-own"), "the answer has another id");
    ensure!(lines(text(answer).await?).first().is_some_and(|id| id == "its-own"), "a request's own id is replaced");

    let mut without = Vec::new();
    for _ in 0..2 {
        let echoed = lines(text(harness.book.send("session", None, get("/api/v1/echo")?).await?).await?);
        ensure!(echoed.first().is_some_and(|id| !id.is_empty()) && echoed[0] == echoed[1], "{echoed:?}");
        without.push(echoed[0].clone());
    }
    ensure!(without[0] != without[1], "two requests share an id");
    Ok(())
}
