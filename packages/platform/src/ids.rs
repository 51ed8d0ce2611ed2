//! Ids and randomness as ports: UUIDv7 (RFC 9562) and a cryptographic generator, both fixed in
//! tests that need it.

use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Makes ids and random bytes.
pub trait Ids: Send + Sync {
    /// A new UUIDv7.
    fn id(&self) -> Uuid;
    /// Unpredictable bytes for tokens and keys.
    fn random(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn random(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}

/// Counts up from a seed: the same test makes the same ids.
pub struct SeededIds(AtomicU64);

impl SeededIds {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 32))
    }
}

impl Ids for SeededIds {
    fn id(&self) -> Uuid {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(u128::from(n) | (7 << 76) | (2 << 62))
    }

    fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&n.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// `Ids` through a shared handle.
impl<T: Ids + ?Sized> Ids for std::sync::Arc<T> {
    fn id(&self) -> Uuid {
        (**self).id()
    }

    fn random(&self, bytes: &mut [u8]) {
        (**self).random(bytes);
    }
}
