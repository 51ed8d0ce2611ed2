//! The hints in memory. Opening again makes a new memory, as a restart does.

use super::{CHECKS, Harness};
use crate::suite::passes;
use platform::{
    hints::{Hints, MemoryHints, Options},
    ids::{Ids as _, SystemIds},
};
use std::sync::Arc;

pub struct InMemory;

pub const OPTIONS: Options = Options { per_person: 40, for_everybody: 40, absent: 64 };

pub fn memory() -> MemoryHints {
    let mut epoch = [0; 8];
    SystemIds.random(&mut epoch);
    MemoryHints::new(u64::from_le_bytes(epoch), OPTIONS)
}

impl Harness for InMemory {
    fn open(&self) -> Arc<dyn Hints> {
        Arc::new(memory())
    }

    fn kept(&self) -> (usize, usize) {
        (OPTIONS.per_person, OPTIONS.per_person)
    }
}

#[tokio::test]
async fn memory_keeps_the_contract() -> anyhow::Result<()> {
    passes(CHECKS, || Ok(Box::new(InMemory))).await
}
