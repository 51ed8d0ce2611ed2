//! JSON in, JSON out.

use crate::{
    domain::{Kinds, Notice, Preferences},
    service::{MailStanding, Notices, Reading},
};
use axum::extract::State;
use http::StatusCode;
use platform::{
    Error, Result,
    api::{Api, Json, Policy, Query},
    principal::{Permission, Person},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub fn api() -> Api<Notices> {
    Api::default()
        .route(Policy::Needs(Permission::AccountRead), routes!(list))
        .route(Policy::Needs(Permission::AccountWrite), routes!(read))
        .route(Policy::Needs(Permission::AccountRead), routes!(preferences))
        .route(Policy::Needs(Permission::AccountWrite), routes!(set_preferences))
        .route(Policy::Needs(Permission::InstanceManage), routes!(mail))
        .route(Policy::Needs(Permission::InstanceManage), routes!(test_mail))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// 1 to 100; 30 without it.
    limit: Option<u32>,
    /// The last one's id, for those before it.
    before: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
struct NoticeList {
    notices: Vec<Notice>,
    /// All that are not read, on this page or not.
    unread: i64,
    next: Option<Uuid>,
}

/// What happened while you were away
///
/// The newest first; the last 500 are kept, for 90 days.
#[utoipa::path(get, path = "/api/v1/notices", tag = "notices", params(Asked), operation_id = "notices",
    responses((status = 200, body = NoticeList)))]
async fn list(State(notices): State<Notices>, person: Person, Query(asked): Query<Asked>) -> Result<Json<NoticeList>> {
    let limit = asked.limit.unwrap_or(30);
    if !(1..=100).contains(&limit) {
        return Err(Error::invalid("limit", "must be 1 to 100"));
    }
    let (notices, unread, next) = notices.list(person.space(), asked.before, limit).await?;
    Ok(Json(NoticeList { notices, unread, next }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Read {
    /// At most 500.
    #[serde(default)]
    ids: Vec<Uuid>,
    #[serde(default)]
    all: bool,
}

/// Mark notices as read
#[utoipa::path(post, path = "/api/v1/notices/read", tag = "notices", request_body = Read, operation_id = "read_notices",
    responses((status = 204)))]
async fn read(State(notices): State<Notices>, person: Person, Json(asked): Json<Read>) -> Result<StatusCode> {
    let reading = match asked {
        Read { ids, all: true } if ids.is_empty() => Reading::All,
        Read { ids, all: false } if !ids.is_empty() && ids.len() <= 500 => Reading::These(ids),
        _ => return Err(Error::invalid("ids", "must be 1 to 500 ids, or nothing beside all")),
    };
    notices.read(person.space(), reading).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What you want to hear of, and where
#[utoipa::path(get, path = "/api/v1/notices/preferences", tag = "notices", operation_id = "notice_preferences",
    responses((status = 200, body = Preferences)))]
async fn preferences(State(notices): State<Notices>, person: Person) -> Result<Json<Preferences>> {
    Ok(Json(notices.preferences(person.space()).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetPreferences {
    /// The one you saw.
    version: i64,
    kinds: Kinds,
}

/// Choose what you want to hear of
#[utoipa::path(put, path = "/api/v1/notices/preferences", tag = "notices", request_body = SetPreferences,
    operation_id = "set_notice_preferences",
    responses((status = 200, body = Preferences), (status = 409, description = "they were changed meanwhile")))]
async fn set_preferences(
    State(notices): State<Notices>,
    person: Person,
    Json(asked): Json<SetPreferences>,
) -> Result<Json<Preferences>> {
    Ok(Json(notices.set_preferences(person.space(), asked.version, asked.kinds).await?))
}

/// How sending e-mail stands
#[utoipa::path(get, path = "/api/v1/admin/mail", tag = "mail", operation_id = "mail",
    responses((status = 200, body = MailStanding)))]
async fn mail(State(notices): State<Notices>) -> Result<Json<MailStanding>> {
    Ok(Json(notices.mail_standing().await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Test {
    to: String,
}

/// Send a test letter now
///
/// Answers when the mail server has taken it, or says why it did not.
#[utoipa::path(post, path = "/api/v1/admin/mail/test", tag = "mail", request_body = Test, operation_id = "test_mail",
    responses((status = 204), (status = 409, description = "no mail server is configured")))]
async fn test_mail(State(notices): State<Notices>, person: Person, Json(asked): Json<Test>) -> Result<StatusCode> {
    notices.test_mail(person.space(), &asked.to).await?;
    Ok(StatusCode::NO_CONTENT)
}
