//! C27: whoever verifies a credential may be away, broken or mad; the request is then refused as
//! "try again", and is never nobody's.

use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{Request, Response, StatusCode, header};
use platform::{Platform, clock::FixedClock, ids::SystemIds, isolated};
use proto::session::v1::{OpenRequest, sessions_client::SessionsClient};
use serde_json::Value;
use std::{path::Path, sync::Arc};
use tower::ServiceExt as _;
use uuid::Uuid;

/// How a service answers that does not do its work.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Away,
    Refuses,
    Breaks,
    Panics,
    Babbles,
    SaysNothing,
}

const FAULTS: [Fault; 6] =
    [Fault::Away, Fault::Refuses, Fault::Breaks, Fault::Panics, Fault::Babbles, Fault::SaysNothing];

impl Fault {
    fn router(self) -> Option<Router> {
        let answer = move || async move {
            let grpc = |status: &str, body: &'static [u8]| {
                Response::builder()
                    .header(header::CONTENT_TYPE, "application/grpc")
                    .header("grpc-status", status)
                    .body(Body::from(body))
                    .unwrap()
            };
            match self {
                Self::Refuses => grpc("7", b""),
                Self::Breaks => grpc("13", b""),
                Self::Panics => std::panic::resume_unwind(Box::new("a fault")),
                Self::Babbles => Response::new(Body::from("<html>a proxy's page</html>")),
                Self::Away | Self::SaysNothing => Response::builder().status(502).body(Body::empty()).unwrap(),
            }
        };
        (!matches!(self, Self::Away)).then(|| Router::new().fallback(answer))
    }
}

pub async fn platform(folder: &Path, clock: Arc<FixedClock>) -> Platform {
    isolated::platform(folder, clock, Arc::new(SystemIds)).await.unwrap()
}

fn noon() -> Arc<FixedClock> {
    FixedClock::at(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap())
}

pub fn door(platform: &Platform) -> Router {
    let document = utoipa::openapi::OpenApiBuilder::new().build();
    gateway::start(platform, gateway::Config::default(), &document, Vec::new()).unwrap()
}

pub async fn ask(door: &Router, name: &'static str, value: &str) -> (StatusCode, Value) {
    // a path of the gateway's own: it answers as soon as the request is admitted
    let request = Request::get("/api/v1/openapi.json").header(name, value).body(Body::empty()).unwrap();
    let response = door.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn shape_of_a_key() -> String {
    format!("Bearer tfs_00000000_{}", "A".repeat(64))
}

#[tokio::test]
async fn who_cannot_be_verified_is_told_to_come_again_and_never_let_in() {
    for fault in FAULTS {
        let folder = tempfile::tempdir().unwrap();
        let platform = platform(folder.path(), noon()).await;
        if let Some(router) = fault.router() {
            platform.peers.announce("session", router.clone()).unwrap();
            platform.peers.announce("auth", router).unwrap();
        }
        let door = door(&platform);
        for (name, value) in [("cookie", "sid=anything"), ("authorization", shape_of_a_key().as_str())] {
            for _ in 0..2 {
                let (status, body) = ask(&door, name, value).await;
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?} {name}: {body}");
                assert_eq!(body["code"], "unavailable", "{fault:?} {name}");
            }
        }
        // who brings nothing needs nobody's word
        assert_eq!(ask(&door, "accept", "*/*").await.0, StatusCode::OK, "{fault:?}");
    }
}

/// The token of a session, which the real service keeps.
pub async fn session(platform: &Platform) -> String {
    let session = session::start(platform, session::Config::default()).await.unwrap();
    platform.peers.announce("session", session.router).unwrap();
    let opening = OpenRequest {
        user: Uuid::from_u128(1).as_bytes().into(),
        role: "admin".into(),
        device: "Browser".into(),
        ..OpenRequest::default()
    };
    let mut sessions = SessionsClient::new(platform.acting_as("auth").peer("session"));
    sessions.open(opening).await.unwrap().into_inner().token
}

/// The session is good, and what its person may do cannot be found out.
#[tokio::test]
async fn a_session_without_an_answer_about_rights_is_no_session_yet() {
    for fault in FAULTS {
        let folder = tempfile::tempdir().unwrap();
        let platform = platform(folder.path(), noon()).await;
        let token = session(&platform).await;
        if let Some(router) = fault.router() {
            platform.peers.announce("auth", router).unwrap();
        }
        let door = door(&platform);
        let (status, body) = ask(&door, "cookie", &format!("sid={token}")).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}: {body}");
        // and one that nobody has is nobody's, which needs no answer about rights
        let (status, _) = ask(&door, "cookie", "sid=unknown").await;
        assert_eq!(status, StatusCode::OK, "{fault:?}");
    }
}
