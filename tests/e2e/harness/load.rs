//! People who write for as long as they are let, and what was acknowledged to them.

use super::{Client, Draft};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A message that was acknowledged.
#[derive(Clone, Debug)]
pub struct Written {
    pub chat: Uuid,
    pub message: Uuid,
    pub text: String,
    pub at: Instant,
}

/// What a server needs that lets one person write without end.
pub const WITHOUT_END: (&str, &str) = ("TAIFAS__GATEWAY__WRITES_PER_MINUTE", "10000000");

/// They write until this is dropped.
pub struct Load {
    state: Arc<State>,
    writers: Vec<JoinHandle<Result<()>>>,
}

#[derive(Default)]
struct State {
    ending: AtomicBool,
    written: Mutex<Vec<Written>>,
}

impl Load {
    pub fn begin(owner: &Client, writers: usize) -> Self {
        let state = Arc::<State>::default();
        let writers = (0..writers).map(|_| tokio::spawn(write(owner.clone(), state.clone()))).collect();
        Self { state, writers }
    }

    pub fn so_far(&self) -> Vec<Written> {
        self.state.written().clone()
    }

    /// Waits for so many; fails with what a writer says who gives up.
    pub async fn reaches(&mut self, count: usize) -> Result<()> {
        let start = Instant::now();
        while self.state.written().len() < count {
            if let Some(at) = self.writers.iter().position(JoinHandle::is_finished) {
                self.writers.swap_remove(at).await?.context("a writer")?;
                bail!("a writer has ended");
            }
            ensure!(start.elapsed() < Duration::from_secs(60), "{} of {count} in 60 s", self.state.written().len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Lets them end in order; how many messages there are.
    pub async fn end(mut self) -> Result<usize> {
        self.state.ending.store(true, Ordering::Relaxed);
        for writer in self.writers.drain(..) {
            writer.await??;
        }
        Ok(self.so_far().len())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.state.ending.store(true, Ordering::Relaxed);
    }
}

impl State {
    fn written(&self) -> std::sync::MutexGuard<'_, Vec<Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(owner: Client, state: Arc<State>) -> Result<()> {
    while !state.ending.load(Ordering::Relaxed) {
        let draft = Draft::new("continues", &json!({"tokens": 4, "delay_ms": 1}));
        owner.send(&draft).await?;
        let text = draft.text().to_owned();
        state.written().push(Written { chat: draft.chat, message: draft.id, text, at: Instant::now() });
    }
    Ok(())
}
