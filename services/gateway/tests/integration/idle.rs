//! A tab that is left open is no use of its session: it looks whether the session lives, and that looks
//! like no request. Neither does it cost more, or come later, when much happens meanwhile.

use crate::verifier::{ask, door, platform, session};
use axum::{
    Router,
    body::{Body, BodyDataStream},
};
use futures_util::{FutureExt as _, StreamExt as _};
use http::{Request, StatusCode};
use platform::{
    Error, Platform,
    clock::FixedClock,
    db::Scope,
    hints::{Audience, Hint},
    principal::Permission,
    service::rpc_router,
};
use proto::auth::v1 as auth;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tonic::{Response, Status};
use tower::ServiceExt as _;
use uuid::Uuid;

/// Everybody may do everything; counts who only looks.
#[derive(Clone, Default)]
struct Rights {
    looks: Arc<AtomicUsize>,
    /// Whoever looks waits for so long, and hears that nothing may be done any more.
    gone_after: Option<Duration>,
}

impl Rights {
    fn announce(&self, platform: &Platform) {
        let routes = tonic::service::Routes::new(auth::auth_server::AuthServer::new(self.clone()));
        platform.peers.announce("auth", rpc_router(routes, platform.signer.clone())).unwrap();
    }
}

#[tonic::async_trait]
impl auth::auth_server::Auth for Rights {
    async fn authorize(
        &self,
        request: tonic::Request<auth::AuthorizeRequest>,
    ) -> Result<Response<auth::Authorized>, Status> {
        if request.get_ref().looks {
            self.looks.fetch_add(1, Ordering::SeqCst);
            if let Some(late) = self.gone_after {
                tokio::time::sleep(late).await;
                return Ok(Response::new(auth::Authorized { rights: None }));
            }
        }
        let permissions = Permission::ALL.iter().map(|permission| permission.name().into()).collect();
        Ok(Response::new(auth::Authorized { rights: Some(auth::Rights { role: "admin".into(), permissions }) }))
    }

    async fn resolve_key(
        &self,
        _: tonic::Request<auth::ResolveKeyRequest>,
    ) -> Result<Response<auth::ResolvedKey>, Status> {
        Err(Error::not_found("key").into())
    }

    async fn rights_of(
        &self,
        _: tonic::Request<auth::RightsOfRequest>,
    ) -> Result<Response<auth::RightsOfAnswer>, Status> {
        Err(Error::not_found("role").into())
    }

    async fn create_admin(
        &self,
        _: tonic::Request<auth::CreateAdminRequest>,
    ) -> Result<Response<auth::Linked>, Status> {
        Err(Error::not_found("account").into())
    }

    async fn reset_link(&self, _: tonic::Request<auth::ResetLinkRequest>) -> Result<Response<auth::Linked>, Status> {
        Err(Error::not_found("account").into())
    }
}

async fn feed(door: &Router, cookie: &str) -> BodyDataStream {
    let asked =
        Request::get("/api/v1/live").header("cookie", cookie).header("accept", "text/event-stream").body(Body::empty());
    let response = door.clone().oneshot(asked.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body().into_data_stream()
}

#[tokio::test]
async fn an_open_feed_alone_keeps_no_session_alive() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let platform = platform(folder.path(), clock.clone()).await;
    let token = session(&platform).await;
    let rights = Rights::default();
    rights.announce(&platform);
    let cookie = format!("sid={token}");
    let seen = async || {
        let read = platform.db.read(Scope::System, |tx| {
            async move { tx.query("select seen_at from session_sessions").value::<i64>().await }.boxed()
        });
        read.await.unwrap().unwrap()
    };
    let door = door(&platform);
    let begun = seen().await;
    let mut frames = feed(&door, &cookie).await;
    // Long after: the tab is open still, and asks again and again whether the session lives.
    clock.advance(chrono::TimeDelta::minutes(10));
    let listening = tokio::spawn(async move { while frames.next().await.is_some() {} });
    let mut looked = 0;
    for _ in 0..400 {
        looked = rights.looks.load(Ordering::SeqCst);
        if looked > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(looked > 0, "the feed does not look after its session");
    assert_eq!(seen().await, begun);
    // A request is a use, whatever was looked at in between; what was believed of it is four seconds old.
    assert_eq!(ask(&door, "cookie", &cookie).await.0, StatusCode::OK);
    assert_eq!(seen().await, begun + 600_000);
    listening.abort();
}

/// What comes while it is asked whether the session lives puts off neither the answer nor asks once more.
#[tokio::test]
async fn a_feed_on_which_much_comes_ends_with_its_session() {
    // of the second kind each one says that the session has to be looked at now
    let ends = ["chat.renamed", "session.ended"].map(|kind| async move {
        let folder = tempfile::tempdir().unwrap();
        let clock = FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let platform = platform(folder.path(), clock).await;
        let token = session(&platform).await;
        let rights = Rights { gone_after: Some(Duration::from_millis(300)), ..Rights::default() };
        rights.announce(&platform);
        let mut frames = feed(&door(&platform), &format!("sid={token}")).await;
        let busy = async {
            // far longer than the answer takes, and without an end of its own
            for _ in 0..1_000 {
                let hint = Hint { kind: kind.into(), id: Uuid::from_u128(7), version: 1 };
                platform.hints.publish(Audience::Person(Uuid::from_u128(1)), hint).await.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let ended = async { while frames.next().await.is_some() {} };
        tokio::select! {
            () = ended => {}
            () = busy => panic!("{kind}: the feed outlives its session, which was looked at {:?} times", rights.looks),
        }
        assert_eq!(rights.looks.load(Ordering::SeqCst), 1, "{kind}");
    });
    futures_util::future::join_all(ends).await;
}
