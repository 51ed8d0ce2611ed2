//! The doors of analytics: JSON and CSV, and the call of another service.

mod csv;
pub mod grpc;
pub mod http;
