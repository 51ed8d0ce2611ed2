//! JSON in, JSON out: one part for people, one for administrators, one for programs.

mod admin;
mod limits;
mod people;

use crate::service::Ai;
use platform::api::Api;

pub fn api() -> Api<Ai> {
    admin::add(limits::add(people::add(Api::default())))
}
