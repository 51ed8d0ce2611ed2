//! Killing the program at every point of a message's way, and at random, and judging what is left by
//! the promises: nothing acknowledged is lost, nothing is there twice, every reply ends, what was
//! shown stays. Seeded faults prove that the judge can say no.

mod kills;
mod ledger;
mod mutants;
mod points;
mod random;
mod zombie;
