//! The door for programs that speak OpenAI's protocol, and for answers that nobody keeps: the client's going away ends the work, and
//! what goes wrong under `/v1` is told in OpenAI's words.

use crate::{Gateway, forward};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use platform::Error;
use serde_json::{Value, json};

/// Longer than any problem document.
const PROBLEM_LIMIT: usize = 64 << 10;

/// Passes a request on to ai for as long as its client waits.
pub(crate) async fn forward(State(gateway): State<Gateway>, request: Request) -> Response {
    let limit = gateway.config.program_body_limit;
    forward::pass_while_wanted(&gateway, "ai", request, limit).await.unwrap_or_else(Error::into_response)
}

/// Problem documents become OpenAI's errors (API reference, "Error codes"), whoever made them.
pub(crate) async fn openai_errors(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if !is_problem {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let problem: Value = match to_bytes(body, PROBLEM_LIMIT).await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    // OpenAI knows no 422: what is wrong with a request is a 400.
    if parts.status == StatusCode::UNPROCESSABLE_ENTITY {
        parts.status = StatusCode::BAD_REQUEST;
    }
    Response::from_parts(parts, Body::from(error_of(&problem).to_string()))
}

fn error_of(problem: &Value) -> Value {
    let code = problem["code"].as_str().unwrap_or("internal");
    let (kind, code) = match code {
        "unauthenticated" => ("invalid_request_error", "invalid_api_key"),
        "forbidden" => ("permission_error", "forbidden"),
        "not_found" if problem["model"].is_string() => ("invalid_request_error", "model_not_found"),
        "rate_limited" => ("rate_limit_error", "rate_limit_exceeded"),
        // Clients try a rate again and a quota not.
        "cap_reached" => ("insufficient_quota", "cap_reached"),
        "unavailable" | "timeout" | "internal" => ("server_error", code),
        other => ("invalid_request_error", other),
    };
    json!({"error": {
        "message": problem["detail"],
        "type": kind,
        "param": problem["field"],
        "code": code,
        "correlation_id": problem["correlation_id"],
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_have_their_openai_form() {
        for (problem, kind, code) in [
            (json!({"code": "unauthenticated", "detail": "x"}), "invalid_request_error", "invalid_api_key"),
            (json!({"code": "not_found", "detail": "x", "model": "a/b"}), "invalid_request_error", "model_not_found"),
            (json!({"code": "not_found", "detail": "x"}), "invalid_request_error", "not_found"),
            (json!({"code": "cap_reached", "detail": "x"}), "insufficient_quota", "cap_reached"),
            (json!({"code": "timeout", "detail": "x"}), "server_error", "timeout"),
            (Value::Null, "server_error", "internal"),
        ] {
            let error = &error_of(&problem)["error"];
            assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some(kind), Some(code)), "{problem}");
            assert_eq!(error["message"], problem["detail"]);
        }
    }
}
