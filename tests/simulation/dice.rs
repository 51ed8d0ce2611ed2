//! Chance that can be repeated: one number decides everything that a history leaves open.

use std::sync::{Mutex, PoisonError};

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same for ever.
pub struct Dice(Mutex<u64>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub fn roll(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Dice of its own for a part, so that what one part rolls changes nothing for another.
    pub fn fork(&self) -> Self {
        Self::new(self.roll())
    }

    /// From `low` up to and without `high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low)
    }

    pub fn percent(&self, chance: u64) -> bool {
        self.between(0, 100) < chance
    }

    pub fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[usize::try_from(self.roll() % from.len() as u64).unwrap_or(0)])
    }

    pub fn id(&self) -> uuid::Uuid {
        let random = u128::from(self.roll()) << 64 | u128::from(self.roll());
        uuid::Builder::from_u128(random)
            .with_version(uuid::Version::SortRand)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }
}
