//! The address book of one process.

use super::{Book, Harness, checks};
use crate::suite::passes;
use anyhow::Result;
use async_trait::async_trait;
use axum::{Router, body::Body};
use chrono::Utc;
use http::{Request, Response};
use platform::{
    clock::FixedClock,
    peers::{LocalPeers, Peers},
    principal::{Identity, Signer},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

pub struct Local {
    peers: LocalPeers,
    signer: Signer,
    identities: Mutex<HashMap<String, Arc<Identity>>>,
}

impl Local {
    /// Kept as a service keeps its own, so that it signs anew only when it has to.
    pub fn identity(&self, service: &str) -> Arc<Identity> {
        let mut identities = self.identities.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Identity::new(self.signer.clone(), service));
        identities.entry(service.to_owned()).or_insert_with(new).clone()
    }
}

#[async_trait]
impl Book for Local {
    fn announce(&self, service: &'static str, router: Router) -> platform::Result<()> {
        self.peers.announce(service, router)
    }

    async fn send(
        &self,
        service: &'static str,
        from: Option<&str>,
        request: Request<Body>,
    ) -> platform::Result<Response<Body>> {
        let peer = self.peers.peer(service);
        let mut peer = match from {
            Some(from) => peer.acting_as(self.identity(from)),
            None => peer,
        };
        // as a gRPC client calls it
        Ok(tower_call(&mut peer, request).await?)
    }
}

async fn tower_call(peer: &mut platform::peers::Peer, request: Request<Body>) -> Result<Response<Body>, tonic::Status> {
    tonic::client::GrpcService::call(peer, request).await
}

pub fn local() -> Result<(Local, Signer, Arc<FixedClock>)> {
    let clock = FixedClock::at(Utc::now());
    let signer = Signer::new(&[7; 32], clock.clone())?;
    let book = Local { peers: LocalPeers::default(), signer: signer.clone(), identities: Mutex::default() };
    Ok((book, signer, clock))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_peers_keep_the_contract() -> Result<()> {
    passes(&checks(), || {
        let (book, signer, clock) = local()?;
        Ok(Box::new(Harness { book: Box::new(book), signer, clock }))
    })
    .await
}
