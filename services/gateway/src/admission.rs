//! Who is let in, and how much: sessions become principals, rates and open streams have limits.

use crate::{Gateway, cookies};
use http::{HeaderMap, HeaderValue};
use platform::{
    Error, Result,
    principal::{Caller, Person, Role},
};
use proto::session::v1::ResolveRequest;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How long a session is believed without asking again: the longest a revoked one goes on.
const BELIEVED: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);

/// What people hold open, by person, and all together.
#[derive(Default)]
pub(crate) struct Admission(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    all: u64,
    people: HashMap<Uuid, u64>,
}

/// A person's place; given back when dropped.
pub(crate) struct Place {
    held: Arc<Mutex<Held>>,
    person: Uuid,
}

impl Admission {
    /// A place for `person`, who may have `limit` of `what`, and all people together `total`.
    pub(crate) fn enter(&self, person: Uuid, what: &str, limit: u64, total: u64) -> Result<Place> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = Duration::from_secs(5);
        if held.all >= total {
            return Err(Error::rate_limited("this server holds all the connections it can; come again", pause));
        }
        let count = held.people.entry(person).or_default();
        if *count >= limit {
            return Err(Error::rate_limited(
                format!("{limit} {what} are open at the same time already; close a tab"),
                pause,
            ));
        }
        *count += 1;
        held.all += 1;
        Ok(Place { held: self.0.clone(), person })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all -= 1;
        if let Some(count) = held.people.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                held.people.remove(&self.person);
            }
        }
    }
}

impl Gateway {
    /// Whoever's session cookie this is. A cookie that says nothing is nobody's; a session service
    /// that cannot be asked is an error, never nobody.
    pub(crate) async fn caller(&self, headers: &HeaderMap, address: &str) -> Result<Caller> {
        let Some(token) =
            cookies::find(headers, cookies::name(self.config.is_secure())).filter(|token| !token.is_empty())
        else {
            return Ok(Caller::Nobody);
        };
        let key = session_key(token);
        if let Some(known) = self.platform.cache.get(&key).await? {
            return serde_json::from_slice(&known).map_err(Error::internal);
        }
        let resolved = self
            .sessions
            .clone()
            .resolve(ResolveRequest { token: token.into(), address: address.into() })
            .await
            .map_err(Error::from)?;
        let caller = match resolved.into_inner().session {
            None => Caller::Nobody,
            Some(session) => Caller::Person(Person::signed_in(
                Uuid::from_slice(&session.user).map_err(Error::internal)?,
                Uuid::from_slice(&session.id).map_err(Error::internal)?,
                Role::parse(&session.role)?,
            )),
        };
        let known = serde_json::to_vec(&caller).map_err(Error::internal)?;
        self.platform.cache.put(&key, known.into(), BELIEVED).await?;
        Ok(caller)
    }

    /// Whoever's this is now, whatever was believed: for connections that outlive a request.
    pub(crate) async fn caller_now(&self, headers: &HeaderMap) -> Result<Caller> {
        self.forget(headers).await?;
        self.caller(headers, "").await
    }

    /// Believes a session no longer: it was ended through this gateway.
    pub(crate) async fn forget(&self, headers: &HeaderMap) -> Result<()> {
        match cookies::find(headers, cookies::name(self.config.is_secure())) {
            Some(token) => self.platform.cache.remove(&session_key(token)).await,
            None => Ok(()),
        }
    }

    /// The signed principal of `caller`, for the services.
    pub(crate) fn principal(&self, caller: &Caller) -> Result<HeaderValue> {
        self.platform.signer.sign(caller)
    }

    /// Counts a request against its caller's rate.
    pub(crate) async fn count(&self, caller: &Caller, client: &str, writes: bool) -> Result<()> {
        let (key, limit) = match caller {
            Caller::Person(person) if writes => (format!("writes:{}", person.user), self.config.writes_per_minute),
            Caller::Person(_) | Caller::Service(_) => return Ok(()),
            Caller::Nobody => (format!("anonymous:{client}"), self.config.anonymous_per_minute),
        };
        if self.platform.cache.count(&key, MINUTE).await? > limit {
            return Err(Error::rate_limited(
                format!("more than {limit} requests in a minute; wait a little"),
                Duration::from_secs(10),
            ));
        }
        Ok(())
    }
}

/// Tokens never enter the cache themselves.
fn session_key(token: &str) -> String {
    let digest = Sha256::digest(token);
    format!("session:{}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
