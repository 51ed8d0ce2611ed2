//! Notices and letters, over their routes and RPCs and what other services say, with a mail server of
//! the test's own.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod devices;
mod house;
mod letters;
mod notices;
mod smtp;
