//! What stands between a process and everything outside of it. A process can be seen only by what it
//! does to its ports; so one whose gate is shut for good was killed at that moment, and one whose gate
//! is shut for a while was stopped and goes on late, as `SIGSTOP` and `SIGCONT` do it.

use crate::dice::Dice;
use async_trait::async_trait;
use platform::{
    Error, Result,
    db::{Access, Pace},
};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Stopped,
    Dead,
}

pub struct Gate {
    state: Mutex<State>,
    /// Wakes in the order of waiting.
    changed: Notify,
    dice: Dice,
    crossings: AtomicU64,
    /// The crossing at which the process dies.
    doom: AtomicU64,
    full: AtomicBool,
}

impl Gate {
    pub fn new(dice: Dice) -> Self {
        Self {
            state: Mutex::new(State::Open),
            changed: Notify::new(),
            dice,
            crossings: AtomicU64::new(0),
            doom: AtomicU64::new(u64::MAX),
            full: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, from: State, to: State) {
        let mut state = self.state();
        if *state == from {
            *state = to;
            drop(state);
            self.changed.notify_waiters();
        }
    }

    async fn until(&self, wanted: State) {
        loop {
            let changed = self.changed.notified();
            if *self.state() == wanted {
                return;
            }
            changed.await;
        }
    }

    pub fn kill(&self) {
        *self.state() = State::Dead;
        self.changed.notify_waiters();
    }

    /// It dies when it has done so much more, wherever it is then.
    pub fn kill_after(&self, crossings: u64) {
        self.doom.store(self.crossings.load(Ordering::Relaxed) + crossings, Ordering::Relaxed);
    }

    pub fn stop(&self) {
        self.turn(State::Open, State::Stopped);
    }

    pub fn go_on(&self) {
        self.turn(State::Stopped, State::Open);
    }

    pub fn is_dead(&self) -> bool {
        *self.state() == State::Dead
    }

    pub fn fill_disk(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    pub async fn dead(&self) {
        self.until(State::Dead).await;
    }

    /// Something goes in or out: it takes a while now and then, and it may be the last thing.
    pub async fn cross(&self) {
        let count = self.crossings.fetch_add(1, Ordering::Relaxed) + 1;
        if count >= self.doom.load(Ordering::Relaxed) {
            self.kill();
        }
        let pause = match self.dice.between(0, 100) {
            0..80 => 0,
            80..97 => self.dice.between(1, 5),
            _ => self.dice.between(5, 60),
        };
        if pause > 0 {
            sleep(Duration::from_millis(pause)).await;
        }
        self.open().await;
    }

    /// Waits while the process is stopped; for ever when it is dead.
    pub async fn open(&self) {
        self.until(State::Open).await;
    }

    /// As [`Gate::open`], where a stopped process may be answered all the same.
    pub async fn alive(&self) {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }
}

/// The database of a process.
pub struct Paced(pub std::sync::Arc<Gate>);

#[async_trait]
impl Pace for Paced {
    async fn before(&self, access: Access) -> Result<()> {
        self.0.cross().await;
        if access == Access::Write && self.0.full.load(Ordering::Relaxed) {
            return Err(Error::unavailable("the disk that holds the database is full; free space on it"));
        }
        Ok(())
    }

    async fn after(&self, access: Access) {
        match access {
            Access::Write => self.0.cross().await,
            Access::Read => self.0.open().await,
        }
    }
}
