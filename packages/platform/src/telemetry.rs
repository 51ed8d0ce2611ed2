//! Logs, one correlation id per request, and metrics. None of them ever holds message text.

use crate::{Error, Result};
use axum::{extract::Request, middleware::Next, response::Response};
use http::HeaderValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder as _, Registry, TextEncoder};
use std::io::IsTerminal as _;
use tracing::Instrument as _;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// The header that carries the id of a request through all services and back to the client.
pub const CORRELATION_HEADER: &str = "x-correlation-id";

tokio::task_local! {
    static CORRELATION: String;
}

/// The id of the request this task works for, or a new one.
#[must_use]
pub fn correlation_id() -> String {
    CORRELATION.try_with(Clone::clone).unwrap_or_else(|_| uuid::Uuid::now_v7().simple().to_string())
}

/// Runs `work` under `id`: its logs and the calls it makes carry it.
pub async fn correlated<F: Future>(id: String, work: F) -> F::Output {
    let span = tracing::info_span!("request", correlation_id = %id);
    CORRELATION.scope(id, work.instrument(span)).await
}

/// Middleware: takes the id a caller sent (letters, digits and dashes only) or makes one, and
/// answers with it.
pub async fn correlate(mut request: Request, next: Next) -> Response {
    let sent = request.headers().get(CORRELATION_HEADER).and_then(|value| value.to_str().ok());
    let id = sent
        .filter(|id| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), Into::into);
    let header = HeaderValue::from_str(&id).ok();
    if let Some(header) = &header {
        request.headers_mut().insert(CORRELATION_HEADER, header.clone());
    }
    let mut response = correlated(id, next.run(request)).await;
    if let Some(header) = header {
        response.headers_mut().insert(CORRELATION_HEADER, header);
    }
    response
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people at a terminal.
    Text,
}

/// Sends logs to standard error; `filter` as in `RUST_LOG` (`info,chat=debug`).
///
/// # Errors
/// When the filter cannot be read.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Error::malformed(format!("log filter \"{filter}\" cannot be used: {error}")))?;
    let registry = tracing_subscriber::registry().with(filter);
    let outcome = match format {
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
        LogFormat::Text => {
            // Colours are for people who look; in a file or a journal they are noise.
            let colours =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
            registry.with(fmt::layer().compact().with_ansi(colours).with_writer(std::io::stderr)).try_init()
        }
    };
    outcome.map_err(Error::internal)
}

/// The instruments of this process and what `/metrics` says of them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    // Held because dropping the provider ends its instruments.
    _provider: SdkMeterProvider,
    meter: Meter,
    /// Seconds a request took, by service, route, method and status.
    pub requests: Histogram<f64>,
    /// Answers that are being produced now.
    pub generations: UpDownCounter<i64>,
    /// Answers that ended, by provider and outcome.
    pub generations_ended: Counter<u64>,
    /// Seconds from the stored question to the first piece of its answer, by provider.
    pub first_piece: Histogram<f64>,
    /// How often a provider was found to be away and left alone, by provider.
    pub providers_left: Counter<u64>,
    /// Live streams held open by clients.
    pub followers: UpDownCounter<i64>,
    /// Events a consumer gave up on, by group.
    pub dead_letters: Counter<u64>,
}

impl Metrics {
    /// # Errors
    /// When the exporter cannot be built.
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .build()
            .map_err(Error::internal)?;
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        let meter = provider.meter("taifas");
        let seconds = vec![0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let histogram = |name: &'static str, what: &'static str| {
            meter.f64_histogram(name).with_description(what).with_unit("s").with_boundaries(seconds.clone()).build()
        };
        Ok(Self {
            requests: histogram("http_request_duration", "Time to answer a request"),
            first_piece: histogram(
                "answer_first_piece",
                "Time from the stored question to the first piece of its answer",
            ),
            generations: meter
                .i64_up_down_counter("answers_running")
                .with_description("Answers being produced")
                .build(),
            generations_ended: meter.u64_counter("answers_ended").with_description("Answers that ended").build(),
            providers_left: meter
                .u64_counter("providers_left_alone")
                .with_description("Times a provider did not answer and was left alone")
                .build(),
            followers: meter.i64_up_down_counter("streams_followed").with_description("Live streams held open").build(),
            dead_letters: meter.u64_counter("dead_letters").with_description("Events given up on").build(),
            registry,
            _provider: provider,
            meter,
        })
    }

    /// To make further instruments.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The Prometheus text format, version 0.0.4.
    ///
    /// # Errors
    /// When an instrument cannot be encoded.
    pub fn text(&self) -> Result<String> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out).map_err(Error::internal)?;
        String::from_utf8(out).map_err(Error::internal)
    }
}
