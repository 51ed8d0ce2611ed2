//! JSON in, JSON out: one part for people, one for administrators, one for programs.

mod admin;
mod limits;
mod people;
mod programs;

use crate::service::Ai;
use platform::api::Api;

pub fn api() -> Api<Ai> {
    programs::add(admin::add(limits::add(people::add(Api::default()))))
}
