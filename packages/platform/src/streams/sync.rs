//! Bounds what a power cut takes: a thread beside the writer that syncs what was written, about once
//! a second and only when there is something. No append waits for it. One that fails ends the process.

use super::log;
use crate::{Error, Result};
use std::{
    collections::BTreeMap,
    fs::File,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Files with unsynced bytes, by their number.
    written: Mutex<BTreeMap<u64, Arc<File>>>,
    stop: AtomicBool,
}

impl Syncer {
    /// Syncs at most once per `pause`.
    pub fn start(pause: Duration) -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let thread = thread::Builder::new().name("streams-sync".into());
        let thread = thread.spawn({
            let shared = shared.clone();
            move || run(&shared, pause)
        });
        Ok(Self { shared, thread: Some(thread.map_err(Error::internal)?) })
    }

    /// This file has bytes that a power cut would take.
    pub fn written(&self, number: u64, file: &Arc<File>) {
        let mut written = self.shared.written.lock().unwrap_or_else(PoisonError::into_inner);
        let wake = written.is_empty();
        written.entry(number).or_insert_with(|| file.clone());
        drop(written);
        if let Some(thread) = self.thread.as_ref().filter(|_| wake) {
            thread.thread().unpark();
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // a panic there was logged; what it could not sync is the same as a power cut's loss
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, pause: Duration) {
    loop {
        let stop = shared.stop.load(Ordering::Acquire);
        let written = mem::take(&mut *shared.written.lock().unwrap_or_else(PoisonError::into_inner));
        if written.is_empty() {
            if stop {
                return;
            }
            thread::park();
            continue;
        }
        for (number, file) in written {
            log::sync(number, &file);
        }
        let until = Instant::now() + pause;
        while !shared.stop.load(Ordering::Acquire) && Instant::now() < until {
            thread::park_timeout(until.saturating_duration_since(Instant::now()));
        }
    }
}
