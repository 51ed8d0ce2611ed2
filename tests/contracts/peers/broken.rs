//! Address books that break one promise each, and the check that must notice.

use super::{Book, Harness, checks, embedded};
use crate::suite::{fails, passes};
use anyhow::Result;
use async_trait::async_trait;
use axum::{Router, body::Body};
use futures_util::future::try_join_all;
use http::{HeaderValue, Request, Response};
use platform::{
    Error,
    principal::{Caller, HEADER, Identity, Signer},
    telemetry::CORRELATION_HEADER,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    InTheCallersTask,
    MissingLooksUnexpected,
    KnownAtStartAlone,
    TheLastOneAnswers,
    OneServiceForAll,
    NoDeadline,
    AnyPathIsAnRpc,
    NoCorrelation,
    ReplacesCorrelation,
    SignsNothing,
    SignsForPersons,
    SignsForAll,
    SignsOnce,
    TrustsEverybody,
    DropsForged,
}

struct Broken {
    inner: embedded::Local,
    signer: Signer,
    fault: Fault,
    routers: Mutex<HashMap<&'static str, Router>>,
    known: Mutex<HashMap<&'static str, bool>>,
    signed: Mutex<Option<HeaderValue>>,
}

fn broken(fault: Fault) -> Result<Harness> {
    let (inner, signer, clock) = embedded::local()?;
    let book = Broken {
        inner,
        signer: signer.clone(),
        fault,
        routers: Mutex::default(),
        known: Mutex::default(),
        signed: Mutex::default(),
    };
    Ok(Harness { book: Box::new(book), signer, clock })
}

impl Broken {
    fn router(&self, service: &'static str) -> Option<Router> {
        self.routers.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    fn sign(&self, request: &mut Request<Body>, who: &str) -> platform::Result<()> {
        let header = Identity::new(self.signer.clone(), who).header()?;
        request.headers_mut().insert(HEADER, header);
        Ok(())
    }

    /// What the fault does to a request on its way.
    fn change(&self, request: &mut Request<Body>, from: &mut Option<&str>) -> platform::Result<()> {
        let verified = request.headers().get(HEADER).map(|header| self.signer.verify(header.as_bytes()));
        match self.fault {
            Fault::NoDeadline => {
                request.headers_mut().insert("grpc-timeout", HeaderValue::from_static("1H"));
            }
            Fault::NoCorrelation => {
                request.headers_mut().insert(CORRELATION_HEADER, HeaderValue::from_static("-"));
            }
            Fault::ReplacesCorrelation => drop(request.headers_mut().remove(CORRELATION_HEADER)),
            Fault::SignsNothing => *from = None,
            Fault::SignsForAll if from.is_none() => *from = Some("anybody"),
            Fault::SignsForPersons => {
                if let Some(from) = from {
                    self.sign(request, from)?;
                }
            }
            Fault::SignsOnce if from.is_some() => {
                let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
                let header = signed.get_or_insert(self.signer.sign(&Caller::Service("chat".into()))?);
                request.headers_mut().insert(HEADER, header.clone());
            }
            Fault::TrustsEverybody if !matches!(verified, Some(Ok(Caller::Person(_) | Caller::Service(_)))) => {
                self.sign(request, from.unwrap_or("anybody"))?;
            }
            Fault::DropsForged if matches!(verified, Some(Err(_))) => self.sign(request, "gateway")?,
            _ => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Book for Broken {
    fn announce(&self, service: &'static str, router: Router) -> platform::Result<()> {
        let router = match self.fault {
            Fault::AnyPathIsAnRpc => router.fallback(|| async { ([("grpc-status", "12")], "") }),
            _ => router,
        };
        let mut routers = self.routers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.fault == Fault::OneServiceForAll {
            for name in ["session", "chat", "user", "ai"] {
                routers.entry(name).or_insert(router.clone());
            }
        }
        if routers.insert(service, router.clone()).is_some() && self.fault == Fault::TheLastOneAnswers {
            return Ok(());
        }
        self.inner.announce(service, router)
    }

    async fn send(
        &self,
        service: &'static str,
        mut from: Option<&str>,
        mut request: Request<Body>,
    ) -> platform::Result<Response<Body>> {
        self.change(&mut request, &mut from)?;
        let known = self.router(service).is_some();
        let first = *self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(service).or_insert(known);
        match self.fault {
            Fault::MissingLooksUnexpected if !known => return Err(Error::internal("nobody there")),
            Fault::KnownAtStartAlone if !first => return Err(Error::unavailable("nobody there")),
            Fault::InTheCallersTask | Fault::OneServiceForAll | Fault::TheLastOneAnswers => {
                if let Some(mut router) = self.router(service) {
                    if let Some(from) = from {
                        request.headers_mut().insert(HEADER, self.inner.identity(from).header()?);
                    }
                    let call = tonic::client::GrpcService::call(&mut router, request);
                    return call.await.map_err(|_| Error::internal("it answers always"));
                }
            }
            _ => {}
        }
        self.inner.send(service, from, request).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_peers_are_noticed() -> Result<()> {
    let checks = checks();
    passes::<Harness>(&checks, || Ok(Box::new(broken(Fault::None)?))).await?;
    let faults = [
        (Fault::InTheCallersTask, "a_caller_who_gives_up_cancels_nothing"),
        (Fault::MissingLooksUnexpected, "who_has_not_started_is_unavailable"),
        (Fault::KnownAtStartAlone, "who_starts_later_is_found"),
        (Fault::TheLastOneAnswers, "a_name_is_announced_once"),
        (Fault::OneServiceForAll, "services_are_told_apart"),
        (Fault::NoDeadline, "a_call_ends_at_its_deadline"),
        (Fault::AnyPathIsAnRpc, "unknown_paths_are_not_found"),
        (Fault::NoCorrelation, "a_correlation_id_is_carried"),
        (Fault::ReplacesCorrelation, "a_correlation_id_is_carried"),
        (Fault::SignsNothing, "a_service_signs_its_calls"),
        (Fault::SignsForPersons, "a_persons_own_principal_is_kept"),
        (Fault::SignsForAll, "a_peer_without_an_identity_adds_none"),
        (Fault::SignsForAll, "an_rpc_needs_a_caller"),
        (Fault::SignsOnce, "a_service_goes_on_signing"),
        (Fault::TrustsEverybody, "an_rpc_needs_a_caller"),
        (Fault::TrustsEverybody, "what_is_not_genuine_is_refused"),
        (Fault::TrustsEverybody, "what_has_expired_is_refused"),
        (Fault::DropsForged, "what_is_not_genuine_is_refused"),
    ];
    let noticed = |(fault, check)| {
        let checks = &checks;
        async move { fails::<Harness>(checks, check, &broken(fault)?).await }
    };
    try_join_all(faults.map(noticed)).await.map(drop)
}

/// Without a task of its own a fault takes its caller with it.
#[tokio::test]
async fn a_panic_in_the_callers_task_is_noticed() -> Result<()> {
    let checks = checks();
    let Some(check) = checks.iter().find(|check| check.name == "a_panic_stays_with_the_call") else {
        anyhow::bail!("there is no such check");
    };
    let harness = Arc::new(broken(Fault::InTheCallersTask)?);
    let run = check.run;
    let outcome = tokio::spawn(async move { run(&harness).await }).await;
    anyhow::ensure!(outcome.is_err_and(|error| error.is_panic()), "a broken adapter passes");
    Ok(())
}
