//! The door of auth: JSON for the gateway's clients. Nothing asks it by RPC.

pub mod http;
