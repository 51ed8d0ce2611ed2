//! The doors of session: RPCs for other services; no JSON routes yet.

pub mod grpc;
pub mod http;
