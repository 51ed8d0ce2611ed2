//! Answers from lease to stored end, with the real chat service, two workers on one database, and
//! providers that die, hang and come back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod door;
mod erasure;
mod house;
mod leases;
mod limits;
mod pictures;
mod places;
mod providers;
mod room;
#[allow(dead_code, reason = "one server for two suites")]
#[path = "../providers/server.rs"]
mod server;
mod takeover;
