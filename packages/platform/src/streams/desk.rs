//! Where calls wait to be written, and who writes them: whichever caller finds the writer free takes what
//! waits, its own call and those of others, so that no piece of an answer needs another thread to be
//! woken. Is the disk slow, a thread writes alone, so that no caller's thread stands still with it.

use super::{
    options::Options,
    writer::{Command, Writer, weight},
};
use crate::{Error, Result};
use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What one write gathers at most, in bytes (the last command may exceed it).
const TICK_BYTES: usize = 1024 * 1024;
/// How often in a row one caller writes what others have brought meanwhile.
const ROUNDS: usize = 4;
/// A write that takes longer shows a slow disk (most take some microseconds: nothing is synced).
const SLOW: Duration = Duration::from_millis(50);
/// For so long the thread writes alone after one.
const CAREFUL: Duration = Duration::from_secs(1);

pub struct Desk {
    queue: Mutex<Queue>,
    writer: Mutex<Writer>,
    /// Callers leave the writing to the thread.
    slow: AtomicBool,
    closed: AtomicBool,
    /// What may wait: commands, and bytes of them.
    most: (usize, usize),
}

#[derive(Default)]
struct Queue {
    commands: VecDeque<Command>,
    bytes: usize,
}

impl Desk {
    pub fn new(writer: Writer, options: &Options) -> Self {
        Self {
            queue: Mutex::default(),
            writer: Mutex::new(writer),
            slow: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            most: (options.queue, options.queue_bytes),
        }
    }

    /// Takes a command, which somebody must serve.
    ///
    /// # Errors
    /// `unavailable` when too much waits.
    pub fn submit(&self, command: Command) -> Result<()> {
        let mut queue = self.queue();
        let bytes = weight(&command.action);
        if queue.commands.len() >= self.most.0 {
            return Err(Error::unavailable("too many calls wait for the streams log"));
        }
        if queue.bytes + bytes > self.most.1 {
            return Err(Error::unavailable("too many bytes wait for the streams log"));
        }
        queue.bytes += bytes;
        queue.commands.push_back(command);
        Ok(())
    }

    /// Writes what waits, unless somebody is at it, who then writes it too. False when the thread is to do it.
    pub fn serve(&self) -> bool {
        if self.slow.load(Ordering::Relaxed) {
            return false;
        }
        for _ in 0..ROUNDS {
            let mut writer = match self.writer.try_lock() {
                Ok(writer) => writer,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // who has it looks at the queue once more after having let it go
                Err(TryLockError::WouldBlock) => return true,
            };
            self.tick(&mut writer);
            let is_due = writer.is_due();
            drop(writer);
            if is_due || self.slow.load(Ordering::Relaxed) {
                return false;
            }
            if self.queue().commands.is_empty() {
                return true;
            }
        }
        false
    }

    /// Writes what waits and does what is due, where there is no thread.
    pub fn serve_alone(&self) {
        let mut writer = self.writer();
        writer.tidy();
        while !self.queue().commands.is_empty() {
            self.tick(&mut writer);
        }
        writer.tidy();
    }

    /// The thread: writes when it is woken, looks for what is due, ends when the desk is closed.
    pub fn attend(&self) {
        let mut careful_until = None;
        loop {
            let closed = self.closed.load(Ordering::Acquire);
            let mut writer = self.writer();
            let mut took_long = false;
            while !self.queue().commands.is_empty() {
                took_long |= self.tick(&mut writer);
            }
            writer.tidy();
            let mut pause = writer.pause();
            drop(writer);
            if closed {
                return;
            }
            if self.slow.load(Ordering::Relaxed) {
                let now = Instant::now();
                if took_long || careful_until.is_none() {
                    careful_until = Some(now + CAREFUL);
                } else if careful_until.is_some_and(|until| until <= now) {
                    careful_until = None;
                    self.slow.store(false, Ordering::Relaxed);
                }
                pause = pause.min(CAREFUL);
            }
            // who brings something wakes it, also before it sleeps
            if self.queue().commands.is_empty() {
                thread::park_timeout(pause);
            }
        }
    }

    /// No more calls come.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// One write; whether it took long.
    fn tick(&self, writer: &mut Writer) -> bool {
        let mut commands = Vec::new();
        let mut queue = self.queue();
        let mut bytes = 0;
        while bytes < TICK_BYTES
            && let Some(command) = queue.commands.pop_front()
        {
            bytes += weight(&command.action);
            commands.push(command);
        }
        queue.bytes -= bytes;
        drop(queue);
        let start = Instant::now();
        writer.tick(commands);
        let took_long = start.elapsed() > SLOW;
        if took_long {
            self.slow.store(true, Ordering::Relaxed);
        }
        took_long
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use crate::streams::{FileStreams, Options, Streams as _};
    use bytes::Bytes;
    use std::{sync::Arc, sync::atomic::Ordering};
    use uuid::Uuid;

    /// Many at once, while the disk changes between quick and slow: every call is written, whoever does it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_writes_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let streams = Arc::new(FileStreams::open(folder.path(), Options::default()).unwrap());
        let writers = (0..64).map(|_| {
            let streams = streams.clone();
            tokio::spawn(async move {
                let stream = Uuid::now_v7();
                streams.open(stream, 1, 0).await.unwrap();
                for seq in 0..200 {
                    let next = streams.append(stream, 1, vec![Bytes::from_static(b"piece")]).await.unwrap();
                    assert_eq!(next, seq + 1);
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let desk = streams.desk();
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            desk.slow.fetch_xor(true, Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_micros(300)).await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_disk_that_was_slow_is_quick_again_later() {
        let folder = tempfile::tempdir().unwrap();
        let streams = FileStreams::open(folder.path(), Options::default()).unwrap();
        streams.desk().slow.store(true, Ordering::Relaxed);
        let start = std::time::Instant::now();
        while streams.desk().slow.load(Ordering::Relaxed) {
            streams.open(Uuid::now_v7(), 1, 0).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            assert!(start.elapsed().as_secs() < 20);
        }
    }
}
