//! Sign-in, over its routes, with the two services it asks, on an isolated platform.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod callers;
mod house;
mod input;
mod invitations;
mod keys;
mod leaving;
mod limits;
mod passwords;
mod roles;
mod secrecy;
mod set_up;
mod sign_in;
