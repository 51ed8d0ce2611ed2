//! The two doors of user: JSON for the gateway's clients, RPCs for other services.

pub mod grpc;
pub mod http;
