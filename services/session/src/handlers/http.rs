//! No route: a browser's session begins and ends at sign-in's, and no other is needed so far.

use crate::service::Sessions;
use platform::api::Api;

pub fn api() -> Api<Sessions> {
    Api::default()
}
