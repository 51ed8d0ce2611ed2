//! Section `[user]` of the configuration.

use serde::Deserialize;

/// Nothing about accounts can be set; a key that is set all the same is named at start-up.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}
