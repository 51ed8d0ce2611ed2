//! What happened, in its order: each event with its virtual time. Two runs of a seed must write the same.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

pub struct History {
    start: Instant,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    violations: Vec<String>,
}

impl History {
    pub fn begin() -> Self {
        Self { start: Instant::now(), told: Mutex::default() }
    }

    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub fn tell(&self, who: &str, what: impl AsRef<str>) {
        let line = format!("{:>9.3} {who:<10} {}", self.now().as_secs_f64(), what.as_ref());
        self.told.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line);
    }

    /// A promise was broken.
    pub fn broken(&self, what: impl Into<String>) {
        let what = what.into();
        self.tell("BROKEN", &what);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).violations.push(what);
    }

    pub fn must(&self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.broken(why());
        }
    }

    pub fn end(&self) -> Outcome {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Told { lines, violations } = std::mem::take(&mut *told);
        Outcome { lines, violations }
    }
}

/// A history that is over.
pub struct Outcome {
    pub lines: Vec<String>,
    pub violations: Vec<String>,
}

impl Outcome {
    /// FNV-1a over all lines.
    pub fn digest(&self) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self.lines.iter().flat_map(|line| line.bytes().chain([b'\n'])) {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        digest
    }

    pub fn text(&self) -> String {
        self.lines.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }

    /// The first line in which two histories differ.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let lines = self.lines.iter().zip(&other.lines).find(|(one, two)| one != two);
        match lines {
            Some((one, two)) => Some(format!("{one}\n{two}")),
            None if self.lines.len() == other.lines.len() => None,
            None => Some(format!("{} lines and {} lines", self.lines.len(), other.lines.len())),
        }
    }
}
