//! The doors of notification: JSON for people, RPCs for services that have something to send.

pub mod grpc;
pub mod http;
