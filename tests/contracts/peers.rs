//! The contract of `peers`, for any address book; [`embedded`] runs it on the one of this process, and
//! [`broken`] on address books that must fail it.

mod broken;
mod calls;
mod embedded;
mod identity;
mod service;

use crate::suite::Check;
use async_trait::async_trait;
use axum::{Router, body::Body};
use http::{Request, Response};
use platform::{clock::FixedClock, principal::Signer};
use std::sync::Arc;

/// What is asked of an address book and its peers; a trait so that broken ones can be written.
#[async_trait]
pub trait Book: Send + Sync {
    fn announce(&self, service: &'static str, router: Router) -> platform::Result<()>;
    /// Sends a request to `service`, as the service `from` if one is named.
    async fn send(
        &self,
        service: &'static str,
        from: Option<&str>,
        request: Request<Body>,
    ) -> platform::Result<Response<Body>>;
}

/// An empty address book, and who signs for those in it.
pub struct Harness {
    pub book: Box<dyn Book>,
    pub signer: Signer,
    pub clock: Arc<FixedClock>,
}

/// All checks, in files by what they are about.
pub fn checks() -> Vec<Check<Harness>> {
    let mut checks = Vec::new();
    checks.extend(calls::checks());
    checks.extend(identity::checks());
    checks
}
