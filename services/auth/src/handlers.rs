//! The doors of auth: JSON for the gateway's clients, RPCs for other services and the command line.

pub mod grpc;
pub mod http;
