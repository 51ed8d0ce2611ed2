//! What makes a notice, for whom, and what becomes of it.

use crate::house::{AI, AUTH, CHAT, House, MOMENT, USER, until, wrong_ids};
use http::{Method, StatusCode};
use platform::bus;
use proto::{ai::v1::CapReached, auth::v1::AuthChanged, user::v1::UserChanged};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn an_absent_person_hears_that_an_answer_has_ended() {
    let house = House::new().await;
    let (chat, reply) = house.reply_finished(&house.ana, "complete").await;
    let notices = house.has_notices(&house.ana, 1).await;
    assert_eq!(notices[0]["kind"], "reply_finished");
    assert_eq!(notices[0]["data"], json!({"chat_id": chat, "reply_id": reply, "state": "complete"}));
    assert!(notices[0]["read_at"].is_null() && notices[0]["at"].is_string(), "{notices:?}");
    assert!(house.notices(&house.dan).await.is_empty());

    // whoever stopped it, or looks at it, knows
    house.reply_finished(&house.ana, "stopped").await;
    house.present(&house.ana, true).await;
    house.reply_finished(&house.ana, "failed").await;
    house.has_notices(&house.ana, 1).await;
    house.present(&house.ana, false).await;
    house.reply_finished(&house.ana, "failed").await;
    house.has_notices(&house.ana, 2).await;
}

#[tokio::test]
async fn an_event_that_comes_again_makes_no_second_notice() {
    let house = House::new().await;
    house.reply_finished(&house.ana, "complete").await;
    house.has_notices(&house.ana, 1).await;
    // the same events for another reading of the same topic, as after a crash before the commit
    let mut subscription = house.platform.bus.subscribe("notification", CHAT).await.unwrap();
    tokio::time::sleep(MOMENT).await;
    assert!(tokio::time::timeout(MOMENT, subscription.next()).await.is_err(), "the place was not kept");
    let cursors = house.platform.db.write(platform::db::Scope::System, |tx| {
        futures_util::FutureExt::boxed(async move { tx.query("delete from bus_cursors").run().await })
    });
    cursors.await.unwrap();
    let house = house.again(notification::Config::default()).await;
    house.reply_finished(&house.ana, "complete").await;
    house.has_notices(&house.ana, 2).await;
}

#[tokio::test]
async fn others_have_something_to_tell_too() {
    let house = House::new().await;
    let export = Uuid::now_v7();
    house.say(CHAT, "export.ready", house.ana.space(), export, proto::chat::v1::ChatChanged::default()).await;
    let person = house.ana.user.as_bytes().to_vec();
    let reached = CapReached {
        person: person.clone(),
        scope: "person".into(),
        measure: "tokens".into(),
        resets_at: 1_800_000_000_000,
    };
    house.say(AI, "cap.reached", house.ana.space(), house.ana.user, reached).await;
    let accepted = AuthChanged { id: house.dan.user.as_bytes().into(), inviter: person, ..AuthChanged::default() };
    house.say(AUTH, "invitation.accepted", house.dan.space(), house.dan.user, accepted).await;
    let notices = house.has_notices(&house.ana, 3).await;
    let data = |kind: &str| notices.iter().find(|notice| notice["kind"] == kind).unwrap()["data"].clone();
    assert_eq!(data("export_ready"), json!({"export_id": export}));
    assert_eq!(data("cap_reached"), json!({"scope": "person", "resets_at": "2027-01-15T08:00:00Z"}));
    assert_eq!(data("invitation_accepted"), json!({"person_id": house.dan.user, "name": "Dan"}));
    assert!(house.notices(&house.dan).await.is_empty());
}

#[tokio::test]
async fn notices_are_read_on_every_device() {
    let house = House::new().await;
    for _ in 0..5 {
        house.reply_finished(&house.ana, "complete").await;
    }
    let notices = house.has_notices(&house.ana, 5).await;
    let page = house.get(&house.ana, "/api/v1/notices?limit=2").await.body;
    assert_eq!(page["unread"], 5);
    assert_eq!(page["notices"].as_array().unwrap()[..], notices[..2]);
    let rest =
        house.get(&house.ana, &format!("/api/v1/notices?limit=3&before={}", page["next"].as_str().unwrap())).await;
    assert_eq!(rest.body["notices"].as_array().unwrap()[..], notices[2..]);
    assert!(rest.body["next"].is_null());

    let read = async |body: Value| house.call(&house.ana, Method::POST, "/api/v1/notices/read", body).await.status;
    let other = house.call(&house.dan, Method::POST, "/api/v1/notices/read", json!({"ids": [notices[0]["id"]]})).await;
    assert_eq!(other.status, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&house.ana, "/api/v1/notices").await.body["unread"], 5, "somebody else read it");
    assert_eq!(read(json!({"ids": [notices[0]["id"], notices[1]["id"]]})).await, StatusCode::NO_CONTENT);
    assert_eq!(read(json!({"ids": wrong_ids()})).await, StatusCode::NO_CONTENT);
    let list = house.get(&house.ana, "/api/v1/notices").await.body;
    assert_eq!(list["unread"], 3);
    assert!(list["notices"][0]["read_at"].is_string() && list["notices"][2]["read_at"].is_null(), "{list}");
    let first = list["notices"][0]["read_at"].clone();
    assert_eq!(read(json!({"all": true})).await, StatusCode::NO_CONTENT);
    let list = house.get(&house.ana, "/api/v1/notices").await.body;
    assert_eq!((&list["unread"], &list["notices"][0]["read_at"]), (&json!(0), &first));
    for wrong in
        [json!({}), json!({"ids": []}), json!({"all": false}), json!({"ids": ["x"]}), json!({"all": true, "x": 1})]
    {
        assert_eq!(read(wrong.clone()).await, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for wrong in ["limit=0", "limit=101", "limit=x", "before=x"] {
        assert_eq!(house.get(&house.ana, &format!("/api/v1/notices?{wrong}")).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn what_nobody_wants_is_not_told() {
    let house = House::new().await;
    let seen = house.get(&house.ana, "/api/v1/notices/preferences").await.body;
    assert_eq!((&seen["version"], &seen["kinds"]["new_device"]), (&json!(0), &json!({"app": true, "mail": true})));
    house.prefer(&house.ana, |kinds| kinds["reply_finished"]["app"] = json!(false)).await;
    let stale = house.call(&house.ana, Method::PUT, "/api/v1/notices/preferences", seen).await;
    assert_eq!((stale.status, &stale.body["current"]["version"]), (StatusCode::CONFLICT, &json!(1)), "{}", stale.body);
    house.reply_finished(&house.ana, "complete").await;
    house.reply_finished(&house.dan, "complete").await;
    house.has_notices(&house.dan, 1).await;
    house.has_notices(&house.ana, 0).await;
}

#[tokio::test]
async fn a_deleted_person_leaves_nothing() {
    let house = House::new().await;
    house.prefer(&house.dan, |kinds| kinds["reply_finished"]["mail"] = json!(true)).await;
    house.sign_in(&house.dan, "one").await;
    house.reply_finished(&house.dan, "complete").await;
    house.reply_finished(&house.ana, "complete").await;
    house.has_notices(&house.dan, 1).await;
    let gone = UserChanged { user: house.dan.user.as_bytes().into(), ..UserChanged::default() };
    house.say(USER, "user.deleted", house.dan.space(), house.dan.user, gone).await;
    until(async || (house.stored(house.dan.space()).await == 0).then_some(())).await;
    // what was still on its way comes to nothing
    house.reply_finished(&house.dan, "complete").await;
    house.reply_finished(&house.ana, "complete").await;
    house.has_notices(&house.ana, 2).await;
    assert_eq!(house.stored(house.dan.space()).await, 0);
}

#[tokio::test]
async fn connected_browsers_are_told() {
    let house = House::new().await;
    let mut hearing = house.platform.hints.subscribe(house.ana.user, None);
    house.reply_finished(&house.ana, "complete").await;
    let notices = house.has_notices(&house.ana, 1).await;
    house.call(&house.ana, Method::POST, "/api/v1/notices/read", json!({"all": true})).await;
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let next = tokio::time::timeout(crate::house::SOON, hearing.next()).await.unwrap().unwrap();
        let platform::hints::Heard::Hints(hints) = next else { panic!("{next:?}") };
        heard.extend(hints.into_iter().map(|(_, hint)| (hint.kind.to_string(), hint.id.to_string())));
    }
    let id = notices[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(heard[0], ("notice.created".into(), id));
    assert_eq!(heard[1].0, "notice.read");
    let _ = bus::Limits::default();
}
