//! The program as people run it: started, used over HTTP, killed, started again.

mod account;
mod archive;
mod audit;
mod authorisation;
mod bad_input;
#[path = "../chaos/mod.rs"]
mod chaos;
mod chats;
mod commands;
mod doctor;
mod door;
mod drill;
mod erasures;
mod export;
mod faults;
mod forgery;
mod harness;
mod identity;
mod live;
mod mail;
mod network;
mod package;
mod sends;
mod start_up;
mod stops;
mod streams;
mod upgrade;
mod upstream;
