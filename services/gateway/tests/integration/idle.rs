//! A tab that is left open is no use of its session: it looks whether the session lives, and that looks
//! like no request.

use crate::verifier::{ask, door, platform, session};
use axum::body::Body;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{Request, StatusCode};
use platform::{Error, clock::FixedClock, db::Scope, principal::Permission, service::rpc_router};
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

/// Everybody may do everything; counts who only looks.
#[derive(Clone, Default)]
struct Rights(Arc<AtomicUsize>);

#[tonic::async_trait]
impl auth::auth_server::Auth for Rights {
    async fn authorize(
        &self,
        request: tonic::Request<auth::AuthorizeRequest>,
    ) -> Result<Response<auth::Authorized>, Status> {
        self.0.fetch_add(usize::from(request.get_ref().looks), Ordering::SeqCst);
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

#[tokio::test]
async fn an_open_feed_alone_keeps_no_session_alive() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let platform = platform(folder.path(), clock.clone()).await;
    let token = session(&platform).await;
    let rights = Rights::default();
    let routes = tonic::service::Routes::new(auth::auth_server::AuthServer::new(rights.clone()));
    platform.peers.announce("auth", rpc_router(routes, platform.signer.clone())).unwrap();
    let cookie = format!("sid={token}");
    let seen = async || {
        let read = platform.db.read(Scope::System, |tx| {
            async move { tx.query("select seen_at from session_sessions").value::<i64>().await }.boxed()
        });
        read.await.unwrap().unwrap()
    };
    let door = door(&platform);
    let begun = seen().await;
    let asked = Request::get("/api/v1/live")
        .header("cookie", &cookie)
        .header("accept", "text/event-stream")
        .body(Body::empty());
    let response = door.clone().oneshot(asked.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // Long after: the tab is open still, and asks again and again whether the session lives.
    clock.advance(chrono::TimeDelta::minutes(10));
    let mut frames = response.into_body().into_data_stream();
    let listening = tokio::spawn(async move { while frames.next().await.is_some() {} });
    let mut looked = 0;
    for _ in 0..400 {
        looked = rights.0.load(Ordering::SeqCst);
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
