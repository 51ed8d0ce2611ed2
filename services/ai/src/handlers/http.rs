//! JSON in, JSON out: one part for people, one for administrators, one for programs.

mod admin;
mod people;

use crate::service::Ai;
use platform::api::Api;

pub fn api() -> Api<Ai> {
    admin::add(people::add(Api::default()))
}
