//! Section `[chat]` of the configuration.

use serde::Deserialize;

/// Limits of conversations.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The longest message, in characters.
    pub message_limit: usize,
    /// For how many hours at least a repeated send gets the first one's answer.
    pub remember_sends_hours: u32,
    /// For how many days what was deleted can be taken out of the trash.
    pub trash_days: u32,
    /// The largest picture, in megabytes.
    pub image_limit_mb: u64,
    /// What all files of one person may take up, in megabytes.
    pub files_limit_mb: u64,
    /// The largest import, in megabytes.
    pub import_limit_mb: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            message_limit: 200_000,
            remember_sends_hours: 48,
            trash_days: 30,
            image_limit_mb: 20,
            files_limit_mb: 2_048,
            import_limit_mb: 200,
        }
    }
}
