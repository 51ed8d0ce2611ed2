//! How many files and connections this process may hold open. Shells and service managers start
//! programs with a soft limit of 1,024, which is for programs of another time: every client, and every
//! answer that is being written, is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as this user may, and answers what it is then.
#[must_use]
pub fn raise() -> u64 {
    let found = getrlimit(Resource::Nofile);
    // A system that refuses leaves the limit as it was: fewer connections, nothing worse.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: found.maximum, maximum: found.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_this_user_may_hold() {
        let most = getrlimit(Resource::Nofile).maximum;
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(512), maximum: most });
        let raised = raise();
        assert_eq!(raised, most.unwrap_or(u64::MAX));
        assert!(raised > 512);
    }
}
