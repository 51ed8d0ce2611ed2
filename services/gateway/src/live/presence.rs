//! That somebody is there: session is told when a feed opens, again with every beat, and when it ends.
//! Being late with it harms nobody, so nothing waits for it.

use crate::Gateway;
use platform::principal::Person;
use proto::session::v1::{ArriveRequest, LeaveRequest};
use uuid::Uuid;

pub struct Presence {
    gateway: Gateway,
    user: Uuid,
    session: Uuid,
    connection: Uuid,
}

impl Presence {
    /// None for a program with an API key: a person may be far away from it.
    pub fn begin(gateway: &Gateway, person: &Person) -> Option<Self> {
        if person.key.is_some() {
            return None;
        }
        let connection = gateway.platform.ids.id();
        let presence = Self { gateway: gateway.clone(), user: person.user, session: person.session, connection };
        presence.say();
        Some(presence)
    }

    pub fn say(&self) {
        let request = ArriveRequest {
            user: self.user.as_bytes().into(),
            session: self.session.as_bytes().into(),
            connection: self.connection.as_bytes().into(),
        };
        let mut sessions = self.gateway.sessions.clone();
        self.gateway.platform.background.spawn(async move {
            if let Err(error) = sessions.arrive(request).await {
                tracing::debug!(%error, "a presence could not be said");
            }
        });
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Dropped with the runtime itself there is nobody left to tell, and it runs out by itself.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let request = LeaveRequest { user: self.user.as_bytes().into(), connection: self.connection.as_bytes().into() };
        let mut sessions = self.gateway.sessions.clone();
        self.gateway.platform.background.spawn(async move {
            if let Err(error) = sessions.leave(request).await {
                tracing::debug!(%error, "the end of a presence could not be said");
            }
        });
    }
}
