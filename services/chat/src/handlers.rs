//! The two doors of chat: JSON for the gateway's clients, RPCs for other services.

pub mod grpc;
pub mod http;
