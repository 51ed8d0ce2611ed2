//! Where chats are kept: pinned, archived, in projects, in the trash.

use crate::house::{Answer, House};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

impl House {
    async fn listed(&self, query: &str) -> Vec<Uuid> {
        let list = self.get(&self.ana, &format!("/api/v1/chats?{query}")).await;
        let chats = list.body["chats"].as_array().unwrap_or_else(|| panic!("{}", list.body));
        chats.iter().map(|chat| chat["id"].as_str().unwrap().parse().unwrap()).collect()
    }

    async fn change(&self, chat: Uuid, body: Value) -> Answer {
        self.call(&self.ana, Method::PATCH, &format!("/api/v1/chats/{chat}"), body).await
    }

    async fn project(&self, name: &str) -> Uuid {
        let made = self.call(&self.ana, Method::POST, "/api/v1/projects", json!({"name": name})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.body["id"].as_str().unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn each_chat_is_on_its_shelf() {
    let house = House::new().await;
    let mut chats = Vec::new();
    for name in ["recent", "pinned", "archived", "project", "trash"] {
        chats.push(house.begin(&house.ana, name).await.id("chat"));
    }
    let [recent, pinned, archived, project, trash] = chats[..] else { panic!("five chats") };
    let group = house.project("Group").await;
    assert_eq!(house.change(pinned, json!({"version": 1, "pinned": true})).await.body["pinned"], true);
    assert_eq!(house.change(archived, json!({"version": 1, "archived": true})).await.body["version"], 2);
    let moved = house.change(project, json!({"version": 1, "project_id": group})).await;
    assert_eq!(moved.body["project_id"], json!(group));
    house.call(&house.ana, Method::DELETE, &format!("/api/v1/chats/{trash}"), Value::Null).await;

    assert_eq!(house.listed("").await, [recent]);
    assert_eq!(house.listed("filter=recent").await, [recent]);
    assert_eq!(house.listed("filter=pinned").await, [pinned]);
    assert_eq!(house.listed("filter=archived").await, [archived]);
    assert_eq!(house.listed("filter=trash").await, [trash]);
    assert_eq!(house.listed(&format!("project={group}")).await, [project]);
    assert_eq!(house.get(&house.ana, &format!("/api/v1/projects/{group}")).await.body["chats"], 1);
    for wrong in ["filter=other", "project=x", &format!("filter=trash&project={group}")] {
        let answer = house.get(&house.ana, &format!("/api/v1/chats?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    // out of the project again, with another title and model in the same change
    let out = json!({"version": 2, "project_id": null, "title": "out", "model": "test/two"});
    let out = house.change(project, out).await;
    assert_eq!((out.body["project_id"].clone(), out.body["model"].as_str()), (Value::Null, Some("test/two")));
    assert_eq!(house.listed("").await.len(), 2);
    for (wrong, status) in [
        (json!({"version": 3, "project_id": Uuid::now_v7()}), 404),
        (json!({"version": 3, "model": "test/gone"}), 404),
        (json!({"version": 3, "colour": "red"}), 422),
        (json!({"pinned": true}), 422),
    ] {
        assert_eq!(house.change(project, wrong.clone()).await.status.as_u16(), status, "{wrong}");
    }
}

#[tokio::test]
async fn of_two_tabs_that_race_one_wins_and_the_other_is_told() {
    let house = House::new().await;
    let chat = house.begin(&house.ana, "one").await.id("chat");
    let race = (0..10).map(|n| house.change(chat, json!({"version": 1, "title": format!("title {n}")})));
    let answers = futures_util::future::join_all(race).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 9));
    for answer in lost {
        assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "stale"));
        assert_eq!(answer.body["current"], won[0].body);
    }
}

#[tokio::test]
async fn all_chats_at_once_are_archived_and_deleted() {
    let house = House::new().await;
    let mut running = Vec::new();
    for n in 0..5 {
        running.push(house.begin(&house.ana, &format!("chat {n}")).await.id("reply"));
    }
    house.begin(&house.dan, "not hers").await;
    let all =
        async |what: &str| house.call(&house.ana, Method::POST, &format!("/api/v1/chats/{what}"), Value::Null).await;
    assert_eq!(all("archive-all").await.body, json!({"chats": 5}));
    assert_eq!((house.listed("").await.len(), house.listed("filter=archived").await.len()), (0, 5));
    assert_eq!(all("archive-all").await.body, json!({"chats": 0}));
    assert_eq!(all("delete-all").await.body, json!({"chats": 5}));
    assert_eq!((house.listed("filter=archived").await.len(), house.listed("filter=trash").await.len()), (0, 5));
    assert_eq!(house.finish(&house.ana, running[0], 1, "some").await.unwrap().state, "stopped");
    assert_eq!(house.get(&house.dan, "/api/v1/chats").await.body["chats"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_erased_is_gone_and_does_not_come_back() {
    let house = House::new().await;
    let (chat, message) = (Uuid::now_v7(), Uuid::now_v7());
    let body = json!({"id": message, "parent_id": null, "text": "a secret phrase"});
    let sent = house.send_with(&house.ana, chat, "key", body.clone()).await;
    house.change(chat, json!({"version": 1, "title": "another"})).await;
    let path = format!("/api/v1/chats/{chat}/forever");
    let erased = house.call(&house.ana, Method::DELETE, &path, Value::Null).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT, "{}", erased.body);
    assert_eq!(house.call(&house.ana, Method::DELETE, &path, Value::Null).await.status, StatusCode::NOT_FOUND);
    // the end of its answer finds nothing to be stored in
    let end = house.finish(&house.ana, sent.id("reply"), 1, "late").await.unwrap_err();
    assert_eq!(end.code(), platform::Code::NotFound);
    // the same request again does not begin it anew
    let again = house.send_with(&house.ana, chat, "key", body).await;
    assert_eq!((again.status, again.code()), (StatusCode::NOT_FOUND, "not_found"));
    assert!(house.listed("filter=trash").await.is_empty());
    assert!(!house.holds("a secret phrase").await, "a word of it is left");
}

#[tokio::test]
async fn the_trash_empties_itself_after_its_days_and_not_before() {
    let house = House::new().await;
    let [early, late, kept] = [0, 1, 2].map(|n| format!("chat {n}"));
    let mut chats = Vec::new();
    for name in [early, late, kept] {
        chats.push(house.begin(&house.ana, &name).await.id("chat"));
    }
    let delete =
        async |chat: Uuid| house.call(&house.ana, Method::DELETE, &format!("/api/v1/chats/{chat}"), Value::Null).await;
    delete(chats[0]).await;
    house.clock.advance(chrono::TimeDelta::days(20));
    delete(chats[1]).await;
    house.clock.advance(chrono::TimeDelta::days(11));
    house.restart().await;
    house.until(async || house.listed("filter=trash").await == [chats[1]]).await;
    assert_eq!(house.listed("").await, [chats[2]]);
}

#[tokio::test]
async fn a_project_goes_into_the_trash_with_its_chats_and_comes_back_with_them() {
    let house = House::new().await;
    let (group, before, chat) = (
        house.project("Group").await,
        house.begin(&house.ana, "deleted before").await.id("chat"),
        house.begin(&house.ana, "deleted with it").await.id("chat"),
    );
    for id in [before, chat] {
        house.change(id, json!({"version": 1, "project_id": group})).await;
    }
    let project = format!("/api/v1/projects/{group}");
    let call = async |method: Method, path: &str| house.call(&house.ana, method, path, Value::Null).await;
    call(Method::DELETE, &format!("/api/v1/chats/{before}")).await;
    assert_eq!(call(Method::DELETE, &project).await.status, StatusCode::NO_CONTENT);
    assert_eq!(call(Method::GET, &project).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.listed("filter=trash").await.len(), 2);
    let trash = house.get(&house.ana, "/api/v1/projects?trash=true").await;
    assert_eq!(trash.body["projects"][0]["id"], json!(group));

    let restored = call(Method::POST, &format!("{project}/restore")).await;
    assert_eq!((restored.status, restored.body["chats"].as_i64()), (StatusCode::OK, Some(1)));
    assert_eq!(house.listed(&format!("project={group}")).await, [chat]);
    assert_eq!(house.listed("filter=trash").await, [before]);

    // a chat that comes back without its project is a recent one
    call(Method::DELETE, &project).await;
    let alone = call(Method::POST, &format!("/api/v1/chats/{chat}/restore")).await;
    assert_eq!((alone.status, alone.body["project_id"].clone()), (StatusCode::OK, Value::Null));
    assert_eq!(house.listed("").await, [chat]);
}

#[tokio::test]
async fn a_project_is_changed_only_by_who_saw_the_one_before() {
    let house = House::new().await;
    let id = Uuid::now_v7();
    let body = json!({"id": id, "name": " Big\nplan ", "color": "moss", "instructions": "Be brief."});
    for _ in 0..2 {
        let made = house.call(&house.ana, Method::POST, "/api/v1/projects", body.clone()).await;
        assert_eq!((made.status, made.body["name"].as_str()), (StatusCode::CREATED, Some("Big plan")));
    }
    let list = house.get(&house.ana, "/api/v1/projects").await;
    assert_eq!(list.body["projects"].as_array().unwrap().len(), 1);
    let path = format!("/api/v1/projects/{id}");
    let change = async |body: Value| house.call(&house.ana, Method::PATCH, &path, body).await;
    assert_eq!(change(json!({"version": 1, "color": "plum"})).await.body["color"], "plum");
    let stale = change(json!({"version": 1, "name": "other"})).await;
    assert_eq!(
        (stale.status, stale.code(), stale.body["current"]["version"].as_i64()),
        (StatusCode::CONFLICT, "stale", Some(2))
    );
    for wrong in [
        json!({"version": 2, "color": "red"}),
        json!({"version": 2, "name": " "}),
        json!({"version": 2, "instructions": "x".repeat(8_001)}),
    ] {
        assert_eq!(change(wrong.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    // the models are told in the chats of the project, from the next answer on
    let sent = house.begin(&house.ana, "one").await;
    house.change(sent.id("chat"), json!({"version": 1, "project_id": id})).await;
    let Some(proto::chat::v1::context_answer::Answer::Going(going)) =
        house.context(&house.ana, sent.id("reply"), 1).await.unwrap().answer
    else {
        panic!("settled")
    };
    assert_eq!((going.system[0].kind.as_str(), going.system[0].text.as_str()), ("project", "Be brief."));
    // and what is somebody else's is not there
    assert_eq!(house.get(&house.dan, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.call(&house.dan, Method::DELETE, &path, Value::Null).await.status, StatusCode::NOT_FOUND);
}
