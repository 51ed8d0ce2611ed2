//! Reads the answer to a chat completion: normally an event stream, from some servers one JSON document, from some proxies a web page.
//!
//! The first byte tells which; content types are wrong too often. Whatever the cut of the bytes, the pieces are the same.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

use super::{End, EndReason, Fault, FaultKind, Piece};
use crate::providers::{Event, Reading, Sse, SseItem, Usage, refusal};

/// Longest JSON answer to a request that asked for a stream, in bytes.
const DOCUMENT_LIMIT: usize = 4 << 20;

/// The state of reading one answer. Two that compare equal go on alike.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatReading {
    /// The provider's name, for sentences about faults.
    name: String,
    form: Form,
    finish: Option<EndReason>,
    usage: Option<Usage>,
    /// Some text was read.
    spoke: bool,
    /// Something that is a chat completion was read.
    known: bool,
    /// Events came that are no chat completions.
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

#[derive(Deserialize)]
struct Completion {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    /// Groq's counts, in case they come only there.
    x_groq: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Delta>,
    /// Instead of `delta` where the answer came in one document.
    message: Option<Delta>,
    finish_reason: Option<String>,
}

/// What is said. `reasoning` and `reasoning_content` are a model's notes to itself and not part of the answer.
#[derive(Deserialize)]
struct Delta {
    content: Option<Value>,
    /// A structured refusal stands where the answer would.
    refusal: Option<String>,
}

impl ChatReading {
    /// For an answer of the named provider.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            form: Form::Open,
            finish: None,
            usage: None,
            spoke: false,
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
        out.push_back(Piece::End(End { reason, usage: self.usage }));
    }

    fn event(&mut self, event: &Event, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || self.done {
            return Ok(());
        }
        if data == "[DONE]" {
            let reason = match self.finish.take() {
                Some(reason) => reason,
                // Its own word for the end, though it keeps the reason to itself.
                None if self.spoke => EndReason::Other("done".to_owned()),
                None => return Err(self.fault(FaultKind::Cut, "ended the answer before it began.")),
            };
            self.end(reason, out);
            return Ok(());
        }
        let completion: Completion = serde_json::from_str(data)
            .map_err(|_| self.fault(FaultKind::Malformed, "sent an event that is not a chat completion."))?;
        if event.name == "error" && completion.error.is_none() {
            let error = serde_json::from_str(data).unwrap_or_default();
            return Err(refusal::in_band(&self.name, &error));
        }
        self.completion(completion, out)
    }

    fn completion(&mut self, completion: Completion, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        if let Some(error) = completion.error.filter(is_something) {
            return Err(refusal::in_band(&self.name, &error));
        }
        let groq = completion.x_groq.as_ref().and_then(|groq| groq.get("usage"));
        if let Some(usage) = completion.usage.as_ref().and_then(usage).or_else(|| groq.and_then(usage)) {
            self.usage = Some(usage);
        }
        match completion.choices {
            Some(_) => self.known = true,
            None => self.unknown = true,
        }
        for choice in completion.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            if let Some(delta) = choice.delta.or(choice.message) {
                let text =
                    delta.content.as_ref().map(text).unwrap_or_default() + delta.refusal.as_deref().unwrap_or_default();
                if !text.is_empty() {
                    self.spoke = true;
                    out.push_back(Piece::Text(text));
                }
            }
            match choice.finish_reason.as_deref() {
                None | Some("") => {}
                Some("error") => {
                    return Err(self.fault(FaultKind::Provider, "ended the answer with an error."));
                }
                Some(word) => self.finish = Some(reason(word)),
            }
        }
        Ok(())
    }

    fn document(&mut self, bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        let document: Value = serde_json::from_slice(bytes).map_err(|error| {
            let kind = if error.is_eof() { FaultKind::Cut } else { FaultKind::Malformed };
            self.fault(kind, "sent a broken answer.")
        })?;
        let completion = Completion::deserialize(&document).ok().filter(|completion| completion.choices.is_some());
        let Some(completion) = completion else {
            return Err(match refusal::error_in(document) {
                Some(error) => refusal::in_band(&self.name, &error),
                None => self.fault(FaultKind::Malformed, "sent an answer that is not a chat completion."),
            });
        };
        self.completion(completion, out)?;
        let reason = self.finish.take().unwrap_or(EndReason::Stop);
        self.end(reason, out);
        Ok(())
    }

    fn events(&mut self, items: Vec<SseItem>, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        for item in items {
            if let SseItem::Event(event) = item {
                self.event(&event, out)?;
            }
        }
        Ok(())
    }
}

impl Reading for ChatReading {
    fn push(&mut self, mut bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<bool, Fault> {
        if self.form == Form::Open {
            // White space and a byte order mark say nothing yet.
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
                Err(self.fault(FaultKind::Malformed, "answered with something that is no chat completion."))
            }
            _ => Err(self.fault(FaultKind::Cut, "stopped in the middle of the answer.")),
        }
    }
}

fn is_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// Content is a string, or from some servers (Mistral's reasoning models) a list of parts of which the text parts are the answer.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| part.get("type").and_then(Value::as_str) == Some("text"));
            texts.filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |field| usage.get(field).and_then(Value::as_u64);
    Some(Usage { input: count("prompt_tokens")?, output: count("completion_tokens")? })
}

fn reason(word: &str) -> EndReason {
    match word.to_ascii_lowercase().as_str() {
        "stop" | "eos" | "end_turn" | "stop_sequence" => EndReason::Stop,
        "length" | "max_tokens" | "max_output_tokens" | "model_length" => EndReason::Length,
        "safety" | "recitation" => EndReason::Filtered,
        other if other.starts_with("content_filter") => EndReason::Filtered,
        _ => EndReason::Other(word.chars().take(60).collect()),
    }
}
