//! Who may call what.

use crate::{House, folder, person};
use http::StatusCode;
use platform::principal::{Caller, HEADER};
use proto::user::v1::{
    AnyRequest, ByEmailRequest, ByIdRequest, CheckRequest, CreateFirstRequest, user_client::UserClient,
};
use tonic::{
    Code, Request,
    metadata::{MetadataMap, MetadataValue},
};
use uuid::Uuid;

#[tokio::test]
async fn me_is_for_people_alone() {
    let folder = folder();
    let house = House::start(folder.path()).await;
    for caller in [None, Some(&Caller::Nobody), Some(&Caller::Service("auth".into()))] {
        assert_eq!(house.me(caller).await.0, StatusCode::UNAUTHORIZED, "{caller:?}");
    }
}

#[tokio::test]
async fn rpcs_are_for_sign_in_and_the_gateway_alone() {
    let folder = folder();
    let house = House::start(folder.path()).await;
    let signed = |caller: &Caller| house.platform.signer.sign(caller).unwrap().to_str().unwrap().to_owned();
    let callers = [
        (None, Some(Code::Unauthenticated)),
        // refused before it is an RPC
        (Some("not a principal".to_owned()), None),
        (Some(signed(&Caller::Nobody)), Some(Code::Unauthenticated)),
        (Some(signed(&person(Uuid::from_u128(1)))), Some(Code::PermissionDenied)),
        (Some(signed(&Caller::Service("gate".into()))), Some(Code::PermissionDenied)),
        (Some(signed(&Caller::Service("".into()))), Some(Code::PermissionDenied)),
    ];
    for (principal, refusal) in callers {
        // a peer without an identity of its own
        let mut rpc = UserClient::new(house.platform.peer("user"));
        let mut metadata = MetadataMap::new();
        if let Some(principal) = &principal {
            metadata.insert(HEADER, MetadataValue::try_from(principal.as_str()).unwrap());
        }
        macro_rules! refused {
            ($method:ident, $message:expr) => {{
                let mut request = Request::new($message);
                *request.metadata_mut() = metadata.clone();
                let status = rpc.$method(request).await.unwrap_err();
                assert_eq!(status.code(), refusal.unwrap_or(status.code()), "{} as {principal:?}", stringify!($method));
            }};
        }
        refused!(any, AnyRequest {});
        refused!(by_id, ByIdRequest { id: vec![1; 16] });
        refused!(by_email, ByEmailRequest { email: "ana@example.org".into() });
        refused!(check, CheckRequest { name: "Ana".into(), email: "ana@example.org".into() });
        refused!(
            create_first,
            CreateFirstRequest { id: vec![1; 16], name: "Ana".into(), email: "ana@example.org".into() }
        );
    }
    assert!(!house.rpc("auth").any(AnyRequest {}).await.unwrap().into_inner().any);
    let wrong_id = ByIdRequest { id: vec![1; 15] };
    assert_eq!(house.rpc("auth").by_id(wrong_id).await.unwrap_err().code(), Code::InvalidArgument);
}
