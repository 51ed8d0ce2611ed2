//! Streams that break one promise each, and the check that must notice.
