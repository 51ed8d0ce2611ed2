//! What every Taifas service stands on: the ports (with their embedded adapters) and the kit
//! for routes, RPCs, errors and telemetry. A service receives one [`Platform`] and nothing else.

pub mod api;
pub mod audit;
pub mod bus;
pub mod cache;
pub mod clock;
pub mod config;
pub mod db;
pub mod descriptors;
mod disk;
pub mod erased;
pub mod error;
pub mod events;
pub mod failpoint;
pub mod folder;
pub mod hex;
pub mod hints;
pub mod ids;
pub mod isolated;
pub mod journal;
pub mod network;
pub mod objects;
pub mod peers;
pub mod permission;
pub mod pressure;
pub mod principal;
pub mod retention;
pub mod sealed;
pub mod secrets;
pub mod service;
pub mod storage;
pub mod streams;
pub mod tasks;
pub mod telemetry;

pub use error::{Code, Error, Result};
pub use service::{Platform, Service};
