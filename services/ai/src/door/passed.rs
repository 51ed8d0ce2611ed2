//! Answers that are passed on as they come: events one by one, without a tree of their JSON. What ends badly ends with an error and
//! never with `[DONE]`.

use super::{document, events, fields::Fields, next_or_alive, refused, said};
use crate::{
    ledger::Tab,
    providers::{Fault, FaultKind, Passes, Sse, SseItem, Timeouts, Usage, wire},
};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use platform::{Error, Result};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// Longest whole answer taken, in bytes.
const WHOLE_LIMIT: usize = 32 << 20;
/// After the answer ended only its count can still come.
const COUNT_GRACE: Duration = Duration::from_secs(3);

/// What is looked at in an answer; everything else goes by.
#[derive(Deserialize)]
struct Seen<'a> {
    #[serde(borrow)]
    choices: Option<Vec<SeenChoice<'a>>>,
    usage: Option<Counts>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SeenChoice<'a> {
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    finish_reason: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Deserialize)]
struct Counts {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl Counts {
    fn usage(self) -> Option<Usage> {
        Some(Usage { input: self.prompt_tokens?, output: self.completion_tokens.unwrap_or(0) })
    }
}

/// Asks for a whole answer.
///
/// # Errors
/// What the provider said.
pub async fn whole(passes: &dyn Passes, fields: &Fields, tab: Tab) -> Result<Response> {
    let outcome = fetch(passes, "chat/completions", fields).await;
    finish_whole(outcome, tab).await
}

/// The body of an answer that is no stream.
pub async fn fetch(passes: &dyn Passes, path: &str, fields: &Fields) -> Result<Vec<u8>> {
    let body = fields.bytes()?;
    let deadline = Instant::now() + passes.timeouts().total;
    let response = passes.pass(path, body, None, deadline).await.map_err(|fault| refused(&fault))?;
    wire::read(passes.called(), response, WHOLE_LIMIT, deadline).await.map_err(|fault| refused(&fault))
}

/// Books a whole answer and passes it on.
pub async fn finish_whole(outcome: Result<Vec<u8>>, mut tab: Tab) -> Result<Response> {
    let seen = outcome.and_then(|body| {
        let seen: Seen<'_> = serde_json::from_slice(&body)
            .map_err(|_| Error::unavailable("the provider sent something that is no answer; is its address right?"))?;
        // Some servers report a failure with a status that says success.
        if seen.error.is_some_and(|error| error.get() != "null") {
            return Err(Error::unavailable("the provider reports an error of its own"));
        }
        Ok((seen.usage.and_then(Counts::usage), body))
    });
    match seen {
        Ok((usage, body)) => {
            if usage.is_none() {
                // A cap that is reached now is met by the next request: this answer is here already.
                let _ = tab.count_tokens(u64::try_from(body.len() / 4).unwrap_or(0)).await;
            }
            tab.said(usage);
            tab.close("complete");
            Ok(document(body))
        }
        Err(error) => {
            tab.close("failed");
            Err(error)
        }
    }
}

/// Asks for a stream.
///
/// # Errors
/// What the provider said before its answer began.
pub async fn stream(passes: &dyn Passes, mut fields: Fields, counts: bool, tab: Tab) -> Result<Response> {
    let timeouts = passes.timeouts();
    let sent = Instant::now();
    let plain = fields.clone();
    if !counts {
        fields.set("stream_options", &json!({"include_usage": true}))?;
    }
    let body = if passes.counts() { fields.bytes()? } else { plain.bytes()? };
    let without = || plain.bytes().ok();
    match passes.pass("chat/completions", body, Some(&without), sent + timeouts.first_byte).await {
        Err(fault) => {
            tab.close("failed");
            Err(refused(&fault))
        }
        Ok(response) => {
            let relay = Relay {
                name: passes.called().to_owned(),
                body: Some(response.bytes_stream().boxed()),
                sse: Sse::default(),
                ready: VecDeque::new(),
                tab: Some(tab),
                counts,
                finished: false,
                timeouts,
                patience: sent + timeouts.first_byte,
                total: sent + timeouts.total,
            };
            Ok(events(stream::unfold(relay, |mut relay| async move { relay.next().await.map(|part| (part, relay)) })))
        }
    }
}

struct Relay {
    name: String,
    /// Gone when nothing more is wanted: dropping it closes the connection to the provider.
    body: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    sse: Sse,
    ready: VecDeque<Bytes>,
    tab: Option<Tab>,
    /// The client asked for the count itself.
    counts: bool,
    /// The provider said how the answer ended.
    finished: bool,
    timeouts: Timeouts,
    patience: Instant,
    total: Instant,
}

impl Relay {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Some(part);
            }
            let body = self.body.as_mut()?;
            let until = self.patience.min(self.total);
            let heard = tokio::time::timeout_at(until, next_or_alive(body)).await;
            match heard {
                Ok(Err(alive)) => return Some(alive),
                Ok(Ok(Some(Ok(bytes)))) => self.take(&bytes).await,
                Ok(Ok(Some(Err(_)) | None)) => self.close(FaultKind::Cut, "stopped in the middle of the answer.").await,
                Err(_) => self.close(FaultKind::Timeout, "fell silent in the middle of the answer.").await,
            }
        }
    }

    async fn take(&mut self, bytes: &[u8]) {
        let mut items = Vec::new();
        let read = self.sse.push(bytes, &mut items);
        if !items.is_empty() {
            let wait = if self.finished { COUNT_GRACE.min(self.timeouts.idle) } else { self.timeouts.idle };
            self.patience = Instant::now() + wait;
        }
        for item in items {
            if self.body.is_some() {
                self.item(item).await;
            }
        }
        if let (Err(fault), true) = (read, self.body.is_some()) {
            self.fail(&refused(&fault));
        }
    }

    async fn item(&mut self, item: SseItem) {
        let SseItem::Event(event) = item else {
            self.ready.push_back(Bytes::from_static(b": \n\n"));
            return;
        };
        let data = event.data.trim();
        if data.is_empty() {
            return;
        }
        if data == "[DONE]" {
            return self.end();
        }
        let Ok(seen) = serde_json::from_str::<Seen<'_>>(data) else {
            let detail = format!("{} sent an event that is not a chat completion.", self.name);
            return self.fail(&refused(&Fault::new(FaultKind::Malformed, detail)));
        };
        if event.name == "error" || seen.error.is_some_and(|error| error.get() != "null") {
            self.ready.push_back(written(data));
            return self.over("interrupted");
        }
        let usage = seen.usage.and_then(Counts::usage);
        let choices = seen.choices.unwrap_or_default();
        let Some(tab) = &mut self.tab else { return };
        tab.said(usage);
        // The count that only we asked for is ours.
        if choices.is_empty() && usage.is_some() && !self.counts {
            return;
        }
        let said: usize = choices.iter().filter_map(|choice| choice.delta).map(|delta| delta.get().len()).sum();
        self.finished |= choices
            .iter()
            .any(|choice| choice.finish_reason.is_some_and(|word| !matches!(word.get(), "null" | "\"\"")));
        self.ready.push_back(written(data));
        // Beside the words stand `{"content":""}` and the like.
        let tokens = u64::try_from(said.saturating_sub(14 * choices.len())).unwrap_or(0).div_ceil(4);
        if tokens > 0
            && let Err(error) = tab.count_tokens(tokens).await
        {
            self.fail(&error);
        }
    }

    /// No more bytes will come: the end, if it was said, else what is wrong.
    async fn close(&mut self, kind: FaultKind, what: &str) {
        let mut items = Vec::new();
        let _ = self.sse.finish(&mut items);
        for item in items {
            // A last line that is no JSON was cut.
            let whole = match &item {
                SseItem::Event(event) => {
                    event.data.trim() == "[DONE]" || serde_json::from_str::<Seen<'_>>(&event.data).is_ok()
                }
                SseItem::Comment => false,
            };
            if whole && self.body.is_some() {
                self.item(item).await;
            }
        }
        if self.body.is_none() {
            return;
        }
        // Some servers leave `[DONE]` out.
        if self.finished {
            return self.end();
        }
        self.fail(&refused(&Fault::new(kind, format!("{} {what}", self.name))));
    }

    fn end(&mut self) {
        self.ready.push_back(said::DONE);
        self.over("complete");
    }

    fn fail(&mut self, error: &Error) {
        self.ready.push_back(said::failure(error));
        self.over("interrupted");
    }

    fn over(&mut self, state: &'static str) {
        self.body = None;
        if let Some(tab) = self.tab.take() {
            tab.close(state);
        }
    }
}

/// An event as it is passed on, byte for byte in its data.
fn written(data: &str) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 8);
    // An event of several lines is one of several data lines.
    for line in data.split('\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
    out.into()
}
