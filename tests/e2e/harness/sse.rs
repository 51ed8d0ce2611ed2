//! Server-Sent Events as they come over the wire (WHATWG HTML §9.2), with deadlines.

use super::{About, Ear};
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// One event. An id is `<epoch>-<seq>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: String,
    pub id: Option<String>,
    pub data: Value,
}

impl Event {
    /// Epoch and seq of the id; -1 for none.
    pub fn position(&self) -> Result<Option<(String, i64)>> {
        let Some(id) = &self.id else { return Ok(None) };
        let (epoch, seq) = id.split_once('-').with_context(|| format!("an id without a dash: {id}"))?;
        ensure!(u64::from_str_radix(epoch, 16).is_ok(), "an epoch that is not hexadecimal: {id}");
        let seq = if seq == "none" { -1 } else { seq.parse()? };
        Ok(Some((epoch.to_owned(), seq)))
    }

    pub fn text(&self) -> &str {
        self.data["text"].as_str().unwrap_or_default()
    }
}

/// An open stream.
pub struct Sse {
    body: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    unread: Vec<u8>,
    ear: Option<(Arc<Ear>, About)>,
}

impl Sse {
    pub fn new(response: reqwest::Response) -> Self {
        Self { body: response.bytes_stream().boxed(), unread: Vec::new(), ear: None }
    }

    /// Everything that comes is heard by this person.
    pub fn heard_by(self, ear: Arc<Ear>, about: About) -> Self {
        Self { ear: Some((ear, about)), ..self }
    }

    /// The next event; none at the end of the stream, an error when it breaks or is silent too long.
    pub async fn next(&mut self, limit: Duration) -> Result<Option<Event>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                if let Some((ear, about)) = &self.ear {
                    ear.hear(std::str::from_utf8(&block)?, *about);
                }
                if let Some(event) = read(&block)? {
                    return Ok(Some(event));
                }
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.body.next()).await {
                Err(_) => bail!("no event within {limit:?}"),
                Ok(None) => {
                    ensure!(self.unread.is_empty(), "the stream ends within an event");
                    return Ok(None);
                }
                Ok(Some(bytes)) => self.unread.extend_from_slice(&bytes?),
            }
        }
    }

    /// Events until the stream ends or nothing comes for `quiet`.
    pub async fn collect(&mut self, quiet: Duration) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        while let Ok(Some(event)) = self.next(quiet).await {
            events.push(event);
        }
        Ok(events)
    }
}

/// The event of a block; none for a comment.
fn read(block: &[u8]) -> Result<Option<Event>> {
    let (mut kind, mut id, mut data) = (String::new(), None, None);
    for line in std::str::from_utf8(block)?.lines().filter(|line| !line.is_empty() && !line.starts_with(':')) {
        let (field, value) = line.split_once(": ").with_context(|| format!("not a field: {line}"))?;
        match field {
            "event" => kind = value.to_owned(),
            "id" => id = Some(value.to_owned()),
            "data" => data = Some(serde_json::from_str(value)?),
            "retry" => {}
            _ => bail!("unknown field {field}"),
        }
    }
    Ok(data.map(|data| Event { kind, id, data }))
}
