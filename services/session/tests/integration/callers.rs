//! Who may call what, and with what.

use crate::{ANA, House};
use platform::principal::{Caller, HEADER, Person, Role};
use proto::session::v1::{CloseRequest, OpenRequest, ResolveRequest, sessions_client::SessionsClient};
use session::Config;
use tonic::{
    Code, Request,
    metadata::{MetadataMap, MetadataValue},
};
use uuid::Uuid;

fn opening() -> OpenRequest {
    OpenRequest {
        user: ANA.as_bytes().into(),
        role: "admin".into(),
        device: "Browser".into(),
        ..OpenRequest::default()
    }
}

#[tokio::test]
async fn rpcs_are_for_sign_in_and_the_gateway_alone() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let ana = house.open(ANA, "admin").await;
    let person = Caller::Person(Person::signed_in(ANA, Uuid::from_slice(&ana.session).unwrap(), Role::ADMIN));
    let callers = [
        (None, Code::Unauthenticated),
        (Some(Caller::Nobody), Code::Unauthenticated),
        (Some(person), Code::PermissionDenied),
        (Some(Caller::Service("chat".into())), Code::PermissionDenied),
    ];
    for (caller, refusal) in callers {
        let mut metadata = MetadataMap::new();
        if let Some(caller) = &caller {
            let principal = house.platform.signer.sign(caller).unwrap();
            metadata.insert(HEADER, MetadataValue::try_from(principal.to_str().unwrap()).unwrap());
        }
        // a peer without an identity of its own
        let mut rpc = SessionsClient::new(house.platform.peer("session"));
        macro_rules! refused {
            ($method:ident, $message:expr) => {{
                let mut request = Request::new($message);
                *request.metadata_mut() = metadata.clone();
                assert_eq!(
                    rpc.$method(request).await.err().unwrap().code(),
                    refusal,
                    "{} as {caller:?}",
                    stringify!($method)
                );
            }};
        }
        refused!(open, opening());
        refused!(resolve, ResolveRequest { token: ana.token.clone(), ..ResolveRequest::default() });
        refused!(close, CloseRequest { user: ANA.as_bytes().into(), session: ana.session.clone() });
    }
    // the gateway recognises people and signs them out; it signs nobody in
    assert_eq!(house.rpc("gateway").open(opening()).await.err().unwrap().code(), Code::PermissionDenied);
    assert!(house.resolve(&ana.token).await.is_some());
    assert_eq!(house.number("select count(*) from session_sessions").await, 1);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    for wrong in [OpenRequest { user: vec![1; 17], ..opening() }, OpenRequest { role: "No role".into(), ..opening() }] {
        assert!(house.rpc("auth").open(wrong).await.is_err());
    }
    let wrong = CloseRequest { user: vec![], session: vec![] };
    assert_eq!(house.rpc("auth").close(wrong).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(house.number("select count(*) from session_sessions").await, 0);

    let device = format!("Browser\0\n{}", "x".repeat(100_000));
    house.rpc("auth").open(OpenRequest { device, ..opening() }).await.unwrap();
    assert_eq!(house.number("select length(device) from session_sessions where device like 'Browserx%'").await, 200);
}
