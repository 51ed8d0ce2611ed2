//! Roles at run time: in force with the next question, and nobody gives what they have not.

use crate::house::House;
use auth::Config;
use http::StatusCode;
use serde_json::{Value, json};

const ROLES: &str = "/api/v1/admin/roles";

#[tokio::test]
async fn a_role_is_made_changed_and_removed_while_everything_runs() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    let asked = json!({"name": "team-lead", "label": "Team lead", "permissions": ["chats:read"]});
    let made = house.ask("auth", "POST", ROLES, &admin, asked.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(house.ask("auth", "POST", ROLES, &admin, asked).await.status, StatusCode::CONFLICT);
    let (_, id) = house.join("lead@example.org", "team-lead").await;
    assert_eq!(house.authorize(id).await.unwrap().permissions, ["chats:read"]);

    let path = format!("{ROLES}/team-lead");
    let change = json!({"version": 1, "permissions": ["usage:manage", "chats:write"]});
    assert_eq!(house.ask("auth", "PATCH", &path, &admin, change.clone()).await.body["version"], 2);
    assert_eq!(house.authorize(id).await.unwrap().permissions, ["chats:write", "usage:manage"]);
    let stale = house.ask("auth", "PATCH", &path, &admin, change).await;
    assert_eq!((stale.status, &stale.body["current"]["version"]), (StatusCode::CONFLICT, &json!(2)));

    // while somebody has it, it stays
    assert_eq!(house.ask("auth", "DELETE", &path, &admin, Value::Null).await.status, StatusCode::CONFLICT);
    let moved = json!({"version": 1, "role": "guest"});
    let person = format!("/api/v1/admin/people/{id}");
    assert_eq!(house.ask("user", "PATCH", &person, &admin, moved).await.status, StatusCode::OK);
    assert_eq!(house.authorize(id).await.unwrap().role, "guest");
    assert_eq!(house.ask("auth", "DELETE", &path, &admin, Value::Null).await.status, StatusCode::NO_CONTENT);
    let back = json!({"version": 2, "role": "team-lead"});
    assert_eq!(house.ask("user", "PATCH", &person, &admin, back).await.body["field"], "role");
}

#[tokio::test]
async fn administrators_stay_what_they_are() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    for (method, body) in [("PATCH", json!({"version": 1, "permissions": []})), ("DELETE", Value::Null)] {
        let answer = house.ask("auth", method, &format!("{ROLES}/admin"), &admin, body).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    }
    for builtin in ["user", "guest"] {
        let path = format!("{ROLES}/{builtin}");
        assert_eq!(house.ask("auth", "DELETE", &path, &admin, Value::Null).await.status, StatusCode::CONFLICT);
    }
    for (name, status) in [("none-such", StatusCode::NOT_FOUND), ("No%20Role", StatusCode::NOT_FOUND)] {
        assert_eq!(house.ask("auth", "DELETE", &format!("{ROLES}/{name}"), &admin, Value::Null).await.status, status);
    }
    let roles = house.ask("auth", "GET", ROLES, &admin, Value::Null).await;
    assert_eq!(roles.body["roles"][0]["permissions"].as_array().unwrap().len(), 13, "{}", roles.text);
}

/// Somebody who administers people and roles and nothing else can neither become an administrator
/// nor make one, nor get at one.
#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    let platform::principal::Caller::Person(owner) = admin.clone() else { unreachable!() };
    let asked = json!({"name": "clerk", "label": "Clerk", "permissions":
        ["people:manage", "roles:manage", "account:security", "keys:manage"]});
    assert_eq!(house.ask("auth", "POST", ROLES, &admin, asked).await.status, StatusCode::CREATED);
    let (clerk, id) = house.join("clerk@example.org", "clerk").await;
    let own = format!("/api/v1/admin/people/{id}");
    let foreign = format!("/api/v1/admin/people/{}", owner.user);
    let person = json!({"name": "x", "email": "x@example.org", "role": "admin"});
    let attempts = [
        ("user", "PATCH", own.clone(), json!({"version": 1, "role": "admin"})),
        ("user", "PATCH", own, json!({"version": 1, "role": "user"})),
        ("user", "PATCH", foreign.clone(), json!({"version": 1, "role": "clerk"})),
        ("user", "PATCH", foreign.clone(), json!({"version": 1, "state": "disabled"})),
        ("user", "DELETE", foreign.clone(), Value::Null),
        ("auth", "POST", format!("{foreign}/reset-password"), Value::Null),
        ("auth", "POST", format!("{foreign}/sign-out"), Value::Null),
        ("auth", "POST", "/api/v1/admin/people".into(), person),
        ("auth", "POST", "/api/v1/admin/invitations".into(), json!({"role": "admin"})),
        ("auth", "POST", "/api/v1/admin/invitations".into(), json!({"role": "user"})),
        ("auth", "POST", ROLES.into(), json!({"name": "more", "label": "More", "permissions": ["instance:manage"]})),
        ("auth", "PATCH", format!("{ROLES}/clerk"), json!({"version": 1, "permissions": ["providers:manage"]})),
        // nor is a role weakened that may do more
        ("auth", "PATCH", format!("{ROLES}/user"), json!({"version": 1, "permissions": []})),
    ];
    for (service, method, path, body) in attempts {
        let answer = house.ask(service, method, &path, &clerk, body.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {body}: {}", answer.text);
    }
    assert_eq!(house.authorize(id).await.unwrap().role, "clerk");
    assert_eq!(house.authorize(owner.user).await.unwrap().role, "admin");
    assert_eq!(house.number("select count(*) from auth_invitations where account is null").await, 0);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let house = House::set_up(Config::default()).await;
    let admin = house.admin().await;
    let platform::principal::Caller::Person(owner) = admin.clone() else { unreachable!() };
    let path = format!("/api/v1/admin/people/{}", owner.user);
    for body in [json!({"version": 1, "role": "user"}), json!({"version": 1, "state": "disabled"})] {
        assert_eq!(house.ask("user", "PATCH", &path, &admin, body).await.status, StatusCode::CONFLICT);
    }
    assert_eq!(house.ask("user", "DELETE", &path, &admin, Value::Null).await.status, StatusCode::CONFLICT);
    let deleting = json!({"password": crate::house::PASSWORD, "confirm": "DELETE"});
    let refused = house.ask("auth", "POST", "/api/v1/auth/delete-account", &admin, deleting).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);

    // with a second one, the first may go; then that one is the last
    let (second, id) = house.join("second@example.org", "admin").await;
    let demote = json!({"version": 1, "role": "user"});
    assert_eq!(house.ask("user", "PATCH", &path, &second, demote).await.status, StatusCode::OK);
    let own = format!("/api/v1/admin/people/{id}");
    let demote = json!({"version": 1, "role": "user"});
    assert_eq!(house.ask("user", "PATCH", &own, &second, demote).await.status, StatusCode::CONFLICT);
}
