//! Cases of user, auth and session.

use super::{Case, PASSWORD, world::World};
use serde_json::{Value, json};

pub fn case(operation: &str) -> Option<Case> {
    let case = |owner, other, body| Some(Case { body, owner, other });
    // what nobody can have: the request is judged, and nothing happens
    let token = "A".repeat(64);
    match operation {
        "get /api/v1/session"
        | "get /api/v1/me"
        | "get /api/v1/me/instructions"
        | "get /api/v1/sessions"
        | "get /api/v1/keys"
        | "get /api/v1/admin/people"
        | "get /api/v1/admin/invitations"
        | "get /api/v1/admin/roles"
        | "get /api/v1/admin/instance" => case(200, 200, Value::Null),
        "patch /api/v1/me" => case(409, 409, json!({"version": 0, "name": "Renamed"})),
        "put /api/v1/me/instructions" => {
            let body =
                json!({"enabled": true, "nickname": "", "occupation": "", "about": "", "style": "", "version": 9});
            case(409, 409, body)
        }
        "post /api/v1/setup" => {
            case(409, 409, json!({"token": "x", "name": "x", "email": "x@example.org", "password": PASSWORD}))
        }
        "post /api/v1/auth/register" => {
            case(403, 403, json!({"name": "x", "email": "x@example.org", "password": PASSWORD}))
        }
        "post /api/v1/auth/sign-in" => case(401, 401, json!({"email": "x@example.org", "password": "x"})),
        "post /api/v1/auth/sign-out" => case(204, 204, Value::Null),
        "post /api/v1/auth/sign-out-everywhere" => case(204, 204, json!({"keep_this": true})),
        // too short, so that it is refused before it is counted
        "post /api/v1/auth/reset-password" => case(422, 422, json!({"token": token, "password": "x"})),
        "post /api/v1/auth/change-password" => case(422, 422, json!({"current": PASSWORD, "password": "x"})),
        "post /api/v1/auth/forgot-password" => case(202, 202, json!({"email": "x@example.org"})),
        "post /api/v1/auth/invitations/look" => case(403, 403, json!({"token": token})),
        "post /api/v1/auth/accept-invitation" => {
            case(403, 403, json!({"token": token, "name": "x", "email": "x@example.org", "password": PASSWORD}))
        }
        "post /api/v1/auth/delete-account" => case(422, 422, json!({"password": PASSWORD, "confirm": "delete"})),
        "post /api/v1/auth/keep-account" => case(204, 204, Value::Null),
        "delete /api/v1/sessions/{id}" | "delete /api/v1/keys/{id}" | "delete /api/v1/admin/invitations/{id}" => {
            case(404, 404, Value::Null)
        }
        "post /api/v1/keys" => case(201, 201, json!({"name": "A key", "scopes": ["chats:read"]})),
        // a role that does not exist is found out after the permission and before anything is made
        "post /api/v1/admin/people" => {
            case(422, 422, json!({"name": "x", "email": "x@example.org", "role": "none-such"}))
        }
        "post /api/v1/admin/invitations" => case(422, 422, json!({"role": "none-such"})),
        "patch /api/v1/admin/people/{id}" => case(409, 409, json!({"version": 0, "name": "Renamed"})),
        "delete /api/v1/admin/people/{id}" => case(202, 202, Value::Null),
        "post /api/v1/admin/people/{id}/keep" => case(200, 200, Value::Null),
        "post /api/v1/admin/people/{id}/reset-password" => case(200, 200, Value::Null),
        "post /api/v1/admin/people/{id}/sign-out" => case(204, 204, Value::Null),
        // the second of the same name
        "post /api/v1/admin/roles" => case(409, 201, json!({"name": "further", "label": "Further", "permissions": []})),
        "patch /api/v1/admin/roles/{name}" => case(409, 409, json!({"version": 0, "label": "Renamed"})),
        "delete /api/v1/admin/roles/{name}" => case(409, 409, Value::Null),
        "patch /api/v1/admin/instance" => case(409, 409, json!({"version": 9, "name": "Renamed"})),
        _ => None,
    }
}

/// What a path names that is not a chat.
pub fn target(path: &str, world: &World) -> Option<String> {
    match path {
        path if path.starts_with("/api/v1/admin/people/") => Some(world.least.clone()),
        "/api/v1/admin/roles/{name}" => Some("guest".into()),
        _ => None,
    }
}

/// What a key gets that does not follow from its scopes.
pub fn by_key(operation: &str) -> Option<u16> {
    match operation {
        // a key has no session
        "post /api/v1/auth/sign-out" => Some(403),
        _ => None,
    }
}
