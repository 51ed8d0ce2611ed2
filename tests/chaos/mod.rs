//! Killing the program at every point of a message's way, and at random, and judging what is left by
//! the promises: nothing acknowledged is lost, nothing is there twice, every reply ends, what was
//! shown stays. Other faults of machines and people are judged by the same. Seeded faults of the
//! program prove that the judge can say no.

pub mod crowd;
pub mod dice;
pub mod disk;
pub mod erasure;
pub mod far;
mod faults;
pub mod heavy;
mod kills;
pub mod ledger;
mod link;
mod memory;
pub mod mutants;
pub mod outside;
pub mod platter;
pub mod points;
pub mod power;
mod random;
pub mod renewal;
mod stories;
pub mod storms;
#[allow(dead_code, reason = "the load of `make bench` uses more of it")]
#[path = "../performance/wire.rs"]
pub mod wire;
mod zombie;
