//! What a provider's refusal means: HTTP statuses, error objects in bodies and in the middle of streams, and when to come back.
//!
//! Everything a provider writes is a stranger's text: it is cut short and freed of keys and queries before a person may see it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Response, header::HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;

use super::{Fault, FaultKind, wire};

/// Longest text of a provider that is passed on, in characters.
const MESSAGE_LIMIT: usize = 300;
/// An error body beyond this is not an explanation, in bytes.
const BODY_LIMIT: usize = 64 << 10;
const BODY_PATIENCE: Duration = Duration::from_secs(5);
/// Nobody waits longer than this for a provider, whatever it asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// A refused request: the fault, and what adapters look at to try differently.
pub(super) struct Refusal {
    pub status: u16,
    /// The `code` (or `type`) of the error object, empty if it has none.
    pub code: String,
    /// The whole error object as JSON; not for people.
    pub about: String,
    pub fault: Fault,
}

/// Reads an answer whose status is not a success.
pub(super) async fn refusal(name: &str, response: Response, key: Option<&SecretString>) -> Refusal {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), Utc::now());
    let body = wire::read(name, response, BODY_LIMIT, Instant::now() + BODY_PATIENCE).await.unwrap_or_default();
    let error = serde_json::from_slice::<Value>(&body).ok().and_then(error_in).unwrap_or(Value::Null);
    let said = message(&error);
    let kind = kind_of_status(status);
    let mut detail = match kind {
        FaultKind::RefusedKey if status == 402 => {
            format!("The account at {name} has no credit ({status})")
        }
        FaultKind::Unreachable => {
            format!("The proxy refuses us on the way to {name}; correct network.proxy ({status})")
        }
        FaultKind::RefusedKey => format!("{name} refused the key ({status})"),
        FaultKind::RateLimited => format!("{name} asks to slow down ({status})"),
        FaultKind::Overloaded => format!("{name} is overloaded ({status})"),
        FaultKind::NotFound => format!("{name} does not know this model or address ({status})"),
        FaultKind::BadRequest => format!("{name} does not accept the request ({status})"),
        FaultKind::Timeout => format!("{name} took too long ({status})"),
        _ if (300..400).contains(&status) => {
            format!("{name} redirects elsewhere, which is not followed ({status})")
        }
        _ => format!("{name} failed ({status})"),
    };
    // With a refused key providers like to quote it.
    match said.as_deref().map(|text| tidy(text, key)).filter(|text| !text.is_empty() && status != 401) {
        Some(text) => detail.extend([": ", &text]),
        None => detail.push('.'),
    }
    let code = word(&error, "code").or_else(|| word(&error, "type")).unwrap_or_default();
    Refusal { status, code, about: error.to_string(), fault: Fault { kind, detail, retry_after } }
}

/// The fault of an error object that came inside an answer, where a status says nothing any more.
pub(super) fn in_band(name: &str, error: &Value) -> Fault {
    let codes = [word(error, "code"), word(error, "type"), word(error, "status")];
    let kind = codes.iter().flatten().find_map(|code| kind_of_word(code)).unwrap_or(FaultKind::Provider);
    let detail = match message(error)
        .map(|text| tidy(&text, None))
        .filter(|text| !text.is_empty() && kind != FaultKind::RefusedKey)
    {
        Some(text) => format!("{name} reports an error: {text}"),
        None => format!("{name} reports an error."),
    };
    Fault::new(kind, detail)
}

/// The error in a JSON document: `{"error": …}`, the same in an array (Gemini), or FastAPI's `{"detail": …}`.
pub(super) fn error_in(document: Value) -> Option<Value> {
    match document {
        Value::Array(items) => items.into_iter().next().and_then(error_in),
        Value::Object(mut fields) => {
            let error = fields.remove("error").or_else(|| fields.remove("detail")).filter(|error| !error.is_null());
            error.or_else(|| fields.contains_key("message").then_some(Value::Object(fields)))
        }
        _ => None,
    }
}

fn message(error: &Value) -> Option<String> {
    error.as_str().or_else(|| error.get("message")?.as_str()).map(str::to_owned)
}

fn word(error: &Value, field: &str) -> Option<String> {
    match error.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn kind_of_status(status: u16) -> FaultKind {
    match status {
        401..=403 => FaultKind::RefusedKey,
        // only a proxy says this
        407 => FaultKind::Unreachable,
        404 | 405 | 410 => FaultKind::NotFound,
        408 | 504 => FaultKind::Timeout,
        429 => FaultKind::RateLimited,
        503 | 529 => FaultKind::Overloaded,
        400..=499 => FaultKind::BadRequest,
        _ => FaultKind::Provider,
    }
}

fn kind_of_word(code: &str) -> Option<FaultKind> {
    if let Ok(status) = code.parse::<u16>() {
        return (400..600).contains(&status).then(|| kind_of_status(status));
    }
    let code = code.to_ascii_lowercase();
    let kinds: [(&[&str], FaultKind); 6] = [
        (&["rate_limit", "too_many", "quota", "exhausted"], FaultKind::RateLimited),
        (&["overloaded", "unavailable", "capacity"], FaultKind::Overloaded),
        (&["authentication", "api_key", "permission", "unauthenticated"], FaultKind::RefusedKey),
        (&["not_found"], FaultKind::NotFound),
        (&["timeout", "deadline"], FaultKind::Timeout),
        (&["invalid_request", "bad_request", "invalid_argument", "context_length"], FaultKind::BadRequest),
    ];
    kinds.iter().find(|(parts, _)| parts.iter().any(|part| code.contains(part))).map(|(_, kind)| *kind)
}

/// When the provider wants to be asked again: `retry-after-ms` (OpenAI), or `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |text: &str, scale: f64| {
        let seconds = text.parse::<f64>().ok()? * scale;
        Duration::try_from_secs_f64(seconds).ok()
    };
    let wait = text("retry-after-ms").and_then(|text| seconds(text, 0.001)).or_else(|| {
        let text = text("retry-after")?;
        seconds(text, 1.0).or_else(|| {
            let date = DateTime::parse_from_rfc2822(text).ok()?;
            Some((date.with_timezone(&Utc) - now).to_std().unwrap_or_default())
        })
    });
    wait.map(|wait| wait.min(LONGEST_WAIT))
}

/// A stranger's text for people: one line, short, without the key (whole or abbreviated) and without queries of URLs.
fn tidy(text: &str, key: Option<&SecretString>) -> String {
    let key = key.map(ExposeSecret::expose_secret).unwrap_or_default();
    let beginning = key.char_indices().nth(6).map_or(key, |(at, _)| &key[..at]);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).map(|word| {
        if !beginning.is_empty() && word.contains(beginning) {
            "***"
        } else if word.contains("://") {
            word.split(['?', '#']).next().unwrap_or_default()
        } else {
            word
        }
    });
    let mut line = String::new();
    let mut length = 0;
    for word in words {
        length += word.chars().count() + 1;
        if length > MESSAGE_LIMIT {
            line.push_str(" …");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_form_of_retry_after() {
        let now = DateTime::parse_from_rfc2822("Sun, 06 Nov 1994 08:49:37 GMT").unwrap().with_timezone(&Utc);
        for (name, value, expected) in [
            ("retry-after", "7", Some(7_000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after-ms", "250", Some(250)),
            ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("retry-after", "99999999999", Some(24 * 3_600_000)),
            ("retry-after", "-3", None),
            ("retry-after", "NaN", None),
            ("retry-after", "soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_millis), "{name}: {value}");
        }
    }

    #[test]
    fn keys_and_queries_stay_out_of_sentences() {
        let key = SecretString::from("sk-proj-abcdef123456");
        let text = "Bad key sk-proj-abcdef123456 (sk-pro***456),\n see https://example.com/a?token=1\u{0}now";
        let tidied = tidy(text, Some(&key));
        assert_eq!(tidied, "Bad key *** *** see https://example.com/a now");
        assert!(tidy(&"long ".repeat(1000), None).chars().count() <= MESSAGE_LIMIT + 2);
    }

    #[test]
    fn in_band_errors_have_their_kind() {
        for (error, kind) in [
            (json!({"message": "x", "code": 429}), FaultKind::RateLimited),
            (json!({"message": "x", "code": "503"}), FaultKind::Overloaded),
            (json!({"message": "x", "type": "overloaded_error"}), FaultKind::Overloaded),
            (json!({"message": "x", "code": "invalid_api_key"}), FaultKind::RefusedKey),
            (json!({"status": "RESOURCE_EXHAUSTED"}), FaultKind::RateLimited),
            (json!("it broke"), FaultKind::Provider),
        ] {
            assert_eq!(in_band("x", &error).kind, kind, "{error}");
        }
        let array = json!([{"error": {"code": 503, "message": "busy"}}]);
        assert_eq!(error_in(array).unwrap()["code"], 503);
    }
}
