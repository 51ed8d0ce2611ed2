//! Answers from lease to stored end, with the real chat service, two workers on one database, and
//! providers that die, hang and come back.

mod house;
mod leases;
mod takeover;
