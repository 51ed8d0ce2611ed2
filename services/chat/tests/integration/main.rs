//! Conversations over their routes and RPCs, on an isolated platform, with a model catalogue of one.

mod chats;
mod house;
mod replies;
mod sending;
