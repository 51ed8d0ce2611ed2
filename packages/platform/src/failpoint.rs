//! Crash points and seeded faults for the crash suite. Without the feature `failpoints` both are
//! constants that the compiler removes, so a shipped binary has neither.

/// Kills this process with SIGKILL when `TAIFAS_FAILPOINT` names `point`: `C1` at the first pass,
/// `C1:3` at the third.
#[cfg(feature = "failpoints")]
pub fn hit(point: &str) {
    armed::hit(point);
}

/// Kills nothing: the crash suite is not compiled in.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub const fn hit(_point: &str) {}

/// As [`hit`], for a point that many pass: `TAIFAS_FAILPOINT` may name all of them (`R1`), or only
/// those of one kind (`R1.message.sent`).
#[cfg(feature = "failpoints")]
pub fn hit_of(point: &str, kind: &str) {
    armed::hit_of(point, kind);
}

/// Kills nothing: the crash suite is not compiled in.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub const fn hit_of(_point: &str, _kind: &str) {}

#[cfg(feature = "failpoints")]
mod wire;
#[cfg(feature = "failpoints")]
pub use wire::{Wire, wire};

/// The connection as it is: the crash suite is not compiled in.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub const fn wire<S>(stream: S) -> S {
    stream
}

/// Whether `TAIFAS_MUTANT` (names separated by commas) switches on the seeded fault `name`.
#[cfg(feature = "failpoints")]
#[must_use]
pub fn mutant(name: &str) -> bool {
    armed::mutant(name)
}

/// Always false: the crash suite is not compiled in.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[must_use]
pub const fn mutant(_name: &str) -> bool {
    false
}

/// Stalls the first pass of `point` when `TAIFAS_PAUSE` names it (names separated by commas), until
/// the file named by `TAIFAS_PAUSE_UNTIL` exists: what comes late is not only what is killed. A file
/// beside it, with the point as its extension, says that the point was reached.
#[cfg(feature = "failpoints")]
pub async fn pause(point: &str) {
    if let Some(until) = armed::stalls(point) {
        let _ = std::fs::write(until.with_extension(point), "");
        while !until.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// Stalls nothing: the crash suite is not compiled in.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn pause(_point: &str) -> std::future::Ready<()> {
    std::future::ready(())
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::{
        collections::HashSet,
        path::PathBuf,
        sync::{
            Mutex, OnceLock, PoisonError,
            atomic::{AtomicU32, Ordering},
        },
    };

    /// The point to die at, and at which pass.
    fn target() -> Option<&'static (String, u32)> {
        static TARGET: OnceLock<Option<(String, u32)>> = OnceLock::new();
        TARGET.get_or_init(|| parse(&std::env::var("TAIFAS_FAILPOINT").ok()?)).as_ref()
    }

    fn parse(text: &str) -> Option<(String, u32)> {
        let (name, pass) = text.split_once(':').unwrap_or((text, "1"));
        let pass = pass.parse().ok().filter(|pass| *pass > 0)?;
        (!name.is_empty()).then(|| (name.to_owned(), pass))
    }

    pub fn hit(point: &str) {
        if reached(point) {
            die();
        }
    }

    pub fn hit_of(point: &str, kind: &str) {
        let named = target()
            .is_some_and(|(name, _)| name.strip_prefix(point).and_then(|rest| rest.strip_prefix('.')) == Some(kind));
        if named && reached(&format!("{point}.{kind}")) || reached(point) {
            die();
        }
    }

    /// Whether this is the point, and the pass at it, to die at.
    pub fn reached(point: &str) -> bool {
        static PASSES: AtomicU32 = AtomicU32::new(0);
        let Some((name, pass)) = target() else { return false };
        name == point && PASSES.fetch_add(1, Ordering::SeqCst) + 1 == *pass
    }

    /// SIGKILL runs no handler and no destructor: what is on the disk now is all there is.
    pub fn die() {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }

    pub fn mutant(name: &str) -> bool {
        static NAMES: OnceLock<Vec<String>> = OnceLock::new();
        NAMES
            .get_or_init(|| {
                let names = std::env::var("TAIFAS_MUTANT").unwrap_or_default();
                names.split(',').map(|name| name.trim().to_owned()).collect()
            })
            .iter()
            .any(|known| known == name)
    }

    /// The file to wait for, at the first pass of a point that is to stall.
    pub fn stalls(point: &str) -> Option<PathBuf> {
        static LEFT: OnceLock<Mutex<HashSet<String>>> = OnceLock::new();
        let left = LEFT.get_or_init(|| {
            let names = std::env::var("TAIFAS_PAUSE").unwrap_or_default();
            Mutex::new(names.split(',').map(|name| name.trim().to_owned()).collect())
        });
        let first = left.lock().unwrap_or_else(PoisonError::into_inner).remove(point);
        first.then(|| std::env::var_os("TAIFAS_PAUSE_UNTIL").map(PathBuf::from)).flatten()
    }

    #[cfg(test)]
    mod tests {
        use super::parse;

        #[test]
        fn a_point_may_carry_its_pass() {
            assert_eq!(parse("C1"), Some(("C1".to_owned(), 1)));
            assert_eq!(parse("C1:3"), Some(("C1".to_owned(), 3)));
            assert_eq!(parse("C1:0"), None);
            assert_eq!(parse(":2"), None);
            assert_eq!(parse(""), None);
        }
    }
}
