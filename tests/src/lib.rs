//! Suites that cross crates live beside this file, a folder each; this crate has no code of its own.
