//! The one error type of all services, and the one place where it becomes an HTTP problem
//! document (RFC 9457) or a gRPC status.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use std::{fmt, time::Duration};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is; clients may rely on these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request cannot be right whatever the state (422, malformed JSON 400).
    Invalid,
    /// Nobody is signed in (401).
    Unauthenticated,
    /// Signed in, but not allowed (403).
    Forbidden,
    /// Not there, or not yours: the two look the same (404).
    NotFound,
    /// The state does not allow it now (409).
    Conflict,
    /// Based on an older version, or a fenced-off attempt (409).
    Stale,
    /// Body or text too large (413).
    TooLarge,
    /// Too many requests of this caller (429).
    RateLimited,
    /// A person or the instance has used up what a day allows (429).
    CapReached,
    /// An idempotency key was used with another body (422).
    Mismatch,
    /// A dependency cannot do it now (503).
    Unavailable,
    /// A deadline passed (504).
    Timeout,
    /// A fault of ours (500).
    Internal,
}

impl Code {
    const ALL: [Self; 13] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Stale,
        Self::TooLarge,
        Self::RateLimited,
        Self::CapReached,
        Self::Mismatch,
        Self::Unavailable,
        Self::Timeout,
        Self::Internal,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Stale => "stale",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::CapReached => "cap_reached",
            Self::Mismatch => "mismatch",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Invalid | Self::Mismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict | Self::Stale => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited | Self::CapReached => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn grpc(self) -> tonic::Code {
        match self {
            Self::Invalid | Self::TooLarge | Self::Mismatch => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::Forbidden => tonic::Code::PermissionDenied,
            Self::NotFound => tonic::Code::NotFound,
            Self::Conflict => tonic::Code::FailedPrecondition,
            Self::Stale => tonic::Code::Aborted,
            Self::RateLimited | Self::CapReached => tonic::Code::ResourceExhausted,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Timeout => tonic::Code::DeadlineExceeded,
            Self::Internal => tonic::Code::Internal,
        }
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure with a sentence for people. Unexpected ones (`internal`) keep their cause for the
/// log and show only a correlation id.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    message: String,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    extras: Map<String, Value>,
    source: Option<Source>,
}

impl Error {
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            status: None,
            retry_after: None,
            extras: Map::new(),
            source: None,
        }))
    }

    /// `invalid("title", "is empty")`: the field and what is wrong with it.
    #[must_use]
    pub fn invalid(field: &str, why: impl fmt::Display) -> Self {
        Self::new(Code::Invalid, format!("{field} {why}")).with("field", field)
    }

    /// The request could not be read at all (400).
    #[must_use]
    pub fn malformed(why: impl Into<String>) -> Self {
        let mut error = Self::new(Code::Invalid, why);
        error.0.status = Some(StatusCode::BAD_REQUEST);
        error
    }

    /// The route exists, the method does not (405).
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let mut error = Self::new(Code::Invalid, "this address does not know that method");
        error.0.status = Some(StatusCode::METHOD_NOT_ALLOWED);
        error
    }

    /// `not_found("chat")`: also for what belongs to somebody else.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}, or it is not yours"))
    }

    #[must_use]
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, message)
    }

    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, message)
    }

    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    #[must_use]
    pub fn stale(message: impl Into<String>) -> Self {
        Self::new(Code::Stale, message)
    }

    #[must_use]
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Code::TooLarge, message)
    }

    #[must_use]
    pub fn mismatch(message: impl Into<String>) -> Self {
        Self::new(Code::Mismatch, message)
    }

    #[must_use]
    pub fn rate_limited(message: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(Code::RateLimited, message).retry_after(retry_after)
    }

    /// A dependency cannot do it now; the caller may try again after a second.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message).retry_after(Duration::from_secs(1))
    }

    #[must_use]
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(Code::Timeout, message)
    }

    /// A fault of ours: the cause goes to the log, never to the client.
    #[must_use]
    pub fn internal(source: impl Into<Source>) -> Self {
        let mut error = Self::new(Code::Internal, "an unexpected fault on this server");
        error.0.source = Some(source.into());
        error
    }

    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds a member to the problem document (RFC 9457 §3.2).
    #[must_use]
    pub fn with(mut self, name: &str, value: impl serde::Serialize) -> Self {
        self.0.extras.insert(name.into(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// How long the caller should wait, when that is known.
    #[must_use]
    pub fn waits(&self) -> Option<Duration> {
        self.0.retry_after
    }

    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut cause = self.0.source.as_deref().map(|s| s as &dyn std::error::Error);
        while let Some(source) = cause {
            write!(f, ": {source}")?;
            cause = source.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::internal(source)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let correlation_id = crate::telemetry::correlation_id();
        if self.0.code == Code::Internal {
            tracing::error!(error = %self, "unexpected");
        }
        let status = self.0.status.unwrap_or(self.0.code.status());
        let mut body = json!({
            "type": format!("/docs/errors.md#{}", self.0.code.name()),
            "title": status.canonical_reason().unwrap_or("error"),
            "status": status.as_u16(),
            "code": self.0.code.name(),
            "detail": self.0.message,
            "correlation_id": correlation_id,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.0.extras);
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

const CODE: &str = "taifas-code";

/// Sends the code, not the type: an older peer can still read it.
impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        if error.0.code == Code::Internal {
            tracing::error!(%error, "unexpected");
        }
        let mut status = Self::new(error.0.code.grpc(), error.0.message);
        status.metadata_mut().insert(CODE, tonic::metadata::MetadataValue::from_static(error.0.code.name()));
        status
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        // The call did not get as far as an answer: what the peer said of it.
        if let Some(ours) = std::error::Error::source(&status).and_then(|source| source.downcast_ref::<Self>()) {
            return Self::new(ours.code(), ours.message());
        }
        let named = status.metadata().get(CODE).and_then(|name| name.to_str().ok());
        let code = Code::ALL
            .into_iter()
            .find(|code| named == Some(code.name()))
            .or_else(|| Code::ALL.into_iter().find(|code| code.grpc() == status.code()))
            .unwrap_or(Code::Internal);
        Self::new(code, status.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_the_way_through_grpc() {
        for code in Code::ALL {
            assert_eq!(Error::from(tonic::Status::from(Error::new(code, "x"))).code(), code);
        }
    }

    #[test]
    fn an_internal_cause_is_logged_and_never_shown() {
        let error = Error::internal("secret detail");
        assert!(error.to_string().contains("secret detail"));
        assert!(!error.message().contains("secret"));
    }
}
