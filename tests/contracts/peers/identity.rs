//! Who is asking: a service verifies it by itself, in every topology.

use super::{
    Harness,
    calls::{Over, get, rpc, start, text},
    service::PATH,
};
use crate::suite::{Check, checks};
use anyhow::{Context as _, Result, ensure};
use axum::body::Body;
use chrono::TimeDelta;
use http::{HeaderValue, Request};
use platform::{
    Code, Error,
    principal::{Caller, HEADER, LIFE, Person, Role, Signer},
};
use proto::session::v1::{OpenRequest, sessions_client::SessionsClient};
use std::sync::Arc;
use uuid::Uuid;

pub fn checks() -> Vec<Check<Harness>> {
    checks![
        a_service_signs_its_calls,
        a_persons_own_principal_is_kept,
        a_peer_without_an_identity_adds_none,
        a_service_goes_on_signing,
        an_rpc_needs_a_caller,
        what_is_not_genuine_is_refused,
        what_has_expired_is_refused,
    ]
    .into()
}

fn ana() -> Caller {
    Caller::Person(Person::signed_in(Uuid::from_u128(1), Uuid::from_u128(2), Role::USER))
}

/// Opens with a header of one's own over a peer that has no identity.
async fn open_with(harness: &Harness, header: Option<HeaderValue>) -> Result<Option<Code>> {
    let mut request = tonic::Request::new(OpenRequest::default());
    if let Some(header) = header {
        request.metadata_mut().insert(HEADER, header.to_str()?.parse()?);
    }
    let mut rpc = SessionsClient::new(Over { book: &*harness.book, from: None });
    Ok(rpc.open(request).await.err().map(|status| Error::from(status).code()))
}

async fn a_service_signs_its_calls(harness: &Harness) -> Result<()> {
    let seen = start(harness)?;
    rpc(harness).open(OpenRequest::default()).await?;
    ensure!(seen.callers() == [Caller::Service("chat".into())], "{:?}", seen.callers());
    let echoed = text(harness.book.send("session", Some("ai"), get("/api/v1/echo")?).await?).await?;
    let principal = echoed.lines().nth(2).context("no principal")?.to_owned();
    let caller = harness.signer.verify(principal.as_bytes())?;
    ensure!(caller == Caller::Service("ai".into()), "a plain request comes from {caller:?}");
    Ok(())
}

async fn a_persons_own_principal_is_kept(harness: &Harness) -> Result<()> {
    let seen = start(harness)?;
    let mut request = tonic::Request::new(OpenRequest::default());
    request.metadata_mut().insert(HEADER, harness.signer.sign(&ana())?.to_str()?.parse()?);
    rpc(harness).open(request).await?;
    ensure!(seen.callers() == [ana()], "{:?}", seen.callers());
    Ok(())
}

async fn a_peer_without_an_identity_adds_none(harness: &Harness) -> Result<()> {
    start(harness)?;
    let echoed = text(harness.book.send("session", None, get("/api/v1/echo")?).await?).await?;
    ensure!(echoed.lines().nth(2).is_none_or(str::is_empty), "{echoed}");
    Ok(())
}

async fn a_service_goes_on_signing(harness: &Harness) -> Result<()> {
    let seen = start(harness)?;
    let mut rpc = rpc(harness);
    for seconds in [0, 1, 29, 31, 59, 61, 3600, -7200] {
        harness.clock.advance(TimeDelta::seconds(seconds));
        rpc.open(OpenRequest::default()).await.with_context(|| format!("{seconds} seconds later"))?;
    }
    ensure!(seen.callers().len() == 8, "{:?}", seen.callers());
    Ok(())
}

async fn an_rpc_needs_a_caller(harness: &Harness) -> Result<()> {
    let seen = start(harness)?;
    ensure!(open_with(harness, None).await? == Some(Code::Unauthenticated), "served without a principal");
    let nobody = harness.signer.sign(&Caller::Nobody)?;
    ensure!(open_with(harness, Some(nobody)).await? == Some(Code::Unauthenticated), "nobody is served");
    // an RPC that does not exist tells no more
    let unknown = Request::post(format!("/{PATH}/Unknown")).header("content-type", "application/grpc");
    let answer = harness.book.send("session", None, unknown.body(Body::empty())?).await?;
    ensure!(answer.headers().get("grpc-status").is_some_and(|status| status == "16"), "{:?}", answer.headers());
    ensure!(seen.callers().is_empty(), "{:?}", seen.callers());
    Ok(())
}

async fn what_is_not_genuine_is_refused(harness: &Harness) -> Result<()> {
    let seen = start(harness)?;
    let genuine = harness.signer.sign(&ana())?;
    let (payload, tag) = genuine.to_str()?.split_once('.').context("no tag")?;
    let stranger = Signer::new(&[9; 32], harness.clock.clone() as Arc<dyn platform::clock::Clock>)?;
    let admin = stranger.sign(&Caller::Service("gateway".into()))?;
    let (other, _) = admin.to_str()?.split_once('.').context("no tag")?;
    let forged = [
        String::new(),
        ".".into(),
        payload.into(),
        format!("{payload}."),
        format!(".{tag}"),
        format!("{other}.{tag}"),
        format!("{payload}.{tag}A"),
        format!("{payload}.{tag}.{tag}"),
        format!(" {payload}.{tag}x"),
        "eyJ3aG8iOiJub2JvZHkiLCJleHAiOjk5OTk5OTk5OTl9.".into(),
        admin.to_str()?.into(),
    ];
    for header in forged {
        let refused = open_with(harness, Some(HeaderValue::from_str(&header)?)).await?;
        ensure!(refused == Some(Code::Unauthenticated), "\"{header}\" says {refused:?}");
    }
    ensure!(seen.callers().is_empty(), "{:?}", seen.callers());
    ensure!(open_with(harness, Some(genuine)).await?.is_none(), "the genuine one is refused");
    Ok(())
}

async fn what_has_expired_is_refused(harness: &Harness) -> Result<()> {
    let seen = start(harness)?;
    let header = harness.signer.sign(&ana())?;
    harness.clock.advance(LIFE);
    ensure!(open_with(harness, Some(header.clone())).await?.is_none(), "refused within its life");
    harness.clock.advance(TimeDelta::seconds(1));
    ensure!(open_with(harness, Some(header)).await? == Some(Code::Unavailable), "served after its life");
    ensure!(seen.callers().len() == 1, "{:?}", seen.callers());
    Ok(())
}
