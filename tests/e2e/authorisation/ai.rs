//! Cases of ai.

use super::Case;
use serde_json::{Value, json};

pub fn case(operation: &str) -> Option<Case> {
    let case = |owner, other, body| Some(Case { body, owner, other });
    match operation {
        "get /api/v1/admin/providers" | "get /api/v1/admin/models" => case(200, 403, Value::Null),
        // it speaks another protocol than the address could
        "post /api/v1/admin/providers" => {
            case(422, 403, json!({"kind": "telepathy", "name": "x", "base_url": "http://127.0.0.1:9"}))
        }
        "post /api/v1/admin/providers/test" => {
            case(200, 403, json!({"kind": "ollama", "base_url": "http://127.0.0.1:9"}))
        }
        "post /api/v1/admin/providers/{id}/test" => case(404, 403, json!({})),
        "patch /api/v1/admin/providers/{id}" => case(404, 403, json!({"version": 1})),
        "delete /api/v1/admin/providers/{id}" => case(404, 403, Value::Null),
        "put /api/v1/admin/models" => case(409, 403, json!({"id": "guide/guide", "version": 7})),
        "post /api/v1/admin/models/order" => case(204, 403, json!({"ids": ["guide/guide"]})),
        // Under /v1 refusals have OpenAI's form: what is asked for is no chat, so nobody gets further than the next.
        "get /v1/models" => case(200, 200, Value::Null),
        "get /v1/models/{id}" => case(404, 404, Value::Null),
        "post /v1/chat/completions" | "post /v1/embeddings" => case(400, 400, json!({"model": "guide/guide"})),
        "post /api/v1/temporary" => case(422, 422, json!({"turns": []})),
        "get /api/v1/limits" => case(200, 200, Value::Null),
        "get /api/v1/admin/limits" | "get /api/v1/admin/limits/people/{id}" => case(200, 403, Value::Null),
        "patch /api/v1/admin/limits" => case(409, 403, json!({"version": 7})),
        "put /api/v1/admin/limits/people/{id}" => case(409, 403, json!({"version": 7})),
        _ => None,
    }
}
