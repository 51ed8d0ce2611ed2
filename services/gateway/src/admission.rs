//! Who is let in, and how much: sessions become principals, rates and open streams have limits.

use crate::{
    Gateway,
    credential::{self, Credential},
};
use http::{HeaderMap, HeaderValue};
use platform::{
    Code, Error, Result, failpoint,
    hex::hex,
    principal::{Caller, Permission, Permissions, Person, Role},
};
use proto::{
    auth::v1::{AuthorizeRequest, ResolveKeyRequest, Rights},
    session::v1::ResolveRequest,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How long a session, a key and what they may do are believed without asking again. The longest a
/// revoked one goes on, with the time of a request that is under way, is five seconds.
const BELIEVED: Duration = Duration::from_secs(4);
/// How old the answer may be that a long connection looks at.
const LATELY: Duration = Duration::from_secs(1);
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
    /// Whoever's credential this is. A cookie that says nothing is nobody's, and so is no credential
    /// at all; a key that says nothing is refused; and when it cannot be found out, that is an error,
    /// never nobody.
    pub(crate) async fn caller(&self, headers: &HeaderMap, address: &str) -> Result<Caller> {
        self.known(headers, "used", BELIEVED, Asking::Uses(address)).await
    }

    /// What is believed under `kind`, or is found out now and believed for a `time`.
    async fn known(&self, headers: &HeaderMap, kind: &str, time: Duration, asking: Asking<'_>) -> Result<Caller> {
        let credential = Credential::find(headers, self.config.is_secure())?;
        if credential == Credential::None {
            return Ok(Caller::Nobody);
        }
        let place = place(kind, &credential);
        let known = match self.platform.cache.get(&place).await.map_err(unproven)? {
            Some(known) => serde_json::from_slice(&known).map_err(Error::internal).map_err(unproven)?,
            None => {
                let found = self.find_out(&credential, asking).await.map_err(unproven)?;
                let known = serde_json::to_vec(&found).map_err(Error::internal)?;
                self.platform.cache.put(&place, known.into(), time).await.map_err(unproven)?;
                found
            }
        };
        match (known, credential) {
            (Caller::Nobody, Credential::Key(_)) => Err(credential::refused_key()),
            (caller, _) => Ok(caller),
        }
    }

    /// Asks the services that know. There is no answer by default: what is not said is an error.
    async fn find_out(&self, credential: &Credential<'_>, asking: Asking<'_>) -> Result<Caller> {
        let (looks, address) = match asking {
            Asking::Uses(address) => (false, address),
            Asking::Looks => (true, ""),
        };
        match credential {
            Credential::None => Ok(Caller::Nobody),
            Credential::Session(token) => {
                let request = ResolveRequest { token: (*token).into(), address: address.into(), looks };
                let Some(session) = self.sessions.clone().resolve(request).await?.into_inner().session else {
                    return Ok(Caller::Nobody);
                };
                let request = AuthorizeRequest { user: session.user.clone(), looks };
                let Some(rights) = self.auth.clone().authorize(request).await?.into_inner().rights else {
                    return Ok(Caller::Nobody);
                };
                let (role, permissions) = read(&rights)?;
                let (user, session) = (id(&session.user)?, id(&session.id)?);
                Ok(Caller::Person(Person { user, session, role, permissions, key: None }))
            }
            Credential::Key(secret) => {
                let request = ResolveKeyRequest { secret: (*secret).into() };
                let Some(holder) = self.auth.clone().resolve_key(request).await?.into_inner().holder else {
                    return Ok(Caller::Nobody);
                };
                let rights = holder.rights.ok_or_else(|| Error::internal("a key without rights"))?;
                let (role, permissions) = read(&rights)?;
                let (user, key) = (id(&holder.user)?, Some(id(&holder.key)?));
                Ok(Caller::Person(Person { user, session: Uuid::nil(), role, permissions, key }))
            }
        }
    }

    /// Whoever's this is now, whatever was believed: when something has just changed.
    pub(crate) async fn caller_now(&self, headers: &HeaderMap) -> Result<Caller> {
        self.forget(headers).await?;
        self.caller_lately(headers).await
    }

    /// Whoever's this is, asked within the last second: for connections that outlive a request and look
    /// now and then. All connections of one credential share the question. A look is no use of a
    /// session, so that one nobody uses runs out behind an open tab.
    pub(crate) async fn caller_lately(&self, headers: &HeaderMap) -> Result<Caller> {
        self.known(headers, "looked", LATELY, Asking::Looks).await
    }

    /// Believes a credential no longer: what it stands for was ended through this gateway.
    pub(crate) async fn forget(&self, headers: &HeaderMap) -> Result<()> {
        match Credential::find(headers, self.config.is_secure())? {
            Credential::None => Ok(()),
            credential => {
                for kind in ["used", "looked"] {
                    self.platform.cache.remove(&place(kind, &credential)).await?;
                }
                Ok(())
            }
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

/// Why it is asked whose a credential is.
#[derive(Clone, Copy)]
enum Asking<'a> {
    /// For a request, from this network address.
    Uses(&'a str),
    /// For a connection that is open.
    Looks,
}

/// Where it is remembered whose a credential is. Tokens never enter the cache themselves.
fn place(asked: &str, credential: &Credential<'_>) -> String {
    if failpoint::mutant("cache-without-person") {
        return format!("{asked}:anybody");
    }
    let (kind, text) = match credential {
        Credential::None => ("none", ""),
        Credential::Session(token) => ("session", *token),
        Credential::Key(secret) => ("key", *secret),
    };
    let digest = Sha256::digest(text);
    format!("{asked}:{kind}:{}", hex(digest))
}

fn read(rights: &Rights) -> Result<(Role, Permissions)> {
    let permissions = rights.permissions.iter().map(|name| Permission::parse(name)).collect::<Result<_>>()?;
    Ok((Role::parse(&rights.role)?, permissions))
}

fn id(bytes: &[u8]) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(Error::internal)
}

/// Whatever went wrong while it was asked who this is: come again. Nobody passes for want of an
/// answer, and nobody is told that they are signed out.
fn unproven(error: Error) -> Error {
    if error.code() == Code::Unavailable {
        return error;
    }
    tracing::error!(%error, "it could not be found out who asks");
    Error::unavailable("it cannot be found out at this moment who you are; try again")
}
