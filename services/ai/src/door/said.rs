//! An answer as OpenAI's clients read it: one document, or chunks of an event stream.
//!
//! Source: OpenAI API reference, "The chat completion object" and "The chat completion chunk object".

use crate::providers::{CallPart, EndReason, Usage};
use bytes::Bytes;
use platform::{Code, Error};
use serde::Serialize;
use serde_json::{Value, json};

/// What every part of an answer carries.
#[derive(Clone, Debug)]
pub struct Frame {
    pub id: String,
    pub created: i64,
    pub model: String,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [ChunkChoice<'a>; 1],
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u8,
    delta: Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Value; 1]>,
}

impl Frame {
    fn chunk(&self, delta: Delta<'_>, finish_reason: Option<&str>) -> Bytes {
        let choices = [ChunkChoice { index: 0, delta, logprobs: None, finish_reason }];
        let object = "chat.completion.chunk";
        event(&Chunk { id: &self.id, object, created: self.created, model: &self.model, choices })
    }

    /// The first chunk: who speaks.
    pub fn role(&self) -> Bytes {
        self.chunk(Delta { role: Some("assistant"), content: Some(""), tool_calls: None }, None)
    }

    pub fn text(&self, text: &str) -> Bytes {
        self.chunk(Delta { content: Some(text), ..Delta::default() }, None)
    }

    pub fn call(&self, part: &CallPart) -> Bytes {
        let mut call = json!({"index": part.index, "function": {"arguments": part.arguments}});
        // Id and name come once, with the first part.
        if !part.id.is_empty() {
            call["id"] = json!(part.id);
            call["type"] = json!("function");
            call["function"]["name"] = json!(part.name);
        }
        self.chunk(Delta { tool_calls: Some([call]), ..Delta::default() }, None)
    }

    pub fn finish(&self, reason: &EndReason) -> Bytes {
        self.chunk(Delta::default(), Some(word(reason)))
    }

    /// The last chunk: how much was used.
    pub fn count(&self, usage: Usage) -> Bytes {
        event(&json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": [], "usage": usage_out(usage),
        }))
    }

    /// The whole answer at once.
    pub fn document(&self, text: &str, calls: &[Value], reason: &EndReason, usage: Usage) -> Value {
        let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        if !calls.is_empty() {
            message["tool_calls"] = json!(calls);
        }
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": word(reason)});
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [choice], "usage": usage_out(usage),
        })
    }
}

/// The end of a stream that ended well.
pub const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

pub fn event(value: &impl Serialize) -> Bytes {
    let mut out = b"data: ".to_vec();
    if serde_json::to_writer(&mut out, value).is_err() {
        return Bytes::new();
    }
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// A failure in the middle of a stream, where there is no status any more. No `[DONE]` follows it.
pub fn failure(error: &Error) -> Bytes {
    let kind = match error.code() {
        Code::RateLimited => "rate_limit_error",
        Code::CapReached => "insufficient_quota",
        _ => "server_error",
    };
    let error = json!({"message": error.message(), "type": kind, "param": null, "code": error.code().name()});
    event(&json!({ "error": error }))
}

pub fn usage_out(usage: Usage) -> Value {
    let total = usage.input.saturating_add(usage.output);
    json!({"prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": total})
}

fn word(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::Length => "length",
        EndReason::Filtered => "content_filter",
        EndReason::Calls => "tool_calls",
        EndReason::Stop | EndReason::Other(_) => "stop",
    }
}
