//! Conversations over their routes and RPCs, on an isolated platform, with a model catalogue of one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod branches;
mod chats;
mod erasure;
mod files;
mod house;
mod imports;
mod replies;
mod search;
mod sending;
mod shelves;
mod titles;
