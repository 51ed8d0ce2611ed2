//! Sign-in, over its routes, with the two services it asks, on an isolated platform.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod callers;
mod house;
mod input;
mod limits;
mod secrecy;
mod set_up;
mod sign_in;
