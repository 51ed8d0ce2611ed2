//! Cases of chat.

use super::Case;
use crate::harness::Sending;
use serde_json::{Value, json};
use uuid::Uuid;

/// On the owner's chat `of`, whose reply was stopped, and on a project of the same id.
pub fn case(operation: &str, of: &Sending) -> Option<Case> {
    let case = |owner, other, body| Some(Case { body, owner, other });
    match operation {
        "get /api/v1/chats" | "get /api/v1/projects" | "get /api/v1/search" => case(200, 200, Value::Null),
        "post /api/v1/chats/archive-all" | "post /api/v1/chats/delete-all" => case(200, 200, json!({})),
        "delete /api/v1/chats/{id}/forever" | "delete /api/v1/projects/{id}" => case(204, 404, Value::Null),
        "get /api/v1/chats/{id}/tree" | "get /api/v1/projects/{id}" => case(200, 404, Value::Null),
        "post /api/v1/chats/{id}/switch" => case(200, 404, json!({"message_id": of.message})),
        "post /api/v1/chats/{id}/read" => case(204, 404, json!({"message_id": of.reply})),
        "post /api/v1/replies/{id}/regenerate" => case(202, 404, json!({})),
        "get /api/v1/drafts/{key}" => case(200, 404, Value::Null),
        "put /api/v1/drafts/{key}" => case(200, 404, json!({"text": "begun", "version": 0})),
        "get /api/v1/imports" => case(200, 200, Value::Null),
        "post /api/v1/imports" | "post /api/v1/exports" => case(202, 202, json!({})),
        // no import or export has the id of a chat; whose they are, chat's own tests say
        "get /api/v1/imports/{id}" | "get /api/v1/exports/{id}" | "get /api/v1/exports/{id}/file" => {
            case(404, 404, Value::Null)
        }
        "get /api/v1/chats/{id}/export" => case(200, 404, Value::Null),
        // what is sent is no picture, and no file has the id of a chat; whose a file is, chat's own tests say
        "post /api/v1/files" => case(422, 422, json!({})),
        "get /api/v1/files/{id}" => case(404, 404, Value::Null),
        "post /api/v1/projects" => case(201, 201, json!({"name": "Another"})),
        "patch /api/v1/projects/{id}" => case(200, 404, json!({"name": "renamed", "version": 1})),
        "post /api/v1/projects/{id}/restore" => case(200, 404, json!({})),
        "get /api/v1/chats/{id}" => case(200, 404, Value::Null),
        "patch /api/v1/chats/{id}" => case(200, 404, json!({"title": "renamed", "version": 1})),
        "delete /api/v1/chats/{id}" => case(204, 404, Value::Null),
        "post /api/v1/chats/{id}/restore" => case(200, 404, json!({})),
        "post /api/v1/chats/{id}/messages" => {
            case(202, 404, json!({"id": Uuid::now_v7(), "parent_id": of.reply, "text": "hello"}))
        }
        "post /api/v1/replies/{id}/stop" => case(200, 404, json!({})),
        "post /api/v1/replies/{id}/continue" => case(202, 404, json!({})),
        "get /api/v1/replies/{id}/stream" => case(200, 404, Value::Null),
        _ => None,
    }
}
