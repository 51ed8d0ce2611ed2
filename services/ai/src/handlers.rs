//! The two doors of ai.

pub mod grpc;
pub mod http;
