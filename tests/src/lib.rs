//! Suites that cross crates live beside this file, a folder each. This crate has no code of its own but the
//! disk that the crash suite cuts the power of (`bin/platter`).
