//! The doors of analytics: JSON and CSV.

mod csv;
pub mod http;
