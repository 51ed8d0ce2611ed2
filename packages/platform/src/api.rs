//! The kit for routes: no route without a policy, one way to read input, and the OpenAPI document
//! that comes of it.

mod input;

pub use input::{Json, Path, Query};

use crate::{
    Error,
    principal::{Caller, Permission, Person, Signer},
    telemetry::Metrics,
};
use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::request::Parts;
use opentelemetry::KeyValue;
use std::time::Instant;
use utoipa::openapi::{OpenApi, extensions::Extensions};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// Who may call a route. Which objects they may touch is checked where the object is read: by the
/// space in every statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anybody: sign-in, set-up, what the instance is.
    Public,
    /// Whoever has a session or a key, whatever it allows.
    Person,
    /// Whoever has this permission.
    Needs(Permission),
}

impl Policy {
    const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Person => "person",
            Self::Needs(permission) => permission.name(),
        }
    }

    /// # Errors
    /// `unauthenticated` for nobody, `forbidden` for a person without the permission.
    pub fn check(self, caller: &Caller) -> Result<(), Error> {
        match (self, caller) {
            (Self::Public, _) | (Self::Person, Caller::Person(_)) => Ok(()),
            (Self::Needs(permission), Caller::Person(person)) => person.require(permission),
            (Self::Person | Self::Needs(_), _) => Err(Error::unauthenticated("sign in first")),
        }
    }
}

/// Collects a service's routes, each with its policy; there is no way to add one without.
pub struct Api<S>(OpenApiRouter<S>);

impl<S: Clone + Send + Sync + 'static> Default for Api<S> {
    fn default() -> Self {
        Self(OpenApiRouter::new())
    }
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// Adds the handlers of one path (`routes!(list, create)`) under `policy`.
    #[must_use]
    pub fn route(self, policy: Policy, (schemas, mut paths, methods): UtoipaMethodRouter<S>) -> Self {
        for item in paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let mark = Extensions::from_iter([("x-policy", policy.name())]);
                operation.extensions.get_or_insert_default().merge(mark);
            }
        }
        let guarded = methods.route_layer(middleware::from_fn(move |request: Request, next: Next| async move {
            let caller = request.extensions().get::<Caller>().unwrap_or(&Caller::Nobody);
            match policy.check(caller) {
                Ok(()) => next.run(request).await,
                Err(error) => error.into_response(),
            }
        }));
        Self(self.0.routes((schemas, paths, guarded)))
    }

    /// The document of these routes.
    #[must_use]
    pub fn document(self) -> OpenApi {
        self.0.into_openapi()
    }

    /// The router: correlated, measured, and with the caller verified before any handler runs.
    pub fn router(self, service: &'static str, signer: Signer, metrics: Metrics, state: S) -> Router {
        let (router, _) = self.0.split_for_parts();
        router
            .fallback(|| async { Error::not_found("route") })
            .method_not_allowed_fallback(|| async { Error::method_not_allowed() })
            .with_state(state)
            .layer(middleware::from_fn_with_state((service, metrics), measure))
            .layer(middleware::from_fn_with_state(signer, identify))
            .layer(middleware::from_fn(crate::telemetry::correlate))
    }
}

/// A request's body in pieces, for handlers that keep it as it arrives. What the gateway had to say about
/// it (too large, broken off) comes through.
pub fn pieces(body: Body) -> impl Stream<Item = Result<Bytes, Error>> + Send + Unpin {
    body.into_data_stream().map(|piece| {
        piece.map_err(|error| {
            let mut cause = std::error::Error::source(&error);
            while let Some(source) = cause {
                if let Some(ours) = source.downcast_ref::<Error>() {
                    return Error::new(ours.code(), ours.message());
                }
                cause = source.source();
            }
            Error::malformed("the body did not arrive to its end")
        })
    })
}

/// Verifies the principal before any handler runs.
async fn identify(State(signer): State<Signer>, mut request: Request, next: Next) -> Response {
    match signer.identify(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

async fn measure(State((service, metrics)): State<(&'static str, Metrics)>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    metrics.requests.record(
        start.elapsed().as_secs_f64(),
        &[
            KeyValue::new("service", service),
            KeyValue::new("method", method),
            KeyValue::new("route", route),
            KeyValue::new("status", i64::from(response.status().as_u16())),
        ],
    );
    response
}

/// The signed-in person, for handlers under [`Policy::Person`] or [`Policy::Needs`].
impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Person(person)) => Ok(person.clone()),
            _ => Err(Error::unauthenticated("sign in first")),
        }
    }
}

/// Whoever calls, for public routes that say more to a signed-in person.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(parts.extensions.get::<Caller>().cloned().unwrap_or(Self::Nobody))
    }
}
