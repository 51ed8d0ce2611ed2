//! What auth tells the others, and what it does when it hears that an account is gone.

use crate::repository;
use futures_util::FutureExt as _;
use platform::{
    Error, Platform,
    bus::{self, Limits},
    events::{Event, Topic},
};
use proto::{Message as _, auth::v1::AuthChanged};
use uuid::Uuid;

/// `auth-events`
pub const TOPIC: Topic = platform::topic!("auth");
/// What user says.
const USERS: Topic = platform::topic!("user");

/// About a person's own thing: a key, the password.
pub fn of_person(kind: &'static str, person: Uuid, actor: Option<Uuid>, id: Uuid) -> Event {
    let payload = AuthChanged { id: id.as_bytes().into(), ..AuthChanged::default() };
    event(kind, person, person, 0, actor, &payload)
}

/// About an invitation: told to whoever invited.
pub fn of_invitation(kind: &'static str, inviter: Uuid, actor: Option<Uuid>, invitation: Uuid, account: Uuid) -> Event {
    let payload =
        AuthChanged { id: account.as_bytes().into(), inviter: inviter.as_bytes().into(), ..AuthChanged::default() };
    event(kind, inviter, invitation, 0, actor, &payload)
}

/// About the instance: roles, and how it looks.
pub fn of_instance(kind: &'static str, actor: Uuid, role: &str, version: i64) -> Event {
    let payload = AuthChanged { role: role.into(), ..AuthChanged::default() };
    event(kind, Uuid::nil(), Uuid::nil(), version, Some(actor), &payload)
}

fn event(
    kind: &'static str,
    space: Uuid,
    aggregate: Uuid,
    version: i64,
    actor: Option<Uuid>,
    payload: &AuthChanged,
) -> Event {
    Event { space, aggregate, version, kind, actor, payload: payload.encode_to_vec(), change: None }
}

/// Erases what auth holds of people whose accounts are gone.
pub fn hear(platform: &Platform) {
    let db = platform.db.clone();
    bus::consume(platform, "auth", USERS, Limits::default(), move |delivery| {
        let db = db.clone();
        async move {
            if delivery.kind == "user.deleted" {
                let space = delivery.space;
                db.write(space, move |tx| async move { repository::erase(tx, space).await }.boxed()).await?;
            }
            Ok::<_, Error>(())
        }
        .boxed()
    });
}
