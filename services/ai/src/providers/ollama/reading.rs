//! Reads Ollama's stream: one JSON object a line, the last with `done` and the counts.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

use super::{End, EndReason, Fault, FaultKind, Piece};
use crate::providers::{CallPart, Lines, Reading, Usage, refusal};

/// The state of reading one answer. Two that compare equal go on alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OllamaReading {
    /// The provider's name, for sentences about faults.
    name: String,
    lines: Lines,
    /// Lines of Ollama's form were read.
    known: bool,
    /// Calls of tools so far.
    calls: usize,
    done: bool,
}

#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

/// What is said; `thinking` beside it is not part of the answer.
#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

impl OllamaReading {
    /// For an answer of the named provider.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), lines: Lines::default(), known: false, calls: 0, done: false }
    }

    fn line(&mut self, line: &str, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        if self.done {
            return Ok(());
        }
        let malformed = |what: &str| Fault::new(FaultKind::Malformed, format!("{} {what}", self.name));
        if line.trim_start().starts_with('<') {
            return Err(malformed("answered with a web page. Is its address right?"));
        }
        let line: Line =
            serde_json::from_str(line).map_err(|_| malformed("sent a line that is not part of a chat."))?;
        if let Some(error) = line.error {
            return Err(refusal::in_band(&self.name, &error));
        }
        if line.message.is_none() && !line.done {
            return Err(malformed("sent a line that is not part of a chat."));
        }
        self.known = true;
        let (text, calls) = line.message.map(|message| (message.content, message.tool_calls)).unwrap_or_default();
        out.extend(text.filter(|text| !text.is_empty()).map(Piece::Text));
        for call in calls.into_iter().flatten() {
            let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{}", self.calls));
            let arguments = match call.function.arguments {
                Value::String(text) => text,
                Value::Null => "{}".to_owned(),
                arguments => arguments.to_string(),
            };
            out.push_back(Piece::Call(CallPart { index: self.calls, id, name: call.function.name, arguments }));
            self.calls += 1;
        }
        if line.done {
            self.done = true;
            let reason = match line.done_reason.as_deref() {
                // Before version 0.1.38 there was no reason.
                None | Some("" | "stop") if self.calls > 0 => EndReason::Calls,
                None | Some("" | "stop") => EndReason::Stop,
                Some("length") => EndReason::Length,
                Some(word) => EndReason::Other(word.chars().take(60).collect()),
            };
            // A prompt that was cached whole is not counted.
            let usage = line.eval_count.map(|output| Usage { input: line.prompt_eval_count.unwrap_or(0), output });
            out.push_back(Piece::End(End { reason, usage }));
        }
        Ok(())
    }
}

impl Reading for OllamaReading {
    fn push(&mut self, bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<bool, Fault> {
        let mut lines = Vec::new();
        let read = self.lines.push(bytes, &mut lines);
        let heard = !lines.is_empty();
        for line in lines {
            self.line(&line, out)?;
        }
        if self.done {
            return Ok(true);
        }
        read.map(|()| heard)
    }

    fn ended(&self) -> bool {
        self.done
    }

    fn close(&mut self, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        let mut lines = Vec::new();
        // A last line that is no UTF-8 or no JSON was cut, not malformed.
        let _ = self.lines.finish(&mut lines);
        let last = lines.iter().try_for_each(|line| self.line(line, out));
        match last {
            _ if self.done => Ok(()),
            Err(fault)
                if fault.kind != FaultKind::Malformed
                    || (!self.known && lines.iter().any(|line| line.starts_with('<'))) =>
            {
                Err(fault)
            }
            _ => Err(Fault::new(FaultKind::Cut, format!("{} stopped in the middle of the answer.", self.name))),
        }
    }
}
