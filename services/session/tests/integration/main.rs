//! Sessions, over their RPCs, on an isolated platform whose clock the test moves.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod callers;
mod lifetimes;
mod presence;
mod roles;
mod routes;
mod tokens;

use futures_util::FutureExt as _;
use platform::{
    Platform, Result,
    clock::FixedClock,
    db::Scope,
    ids::{Ids, SystemIds},
    isolated,
    peers::Peer,
};
use proto::session::v1::{CloseRequest, OpenRequest, Opened, ResolveRequest, Session, sessions_client::SessionsClient};
use session::Config;
use std::{path::Path, sync::Arc};
use uuid::Uuid;

pub const ANA: Uuid = Uuid::from_u128(1);
pub const EVA: Uuid = Uuid::from_u128(2);

/// Session alone on a platform of its own.
pub struct House {
    pub platform: Platform,
    pub clock: Arc<FixedClock>,
    pub router: axum::Router,
}

impl House {
    pub async fn start(folder: &Path, config: Config) -> Self {
        let clock = FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        // random tokens: the test of altered ones would find the neighbours of counted ones
        let ids: Arc<dyn Ids> = Arc::new(SystemIds);
        let platform = isolated::platform(folder, clock.clone(), ids).await.unwrap();
        let service = session::start(&platform, config).await.unwrap();
        (service.ready)().await.unwrap();
        platform.peers.announce("session", service.router.clone()).unwrap();
        Self { platform, clock, router: service.router }
    }

    /// The RPCs, called as `service`.
    pub fn rpc(&self, service: &str) -> SessionsClient<Peer> {
        SessionsClient::new(self.platform.acting_as(service).peer("session"))
    }

    pub async fn open(&self, user: Uuid, role: &str) -> Opened {
        let request = OpenRequest {
            user: user.as_bytes().into(),
            role: role.into(),
            device: "Browser".into(),
            ..OpenRequest::default()
        };
        self.rpc("auth").open(request).await.unwrap().into_inner()
    }

    pub async fn resolve(&self, token: &str) -> Option<Session> {
        let request = ResolveRequest { token: token.into(), ..ResolveRequest::default() };
        self.rpc("gateway").resolve(request).await.unwrap().into_inner().session
    }

    /// As a connection that is open asks.
    pub async fn look(&self, token: &str) -> Option<Session> {
        let request = ResolveRequest { token: token.into(), looks: true, ..ResolveRequest::default() };
        self.rpc("gateway").resolve(request).await.unwrap().into_inner().session
    }

    pub async fn close(&self, user: Uuid, session: &[u8]) -> Result<()> {
        let request = CloseRequest { user: user.as_bytes().into(), session: session.into() };
        self.rpc("auth").close(request).await?;
        Ok(())
    }

    /// A number from the tables.
    pub async fn number(&self, sql: &'static str) -> i64 {
        let read =
            self.platform.db.read(Scope::System, move |tx| async move { tx.query(sql).value::<i64>().await }.boxed());
        read.await.unwrap().unwrap()
    }
}
