//! Server-sent events read as they arrive: providers cut them at any byte, in the middle of a character too.
//!
//! Own parser because the ones at hand either wait for whole lines of unlimited length or replace broken UTF-8 silently.
//! Source of the rules: WHATWG HTML, "Server-sent events", 9.2.6. One deliberate difference: an event whose final blank
//! line is missing counts at the end of the stream, because several providers leave that line out.

use super::{EVENT_LIMIT, Fault, FaultKind};

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field; empty when there was none (the specification's `message`).
    pub name: String,
    /// All `data:` lines joined by a line feed.
    pub data: String,
}

/// What a stream consists of. A comment carries nothing but shows that the other side lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SseItem {
    Event(Event),
    Comment,
}

/// The parser's state between two arrivals of bytes. Two parsers that compare equal go on alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sse {
    /// The line in progress, without its terminator. Never longer than [`EVENT_LIMIT`].
    line: Vec<u8>,
    /// A carriage return ended the last line: a line feed right after it belongs to it.
    after_cr: bool,
    /// The byte order mark can only be at the very beginning.
    begun: bool,
    name: String,
    data: Option<String>,
    foreign: bool,
}

impl Sse {
    /// Reads what has arrived and appends what it completes. An invalid byte sequence or an event above [`EVENT_LIMIT`] is
    /// [`FaultKind::Malformed`]; what was complete before it is in `out`. After an error the parser must not be used again.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<SseItem>) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if self.after_cr {
                self.after_cr = false;
                if bytes[0] == b'\n' {
                    bytes = &bytes[1..];
                    continue;
                }
            }
            let Some(at) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                return self.grow(bytes);
            };
            self.grow(&bytes[..at])?;
            self.after_cr = bytes[at] == b'\r';
            bytes = &bytes[at + 1..];
            self.end_line(out)?;
        }
        Ok(())
    }

    /// The stream is over: takes a last line without terminator and a last event without blank line.
    pub fn finish(&mut self, out: &mut Vec<SseItem>) -> Result<(), Fault> {
        if !self.line.is_empty() {
            self.end_line(out)?;
        }
        self.dispatch(out);
        Ok(())
    }

    /// Whether a complete line was none of the protocol: this is perhaps not an event stream at all.
    pub fn foreign(&self) -> bool {
        self.foreign
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held + bytes.len() > EVENT_LIMIT {
            return Err(Fault::new(FaultKind::Malformed, "The provider sent an event of more than 1 MiB."));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<SseItem>) -> Result<(), Fault> {
        let line = std::mem::take(&mut self.line);
        let mut text = std::str::from_utf8(&line)
            .map_err(|_| Fault::new(FaultKind::Malformed, "The provider sent text that is not UTF-8."))?;
        if !self.begun {
            self.begun = true;
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        if text.is_empty() {
            self.dispatch(out);
            return Ok(());
        }
        if text.starts_with(':') {
            out.push(SseItem::Comment);
            return Ok(());
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.name),
            "id" | "retry" => {}
            _ => self.foreign = true,
        }
        Ok(())
    }

    fn dispatch(&mut self, out: &mut Vec<SseItem>) {
        let name = std::mem::take(&mut self.name);
        if let Some(data) = self.data.take() {
            out.push(SseItem::Event(Event { name, data }));
        }
    }
}
