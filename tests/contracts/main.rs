//! The contracts of the ports: one suite per port, written for any adapter. Each runs on the adapters
//! there are, and on deliberately broken ones that must fail a check by name, so that a suite that
//! tests nothing is noticed.

mod bus;
mod cache;
mod db;
mod hints;
mod objects;
mod peers;
mod secrets;
mod streams;
mod suite;
mod tasks;
