//! Where a person is signed in, as they see it.

use crate::{ANA, EVA, House};
use axum::body::{Body, to_bytes};
use chrono::TimeDelta;
use http::{Method, Request, StatusCode};
use platform::principal::{Caller, HEADER, Person, Role};
use proto::session::v1::{ArriveRequest, OpenRequest};
use serde_json::{Value, json};
use session::Config;
use tower::ServiceExt as _;
use uuid::Uuid;

impl House {
    async fn call(&self, caller: &Caller, method: Method, path: &str) -> (StatusCode, Value) {
        let request =
            Request::builder().method(method).uri(path).header(HEADER, self.platform.signer.sign(caller).unwrap());
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn sign_in(&self, device: &str, address: &str) -> (Caller, Uuid, String) {
        let request = OpenRequest {
            user: ANA.as_bytes().into(),
            role: "user".into(),
            device: device.into(),
            address: address.into(),
            ..OpenRequest::default()
        };
        let opened = self.rpc("auth").open(request).await.unwrap().into_inner();
        let id = Uuid::from_slice(&opened.session).unwrap();
        (Caller::Person(Person::signed_in(ANA, id, Role::USER)), id, opened.token)
    }
}

const SESSIONS: &str = "/api/v1/sessions";

#[tokio::test]
async fn the_list_says_where_from_since_when_and_which_is_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let (here, first, _) = house.sign_in(firefox, "192.0.2.7").await;
    house.clock.advance(TimeDelta::minutes(5));
    let (_, second, _) = house.sign_in("curl/8.0", "").await;
    house.open(EVA, "user").await;
    let present = ArriveRequest {
        user: ANA.as_bytes().into(),
        session: first.as_bytes().into(),
        connection: Uuid::from_u128(7).as_bytes().into(),
    };
    house.rpc("gateway").arrive(present).await.unwrap();

    let (status, list) = house.call(&here, Method::GET, SESSIONS).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    let sessions = list["sessions"].as_array().unwrap();
    let of = |field: &str| -> Vec<Value> { sessions.iter().map(|session| session[field].clone()).collect() };
    // used last first
    assert_eq!(of("id"), [json!(second), json!(first)]);
    assert_eq!((of("current"), of("online")), (vec![json!(false), json!(true)], vec![json!(false), json!(true)]));
    assert_eq!(of("address"), [Value::Null, json!("192.0.2.7")]);
    assert!(sessions[1]["device"].as_str().unwrap().contains("Firefox"), "{list}");
    assert_eq!(of("created_at"), ["2027-01-15T08:05:00Z", "2027-01-15T08:00:00Z"]);
    assert!(!list.to_string().contains("token"), "{list}");
}

#[tokio::test]
async fn one_ends_its_own_sessions_each_once_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let (here, _, token) = house.sign_in("here", "").await;
    let (_, there, other) = house.sign_in("there", "").await;
    let eva = house.open(EVA, "user").await;
    let evas = Uuid::from_slice(&eva.session).unwrap();
    for foreign in [evas, Uuid::from_u128(404)] {
        let (status, body) = house.call(&here, Method::DELETE, &format!("{SESSIONS}/{foreign}")).await;
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    }
    assert!(house.resolve(&eva.token).await.is_some());
    let path = format!("{SESSIONS}/{there}");
    assert_eq!(house.call(&here, Method::DELETE, &path).await.0, StatusCode::NO_CONTENT);
    assert!(house.resolve(&other).await.is_none() && house.resolve(&token).await.is_some());
    assert_eq!(house.call(&here, Method::DELETE, &path).await.0, StatusCode::NOT_FOUND);
    let (_, list) = house.call(&here, Method::GET, SESSIONS).await;
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
    // a key does not reach them, and nobody has none
    let mut keyed = Person::signed_in(ANA, Uuid::nil(), Role::USER);
    keyed.key = Some(Uuid::from_u128(5));
    keyed.permissions = platform::principal::Permissions::NONE;
    assert_eq!(house.call(&Caller::Person(keyed), Method::GET, SESSIONS).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.call(&Caller::Nobody, Method::GET, SESSIONS).await.0, StatusCode::UNAUTHORIZED);
}
