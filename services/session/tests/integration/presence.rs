//! Who has a live connection at this moment.

use crate::{ANA, EVA, House};
use chrono::TimeDelta;
use platform::principal::{Caller, HEADER, Person, Role};
use proto::session::v1::{ArriveRequest, LeaveRequest, PresentRequest, sessions_client::SessionsClient};
use session::Config;
use tonic::{Code, Request, metadata::MetadataValue};
use uuid::Uuid;

const HERE: Uuid = Uuid::from_u128(11);
const THERE: Uuid = Uuid::from_u128(12);

async fn arrive(house: &House, user: Uuid, session: Option<Uuid>, connection: u128) {
    let request = ArriveRequest {
        user: user.as_bytes().into(),
        session: session.map(|session| session.as_bytes().into()).unwrap_or_default(),
        connection: Uuid::from_u128(connection).as_bytes().into(),
    };
    house.rpc("gateway").arrive(request).await.unwrap();
}

async fn leave(house: &House, user: Uuid, connection: u128) {
    let connection = Uuid::from_u128(connection).as_bytes().into();
    house.rpc("gateway").leave(LeaveRequest { user: user.as_bytes().into(), connection }).await.unwrap();
}

/// Whether there is anybody, and in which sessions.
async fn present(house: &House, user: Uuid) -> (bool, Vec<Uuid>) {
    let request = PresentRequest { user: user.as_bytes().into() };
    let presence = house.rpc("notification").present(request).await.unwrap().into_inner();
    (presence.present, presence.sessions.iter().map(|id| Uuid::from_slice(id).unwrap()).collect())
}

#[tokio::test]
async fn a_person_is_present_from_the_first_connection_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    assert_eq!(present(&house, ANA).await, (false, vec![]));
    arrive(&house, ANA, Some(HERE), 1).await;
    arrive(&house, ANA, Some(HERE), 2).await;
    arrive(&house, ANA, Some(THERE), 3).await;
    assert_eq!(present(&house, ANA).await, (true, vec![HERE, THERE]));
    assert_eq!(present(&house, EVA).await, (false, vec![]));

    leave(&house, ANA, 1).await;
    assert_eq!(present(&house, ANA).await, (true, vec![HERE, THERE]));
    // somebody else's name ends nothing
    leave(&house, EVA, 2).await;
    for connection in [2, 2, 3] {
        leave(&house, ANA, connection).await;
    }
    assert_eq!(present(&house, ANA).await, (false, vec![]));

    // a program with a key is somebody, in no session
    arrive(&house, ANA, None, 4).await;
    assert_eq!(present(&house, ANA).await, (true, vec![]));
}

#[tokio::test]
async fn who_does_not_say_so_again_is_gone_after_75_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    arrive(&house, ANA, Some(HERE), 1).await;
    arrive(&house, ANA, Some(THERE), 2).await;
    house.clock.advance(TimeDelta::seconds(60));
    arrive(&house, ANA, Some(THERE), 2).await;
    assert_eq!(present(&house, ANA).await, (true, vec![HERE, THERE]));
    house.clock.advance(TimeDelta::seconds(15));
    assert_eq!(present(&house, ANA).await, (true, vec![THERE]));
    house.clock.advance(TimeDelta::seconds(60));
    assert_eq!(present(&house, ANA).await, (false, vec![]));
}

#[tokio::test]
async fn many_connections_at_once_are_all_counted_and_have_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let arrivals = (0..100).map(|n| arrive(&house, ANA, Some(Uuid::from_u128(1000 + n)), n));
    futures_util::future::join_all(arrivals).await;
    assert_eq!(present(&house, ANA).await.1.len(), 100);
    for n in 0..600 {
        arrive(&house, ANA, Some(Uuid::from_u128(5000 + n)), 5000 + n).await;
    }
    let (_, sessions) = present(&house, ANA).await;
    assert_eq!(sessions.len(), 512);
    assert!(sessions.contains(&Uuid::from_u128(5599)) && !sessions.contains(&Uuid::from_u128(1000)));
}

#[tokio::test]
async fn presence_is_told_by_the_gateway_alone() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let id = || ANA.as_bytes().to_vec();
    let arriving = || ArriveRequest { user: id(), session: vec![], connection: id() };
    let leaving = || LeaveRequest { user: id(), connection: id() };
    for name in ["chat", "notification", "auth"] {
        let mut rpc = house.rpc(name);
        assert_eq!(rpc.arrive(arriving()).await.unwrap_err().code(), Code::PermissionDenied);
        assert_eq!(rpc.leave(leaving()).await.unwrap_err().code(), Code::PermissionDenied);
    }
    assert_eq!(
        house.rpc("chat").present(PresentRequest { user: id() }).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    let ana = Caller::Person(Person::signed_in(ANA, HERE, Role::ADMIN));
    let principal = house.platform.signer.sign(&ana).unwrap();
    let mut request = Request::new(arriving());
    request.metadata_mut().insert(HEADER, MetadataValue::try_from(principal.to_str().unwrap()).unwrap());
    let mut rpc = SessionsClient::new(house.platform.peer("session"));
    assert_eq!(rpc.arrive(request).await.unwrap_err().code(), Code::PermissionDenied);
    let odd = ArriveRequest { connection: vec![1; 15], ..arriving() };
    assert_eq!(house.rpc("gateway").arrive(odd).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(present(&house, ANA).await, (false, vec![]));
}
