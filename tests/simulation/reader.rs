//! A reader of one reply, as a browser is one: shows what comes, loses its connection, comes again with
//! the last id it saw (or an older one), and notices whatever does not connect.

use crate::{
    network::{Asked, Line, Lost, short},
    process::Process,
    world::World,
};
use axum::body::Body;
use http::{Method, Response};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How long a silent connection is believed: the server says something every sixteen seconds.
const SILENCE: Duration = Duration::from_secs(45);

pub struct Reader {
    pub world: Arc<World>,
    pub line: Line,
    pub name: String,
    pub reply: Uuid,
    shown: Shown,
    /// What was shown at earlier ids, to come again with one of them.
    earlier: Vec<Shown>,
}

/// What stands on the screen.
#[derive(Clone, Default)]
pub struct Shown {
    pub text: String,
    place: Option<Place>,
}

#[derive(Clone)]
struct Place {
    id: String,
    epoch: String,
    seq: i64,
}

impl Place {
    fn read(id: &str) -> Option<Self> {
        let (epoch, seq) = id.split_once('-')?;
        let seq = if seq == "none" { -1 } else { seq.parse().ok()? };
        Some(Self { id: id.to_owned(), epoch: epoch.to_owned(), seq })
    }
}

/// How a connection ended.
enum Ended {
    Broken,
    /// With the state that the reply has.
    Done(String),
    /// The reply is not to be seen (any more).
    Gone,
}

impl Reader {
    pub fn new(world: Arc<World>, line: Line, name: String, reply: Uuid, shown: Shown) -> Self {
        Self { world, line, name, reply, shown, earlier: Vec::new() }
    }

    /// Until the reply has ended; what was shown then.
    pub async fn follow(mut self) -> Shown {
        loop {
            match self.connect().await {
                Ok(Ended::Done(state)) => {
                    self.tell(format!("done {state} {:?}", self.shown.text));
                    self.world.ledger().shown(self.reply, &self.shown.text, Some(&state));
                    return self.shown;
                }
                Ok(Ended::Gone) => {
                    self.tell("gone");
                    return self.shown;
                }
                Ok(Ended::Broken) | Err(Lost) => {
                    self.world.ledger().shown(self.reply, &self.shown.text, None);
                    sleep(Duration::from_millis(self.line.dice.between(20, 700))).await;
                }
            }
            if self.line.dice.percent(10)
                && let Some(earlier) = self.line.dice.pick(&self.earlier).cloned()
            {
                // a copy of the page that was put aside
                self.shown = earlier;
            }
        }
    }

    fn tell(&self, what: impl AsRef<str>) {
        self.world.history.tell(&self.name, format!("{} {}", short(self.reply), what.as_ref()));
    }

    async fn connect(&mut self) -> Result<Ended, Lost> {
        let mut asked = Asked::new(Method::GET, format!("/api/v1/replies/{}/stream", self.reply));
        asked.last_event = self.shown.place.as_ref().map(|place| place.id.clone());
        let (process, response) = self.line.open(&asked).await?;
        match response.status().as_u16() {
            200 => self.read(&process, response).await,
            404 => Ok(Ended::Gone),
            status => {
                self.world
                    .history
                    .must(matches!(status, 429 | 503 | 504), || format!("I9: a stream is answered {status}"));
                Ok(Ended::Broken)
            }
        }
    }

    async fn read(&mut self, process: &Process, response: Response<Body>) -> Result<Ended, Lost> {
        let mut body = response.into_body();
        let mut text = String::new();
        // how many pieces until this connection breaks
        let mut left = if self.world.is_troubled() && self.line.dice.percent(40) {
            self.line.dice.between(0, 12)
        } else {
            u64::MAX
        };
        loop {
            let frame = tokio::select! {
                biased;
                () = process.gate.dead() => return Err(Lost),
                frame = timeout(SILENCE, body.frame()) => frame.map_err(|_| Lost)?,
            };
            process_open(process).await?;
            let Some(Ok(frame)) = frame else { return Ok(Ended::Broken) };
            let Some(data) = frame.data_ref() else { continue };
            text.push_str(&String::from_utf8_lossy(data));
            while let Some((event, rest)) = text.split_once("\n\n") {
                if left == 0 {
                    return Ok(Ended::Broken);
                }
                left -= 1;
                let (event, rest) = (event.to_owned(), rest.to_owned());
                text = rest;
                if let Some(ended) = self.take(&event) {
                    return Ok(ended);
                }
            }
        }
    }

    fn take(&mut self, event: &str) -> Option<Ended> {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let (id, kind) = (field("id"), field("event")?);
        let data: Value = serde_json::from_str(field("data").unwrap_or_default()).unwrap_or_default();
        let place = id.and_then(Place::read);
        let history = self.world.history.clone();
        match kind {
            "snapshot" => {
                let text = data["text"].as_str().unwrap_or_default();
                history.must(text.starts_with(&self.shown.text), || {
                    format!(
                        "I3: {} shows {:?} of {} after {:?} was shown",
                        self.name, text, self.reply, self.shown.text
                    )
                });
                self.shown = Shown { text: text.to_owned(), place };
            }
            "text" | "mark" | "end" => {
                let Some(place) = place else {
                    history.broken(format!("I4: {} is given a piece of {} without its place", self.name, self.reply));
                    return None;
                };
                if let Some(before) = &self.shown.place {
                    history.must(before.epoch == place.epoch && before.seq + 1 == place.seq, || {
                        format!("I4: {} reads {} of {} behind {}", self.name, place.id, self.reply, before.id)
                    });
                }
                if kind == "text" {
                    self.shown.text.push_str(data["text"].as_str().unwrap_or_default());
                }
                self.shown.place = Some(place);
            }
            "done" => return Some(Ended::Done(data["state"].as_str().unwrap_or_default().to_owned())),
            "reconnect" => return Some(Ended::Broken),
            other => history.broken(format!("{} is given {other:?}", self.name)),
        }
        if self.shown.place.is_some() {
            self.earlier.push(self.shown.clone());
        }
        None
    }
}

async fn process_open(process: &Process) -> Result<(), Lost> {
    tokio::select! {
        biased;
        () = process.gate.dead() => Err(Lost),
        () = process.gate.open() => Ok(()),
    }
}
