//! The door with services behind it that fail: nobody passes for want of an answer.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod ending;
mod idle;
mod verifier;
