//! Cases of notification and analytics.

use super::Case;
use serde_json::{Value, json};
use uuid::Uuid;

pub fn case(operation: &str) -> Option<Case> {
    let case = |status, body| Some(Case { body, owner: status, other: status });
    match operation {
        "get /api/v1/notices" | "get /api/v1/notices/preferences" => case(200, Value::Null),
        "post /api/v1/notices/read" => case(204, json!({"ids": [Uuid::nil()]})),
        "put /api/v1/notices/preferences" => {
            let ways = json!({"app": true, "mail": true});
            let kinds = json!({
                "reply_finished": ways, "new_device": ways, "cap_reached": ways, "invitation": ways, "export_ready": ways
            });
            // based on what nobody has seen, so that a repetition is the same
            case(409, json!({"version": 99, "kinds": kinds}))
        }
        "get /api/v1/usage" | "get /api/v1/admin/usage" | "get /api/v1/admin/mail" => case(200, Value::Null),
        // no mail server is configured
        "post /api/v1/admin/mail/test" => case(409, json!({"to": "somebody@example.org"})),
        _ => None,
    }
}
