//! A reader that never gives up, as a browser: it comes back with the last id it has, through any
//! number of restarts, and notes whatever breaks the promise of the stream: a gap, a repetition,
//! text that vanishes or is started over, another epoch.

use super::{CALL, Client, Ear, Event, Feed};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// What the reader has been shown so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub text: String,
    /// Where marks stand, in characters.
    pub marks: Vec<u64>,
    pub epoch: Option<String>,
    pub last: Option<i64>,
    pub last_id: Option<String>,
    /// The data of `done`.
    pub done: Option<Value>,
    pub events: usize,
    pub connections: usize,
    pub recovered: usize,
    /// What must not happen.
    pub violations: Vec<String>,
    /// How often the power was cut: so often the epoch may change, and only then text may vanish.
    pub cuts: Arc<AtomicUsize>,
    /// How often it has changed.
    pub epochs: usize,
}

/// What a reader holds.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// The reply's own event stream; dropped by the reader after so many events.
    Stream(Option<usize>),
    /// The live feed, a WebSocket.
    Feed,
}

/// A reader in a task of its own.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
    ear: Arc<Ear>,
}

impl Watch {
    /// Follows `reply` to its end. With `breaks`, it also drops its own connection after so many events.
    pub fn begin(client: &Client, reply: Uuid, breaks: Option<usize>) -> Self {
        Self::go_on(client, reply, breaks, Seen::default())
    }

    /// Follows again after an end, from what was seen then.
    pub fn go_on(client: &Client, reply: Uuid, breaks: Option<usize>, seen: Seen) -> Self {
        Self::over(client, reply, Over::Stream(breaks), seen)
    }

    /// Follows over what a reader holds, from what was seen.
    pub fn over(client: &Client, reply: Uuid, over: Over, seen: Seen) -> Self {
        let seen = Arc::new(Mutex::new(Seen { done: None, ..seen }));
        let (client, noted, ear) = (client.clone(), seen.clone(), client.ear.clone());
        let task = tokio::spawn(async move {
            match over {
                Over::Stream(breaks) => follow(client, reply, breaks, noted).await,
                Over::Feed => follow_on_feed(client, reply, noted).await,
            }
        });
        Self { seen, task, ear }
    }

    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// How often the power was cut, for whoever cuts it.
    pub fn cuts(&self) -> Arc<AtomicUsize> {
        lock(&self.seen).cuts.clone()
    }

    /// Waits for the end.
    pub async fn done(mut self, limit: Duration) -> Result<Seen> {
        if tokio::time::timeout(limit, &mut self.task).await.is_err() {
            bail!("no end of the reply within {limit:?}; seen: {:?}", lock(&self.seen));
        }
        lock(&self.seen).violations.extend(self.ear.foreign());
        Ok(lock(&self.seen).clone())
    }

    /// Waits until so much text has been shown.
    pub async fn shows(&self, characters: usize, limit: Duration) -> Result<Seen> {
        super::until("text is shown", limit, async || {
            let seen = self.seen();
            Ok((seen.text.chars().count() >= characters || seen.done.is_some()).then_some(seen))
        })
        .await
        .with_context(|| format!("seen: {:?}", self.seen()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn follow(client: Client, reply: Uuid, breaks: Option<usize>, seen: Arc<Mutex<Seen>>) {
    loop {
        let last = lock(&seen).last_id.clone();
        if let Ok((status, mut stream)) = client.stream(reply, last.as_deref()).await {
            if matches!(status, 401 | 403 | 404) {
                lock(&seen).violations.push(format!("the stream answers {status}"));
                return;
            }
            let mut on_this = 0;
            lock(&seen).connections += 1;
            while status == 200
                && let Ok(Some(event)) = stream.next(Duration::from_secs(40)).await
            {
                let mut seen = lock(&seen);
                if on_this == 0 && last.is_some() && event.kind != "snapshot" {
                    seen.recovered += 1;
                }
                on_this += 1;
                if let Err(why) = seen.take(&event) {
                    seen.violations.push(format!("{why:#}"));
                }
                if seen.done.is_some() {
                    return;
                }
                if event.kind == "reconnect" || breaks.is_some_and(|after| on_this >= after) {
                    break;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As a browser with a WebSocket: a feed that ends is opened again, and the reply followed from its place.
async fn follow_on_feed(client: Client, reply: Uuid, seen: Arc<Mutex<Seen>>) {
    loop {
        let last = lock(&seen).last_id.clone();
        if let Ok(mut feed) = Feed::open(&client, None).await
            && feed.follow(reply, last.as_deref()).await.is_ok()
        {
            lock(&seen).connections += 1;
            while let Ok(message) = feed.next(4 * CALL).await {
                if message["type"] != "reply" || message["reply"] != json!(reply) {
                    continue;
                }
                let text = |member: &str| message[member].as_str().map(str::to_owned);
                let event =
                    Event { kind: text("event").unwrap_or_default(), id: text("id"), data: message["data"].clone() };
                let mut seen = lock(&seen);
                if event.kind == "error" {
                    if matches!(event.data["code"].as_str(), Some("not_found" | "forbidden" | "unauthenticated")) {
                        seen.violations.push(format!("the feed refuses the reply: {}", event.data));
                        return;
                    }
                    break;
                }
                if let Err(why) = seen.take(&event) {
                    seen.violations.push(format!("{why:#}"));
                }
                if seen.done.is_some() {
                    return;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Seen {
    fn take(&mut self, event: &Event) -> Result<()> {
        self.events += 1;
        let position = event.position()?;
        let another =
            position.as_ref().is_some_and(|(epoch, _)| self.epoch.as_ref().is_some_and(|known| known != epoch));
        let after_cut = another && event.kind == "snapshot" && self.epochs < self.cuts.load(Ordering::SeqCst);
        let outcome = match event.kind.as_str() {
            "snapshot" => self.replace(event, after_cut),
            "text" | "mark" | "end" => {
                let (epoch, seq) = position.clone().context("an event without an id")?;
                let outcome = self.connects(&epoch, seq);
                match event.kind.as_str() {
                    "text" => self.text.push_str(event.text()),
                    "mark" => self.marks.push(self.text.chars().count() as u64),
                    _ => {}
                }
                outcome
            }
            "done" => {
                self.done = Some(event.data.clone());
                Ok(())
            }
            "sent" | "state" | "reconnect" => Ok(()),
            other => bail!("an event of an unknown kind: {other}"),
        };
        if let Some((epoch, seq)) = position {
            if after_cut {
                self.epochs += 1;
            } else if another {
                self.violations.push(format!("the epoch changes from {:?} to {epoch}", self.epoch));
            }
            (self.epoch, self.last, self.last_id) = (Some(epoch), Some(seq), event.id.clone());
        }
        outcome
    }

    /// Text that was shown stays: what replaces it begins with it, but for what a power cut has taken.
    fn replace(&mut self, event: &Event, after_cut: bool) -> Result<()> {
        let before = std::mem::replace(&mut self.text, event.text().to_owned());
        let marks = event.data["marks"].as_array().into_iter().flatten();
        self.marks = marks.filter_map(|mark| mark["at"].as_u64()).collect();
        if !after_cut && !self.text.starts_with(&before) {
            bail!("shown text vanishes: {:?} is replaced by {:?}", before, self.text);
        }
        Ok(())
    }

    fn connects(&self, epoch: &str, seq: i64) -> Result<()> {
        // before any id, only nothing can have been shown
        let expected = self.last.map_or(0, |last| last + 1);
        let other = self.epoch.as_deref().is_some_and(|known| known != epoch);
        if other || seq != expected {
            bail!("the stream does not connect: {:?}-{:?} is followed by {epoch}-{seq}", self.epoch, self.last);
        }
        Ok(())
    }
}
