//! JSON in, JSON or CSV out.

use super::csv::{Csv, decimal};
use crate::{
    domain::{By, Day, Span, Used},
    service::{Instance, Usage},
};
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};
use platform::{
    Error, Result,
    api::{Api, Json, Policy, Query},
    principal::{Permission, Person},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub fn api() -> Api<Usage> {
    Api::default()
        .route(Policy::Needs(Permission::UsageRead), routes!(own))
        .route(Policy::Needs(Permission::UsageManage), routes!(all))
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The first day, `2026-11-01`; 29 days before the last one without it.
    from: Option<String>,
    /// The last day; today without it. Days are those of UTC.
    to: Option<String>,
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedAll {
    /// The first day, `2026-11-01`; 29 days before the last one without it.
    from: Option<String>,
    /// The last day; today without it. Days are those of UTC.
    to: Option<String>,
    #[serde(default)]
    #[param(inline)]
    by: By,
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Serialize, ToSchema)]
struct OwnUsage {
    days: Vec<Day>,
    totals: Used,
}

#[derive(Serialize, ToSchema)]
struct InstanceUsage {
    rows: Vec<Row>,
    totals: Used,
    /// People who used a model in this time.
    active_people: i64,
}

#[derive(Serialize, ToSchema)]
struct Row {
    day: Option<String>,
    model: Option<String>,
    /// None also for people whose accounts are gone.
    person: Option<Named>,
    #[serde(flatten)]
    used: Used,
}

#[derive(Serialize, ToSchema)]
struct Named {
    id: Uuid,
    name: String,
}

/// Your usage
///
/// By day and model, for at most 366 days.
#[utoipa::path(get, path = "/api/v1/usage", tag = "usage", params(Asked), responses(
    (status = 200, description = "JSON, or with format=csv a file", content((OwnUsage = "application/json"), (String = "text/csv")))
))]
async fn own(State(usage): State<Usage>, person: Person, Query(asked): Query<Asked>) -> Result<Response> {
    let span = usage.span(asked.from.as_deref(), asked.to.as_deref())?;
    let (days, totals) = usage.of_person(person.space(), span).await?;
    if asked.format == Format::Json {
        return Ok(Json(OwnUsage { days, totals }).into_response());
    }
    let mut csv = Csv::new(&["day", "model", "requests", "input_tokens", "output_tokens", "cost"]);
    for Day { day, model, used } in days {
        csv.row([day, model].into_iter().chain(numbers(used)));
    }
    file(csv, span)
}

/// The instance's usage
///
/// By day, model or person, for at most 366 days.
#[utoipa::path(get, path = "/api/v1/admin/usage", tag = "usage", params(AskedAll), responses(
    (status = 200, description = "JSON, or with format=csv a file", content((InstanceUsage = "application/json"), (String = "text/csv")))
))]
async fn all(State(usage): State<Usage>, Query(asked): Query<AskedAll>) -> Result<Response> {
    let span = usage.span(asked.from.as_deref(), asked.to.as_deref())?;
    let Instance { rows, mut names, totals, active_people } = usage.of_instance(span, asked.by).await?;
    let rows = rows.into_iter().map(|row| {
        let named = |id| names.remove(&id).map(|name| Named { id, name });
        Row { day: row.day, model: row.model, person: row.space.and_then(named), used: row.used }
    });
    if asked.format == Format::Json {
        return Ok(Json(InstanceUsage { rows: rows.collect(), totals, active_people }).into_response());
    }
    let by = match asked.by {
        By::Day => ["day"].as_slice(),
        By::Model => &["model"],
        By::Person => &["person", "person_id"],
    };
    let mut csv = Csv::new(&[by, &["requests", "input_tokens", "output_tokens", "cost"]].concat());
    for Row { day, model, person, used } in rows {
        let named = match asked.by {
            By::Day => vec![day.unwrap_or_default()],
            By::Model => vec![model.unwrap_or_default()],
            By::Person => person.map_or_else(
                || vec!["(deleted accounts)".to_owned(), String::new()],
                |Named { id, name }| vec![name, id.to_string()],
            ),
        };
        csv.row(named.into_iter().chain(numbers(used)));
    }
    file(csv, span)
}

fn numbers(used: Used) -> [String; 4] {
    [used.requests.to_string(), used.input_tokens.to_string(), used.output_tokens.to_string(), decimal(used.cost)]
}

fn file(csv: Csv, span: Span) -> Result<Response> {
    let name = format!("attachment; filename=\"usage-{}-{}.csv\"", span.from, span.to);
    let mut response = csv.text().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(Error::internal)?);
    Ok(response)
}
