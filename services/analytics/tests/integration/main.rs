//! Usage, counted from what ai says, over its routes, with the real user beside it.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod house;
mod usage;
