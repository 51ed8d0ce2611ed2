//! The program as people run it: started, used over HTTP, killed, started again.

mod account;
#[path = "../chaos/mod.rs"]
mod chaos;
mod chats;
mod faults;
mod harness;
mod sends;
mod stops;
mod streams;
