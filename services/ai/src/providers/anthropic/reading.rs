//! Reads the answer to a message: an event stream of blocks, of which only those of text are the answer; from some proxies one JSON
//! document or a web page. Whatever the cut of the bytes, the pieces are the same.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

use super::{End, EndReason, Fault, FaultKind, Piece};
use crate::providers::{CallPart, Event, Reading, Sse, SseItem, Usage, refusal};

/// Longest JSON answer to a request that asked for a stream, in bytes.
const DOCUMENT_LIMIT: usize = 4 << 20;

/// The state of reading one answer. Two that compare equal go on alike.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagesReading {
    /// The provider's name, for sentences about faults.
    name: String,
    form: Form,
    /// White space that readers have already, in case the answer begins with it.
    gap: String,
    finish: Option<EndReason>,
    counts: Counts,
    /// The blocks that are calls of tools, in their order.
    calls: Vec<u64>,
    known: bool,
    unknown: bool,
    done: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// Nothing but white space so far.
    Open,
    Events(Sse),
    Document(Vec<u8>),
}

/// Counts are cumulative: a later one replaces an earlier one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
struct Counts {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    MessageDelta {
        delta: Stop,
        usage: Option<Counts>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    /// The whole answer at once.
    Message {
        content: Vec<Block>,
        stop_reason: Option<String>,
        usage: Option<Counts>,
    },
    ContentBlockStop,
    Ping,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Start {
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Stop {
    stop_reason: Option<String>,
}

/// Blocks of other types (the model's notes to itself among them) are not part of the answer.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Unknown,
}

impl Counts {
    fn replace(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
    }

    /// What the provider had cached is counted apart from the rest of the input.
    fn usage(self) -> Option<Usage> {
        let cached = self.cache_creation_input_tokens.unwrap_or(0) + self.cache_read_input_tokens.unwrap_or(0);
        Some(Usage { input: self.input_tokens? + cached, output: self.output_tokens? })
    }
}

impl MessagesReading {
    /// For an answer of the named provider.
    pub fn new(name: &str) -> Self {
        Self::behind(name, "")
    }

    /// For an answer that goes on behind `gap`, white space that was shown already but could not be sent.
    pub fn behind(name: &str, gap: &str) -> Self {
        Self {
            name: name.to_owned(),
            form: Form::Open,
            gap: gap.to_owned(),
            finish: None,
            counts: Counts::default(),
            calls: Vec::new(),
            known: false,
            unknown: false,
            done: false,
        }
    }

    fn fault(&self, kind: FaultKind, what: &str) -> Fault {
        Fault::new(kind, format!("{} {what}", self.name))
    }

    fn end(&mut self, reason: EndReason, out: &mut VecDeque<Piece>) {
        self.done = true;
        out.push_back(Piece::End(End { reason, usage: self.counts.usage() }));
    }

    fn text(&mut self, mut text: String, out: &mut VecDeque<Piece>) {
        while !self.gap.is_empty() && !text.is_empty() {
            if text.starts_with(self.gap.chars().next().unwrap_or_default()) {
                text.remove(0);
                self.gap.remove(0);
            } else {
                self.gap.clear();
            }
        }
        if !text.is_empty() {
            out.push_back(Piece::Text(text));
        }
    }

    fn block(&mut self, index: u64, block: Block, whole: bool, out: &mut VecDeque<Piece>) {
        match block {
            Block::Text { text } => self.text(text, out),
            Block::ToolUse { id, name, input } => {
                let part = CallPart {
                    index: self.calls.len(),
                    id,
                    name,
                    // In a stream the arguments come behind; here stands an empty object.
                    arguments: if whole { input.to_string() } else { String::new() },
                };
                self.calls.push(index);
                out.push_back(Piece::Call(part));
            }
            Block::Unknown => {}
        }
    }

    fn said(&mut self, said: Said, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        match said {
            Said::MessageStart { message } => self.counts.replace(message.usage.unwrap_or_default()),
            Said::ContentBlockStart { index, content_block } => self.block(index, content_block, false, out),
            Said::ContentBlockDelta { delta: Delta::Text { text }, .. } => self.text(text, out),
            Said::ContentBlockDelta { index, delta: Delta::InputJson { partial_json } } => {
                if let Some(at) = self.calls.iter().position(|call| *call == index).filter(|_| !partial_json.is_empty())
                {
                    let part = CallPart { index: at, id: String::new(), name: String::new(), arguments: partial_json };
                    out.push_back(Piece::Call(part));
                }
            }
            Said::MessageDelta { delta, usage } => {
                self.counts.replace(usage.unwrap_or_default());
                if let Some(word) = delta.stop_reason {
                    self.finish = Some(reason(&word));
                }
            }
            Said::MessageStop => {
                let reason = self.finish.take().ok_or_else(|| self.cut())?;
                self.end(reason, out);
            }
            Said::Error { error } => return Err(refusal::in_band(&self.name, &error)),
            Said::Message { content, stop_reason, usage } => {
                self.counts.replace(usage.unwrap_or_default());
                for (index, block) in (0..).zip(content) {
                    self.block(index, block, true, out);
                }
                self.end(stop_reason.as_deref().map_or(EndReason::Stop, reason), out);
            }
            Said::ContentBlockDelta { .. } | Said::ContentBlockStop | Said::Ping => {}
            Said::Unknown => {
                self.unknown = true;
                return Ok(());
            }
        }
        self.known = true;
        Ok(())
    }

    fn cut(&self) -> Fault {
        self.fault(FaultKind::Cut, "stopped in the middle of the answer.")
    }

    fn event(&mut self, event: &Event, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || self.done {
            return Ok(());
        }
        let said = serde_json::from_str(data)
            .map_err(|_| self.fault(FaultKind::Malformed, "sent an event that is not part of a message."))?;
        self.said(said, out)
    }

    fn events(&mut self, items: Vec<SseItem>, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        for item in items {
            if let SseItem::Event(event) = item {
                self.event(&event, out)?;
            }
        }
        Ok(())
    }

    fn document(&mut self, bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        let document: Value = serde_json::from_slice(bytes).map_err(|error| {
            let kind = if error.is_eof() { FaultKind::Cut } else { FaultKind::Malformed };
            self.fault(kind, "sent a broken answer.")
        })?;
        match Said::deserialize(&document) {
            Ok(said @ (Said::Message { .. } | Said::Error { .. })) => self.said(said, out),
            _ => Err(match refusal::error_in(document) {
                Some(error) => refusal::in_band(&self.name, &error),
                None => self.fault(FaultKind::Malformed, "sent an answer that is not a message."),
            }),
        }
    }
}

impl Reading for MessagesReading {
    fn push(&mut self, mut bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<bool, Fault> {
        if self.form == Form::Open {
            let Some(at) = bytes.iter().position(|b| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b)) else {
                return Ok(false);
            };
            bytes = &bytes[at..];
            self.form = match bytes[0] {
                b'<' => {
                    return Err(self.fault(FaultKind::Malformed, "answered with a web page. Is its address right?"));
                }
                b'{' | b'[' => Form::Document(Vec::new()),
                _ => Form::Events(Sse::default()),
            };
        }
        let mut items = Vec::new();
        let read = match &mut self.form {
            Form::Events(sse) => sse.push(bytes, &mut items),
            Form::Document(document) if document.len() + bytes.len() <= DOCUMENT_LIMIT => {
                document.extend_from_slice(bytes);
                return Ok(false);
            }
            _ => return Err(self.fault(FaultKind::Malformed, "sent an answer that is too long.")),
        };
        let heard = !items.is_empty();
        match self.events(items, out).and(read) {
            Ok(()) => Ok(heard),
            Err(fault) => match self.finish.take() {
                // The answer was complete; what came after it was not part of it.
                Some(reason) => {
                    self.end(reason, out);
                    Ok(true)
                }
                None if self.done => Ok(true),
                None => Err(fault),
            },
        }
    }

    fn ended(&self) -> bool {
        self.done || self.finish.is_some()
    }

    fn close(&mut self, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        let mut last = Ok(());
        let mut foreign = self.unknown;
        match std::mem::replace(&mut self.form, Form::Open) {
            Form::Open => {}
            Form::Document(bytes) => return self.document(&bytes, out),
            Form::Events(mut sse) => {
                foreign |= sse.foreign();
                let mut items = Vec::new();
                // A last line that is no UTF-8 or no JSON was cut, not malformed.
                let _ = sse.finish(&mut items);
                last = self.events(items, out);
            }
        }
        if self.done {
            return Ok(());
        }
        if let Some(reason) = self.finish.take() {
            self.end(reason, out);
            return Ok(());
        }
        match last {
            Err(fault) if fault.kind != FaultKind::Malformed => Err(fault),
            _ if foreign && !self.known => {
                Err(self.fault(FaultKind::Malformed, "answered with something that is no message."))
            }
            _ => Err(self.cut()),
        }
    }
}

fn reason(word: &str) -> EndReason {
    match word {
        "end_turn" | "stop_sequence" => EndReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => EndReason::Length,
        "refusal" => EndReason::Filtered,
        "tool_use" => EndReason::Calls,
        _ => EndReason::Other(word.chars().take(60).collect()),
    }
}
