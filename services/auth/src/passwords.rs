//! Hashing passwords: Argon2id, on threads of its own, a few at a time. A hash costs 19 MiB and tens
//! of milliseconds by design, so how many are computed is limited before they are.

use crate::domain::Hidden;
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{self, phc::PasswordHash},
};
use opentelemetry::metrics::{Counter, Meter};
use platform::{Error, Result, ids::Ids};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The parameters of new hashes: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes computed at the same time.
const AT_ONCE: usize = 2;
/// Requests that may wait for their turn, and how long.
const WAITING: usize = 64;
const PATIENCE: Duration = Duration::from_secs(5);

/// Checked in place of a hash that is not there, so that an unknown e-mail address takes as long as
/// a known one. The same parameters; no password has it.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dGFpZmFzLm5vYm9keS5hdA$bm8gcGFzc3dvcmQgaGFzIHRoaXMgaGFzaCwgZXZlci4";

/// Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    ids: Arc<dyn Ids>,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    checks: Counter<u64>,
}

/// The right to compute hashes, one at a time, until it is dropped.
pub struct Turn {
    ids: Arc<dyn Ids>,
    checks: Counter<u64>,
    // shared with the running computation, which a caller that gives up does not end
    permit: Arc<OwnedSemaphorePermit>,
}

impl Passwords {
    pub fn new(ids: Arc<dyn Ids>, meter: &Meter) -> Self {
        let checks = meter.u64_counter("password_checks").with_description("Passwords compared with a hash").build();
        let (running, waiting) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(WAITING)));
        Self { ids, running, waiting, checks }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `unavailable` when too many wait already or it takes too long.
    pub async fn turn(&self) -> Result<Turn> {
        let busy = || Error::unavailable("too many people sign in at this moment; try again");
        let _waiting = self.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
        let permit = tokio::time::timeout(PATIENCE, self.running.clone().acquire_owned()).await.map_err(|_| busy())?;
        Ok(Turn {
            ids: self.ids.clone(),
            checks: self.checks.clone(),
            permit: Arc::new(permit.map_err(Error::internal)?),
        })
    }
}

impl Turn {
    /// The hash to store of a new password, as a PHC string.
    pub async fn hash(&self, password: Hidden) -> Result<String> {
        let mut salt = [0; 16];
        self.ids.random(&mut salt);
        self.on_a_thread(move |argon2| {
            Ok(argon2
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .map_err(Error::internal)?
                .to_string())
        })
        .await
    }

    /// Whether `password` is the one with this hash; without a hash it is not, after the same time.
    pub async fn verify(&self, password: Hidden, phc: Option<String>) -> Result<bool> {
        self.checks.add(1, &[]);
        self.on_a_thread(move |argon2| {
            let hash = PasswordHash::new(phc.as_deref().unwrap_or(NOBODYS)).map_err(Error::internal)?;
            match argon2.verify_password(password.expose().as_bytes(), &hash) {
                Ok(()) => Ok(phc.is_some()),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(Error::internal(error)),
            }
        })
        .await
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.permit.clone();
        let work = move || {
            let _permit = permit;
            work(&argon2()?)
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::ids::SystemIds;

    fn passwords() -> Passwords {
        Passwords::new(Arc::new(SystemIds), platform::telemetry::Metrics::new().unwrap().meter())
    }

    fn hidden(text: &str) -> Hidden {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn nobodys_hash_costs_what_a_real_one_costs_and_matches_nothing() {
        let hash = passwords().turn().await.unwrap().hash(hidden("correct horse")).await.unwrap();
        let (real, nobodys) = (PasswordHash::new(&hash).unwrap(), PasswordHash::new(NOBODYS).unwrap());
        assert_eq!((real.algorithm, real.version), (nobodys.algorithm, nobodys.version));
        assert_eq!(real.params.to_string(), "m=19456,t=2,p=1");
        assert_eq!(nobodys.params.to_string(), "m=19456,t=2,p=1");
        assert_eq!(real.salt.map(|salt| salt.len()), nobodys.salt.map(|salt| salt.len()));
        assert_eq!(real.hash.map(|hash| hash.len()), nobodys.hash.map(|hash| hash.len()));
        assert!(!passwords().turn().await.unwrap().verify(hidden("correct horse"), None).await.unwrap());
    }

    #[tokio::test]
    async fn only_the_same_password_has_a_hash_and_no_two_hashes_are_the_same() {
        let passwords = passwords();
        let first = passwords.turn().await.unwrap().hash(hidden("correct horse")).await.unwrap();
        let second = passwords.turn().await.unwrap().hash(hidden("correct horse")).await.unwrap();
        assert_ne!(first, second);
        for (text, right) in
            [("correct horse", true), ("correct horsf", false), ("", false), ("correct horse\0", false)]
        {
            let verified = passwords.turn().await.unwrap().verify(hidden(text), Some(first.clone())).await.unwrap();
            assert_eq!(verified, right, "{text:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_few_and_nobody_waits_for_ever() {
        let passwords = passwords();
        let held = [passwords.turn().await.unwrap(), passwords.turn().await.unwrap()];
        let waiting: Vec<_> = (0..WAITING)
            .map(|_| {
                tokio::spawn({
                    let p = passwords.clone();
                    async move { p.turn().await.is_ok() }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        // the queue is full: refused at once
        assert!(passwords.turn().await.is_err());
        for one in waiting {
            assert!(!one.await.unwrap());
        }
        drop(held);
        assert!(passwords.turn().await.is_ok());
    }
}
