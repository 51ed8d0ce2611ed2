//! The program as people run it: started, used over HTTP, killed, started again.

#[path = "../chaos/mod.rs"]
mod chaos;
mod harness;
