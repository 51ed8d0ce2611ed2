//! The documentation Guide quotes, taken into the binary when it is built (see this crate's build script, the only list there is).

/// One Markdown file.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// From the root of the repository, with forward slashes: `docs/architecture.md`.
    pub path: &'static str,
    pub text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/documents.rs"));
