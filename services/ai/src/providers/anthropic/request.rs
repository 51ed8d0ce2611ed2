//! What is asked: turns as Anthropic wants them, with system texts apart and tools' answers as the user's words.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{Ask, Call, Choice, Image, Role, Turn};

/// The only way to ask a model without such a mode for JSON.
const JSON_ONLY: &str = "Answer with one JSON object and nothing else.";

/// The body, and the white space at the end of the prefix: the server refuses it, so the answer may begin with it again.
pub(super) fn body(ask: &Ask, longest: u64) -> (Value, String) {
    let wishes = &ask.wishes;
    let mut system: Vec<&str> =
        ask.turns.iter().filter(|turn| turn.role == Role::System).map(|turn| turn.text.as_str()).collect();
    if wishes.json {
        system.push(JSON_ONLY);
    }
    let mut messages = messages(&ask.turns);
    let prefix = ask.prefix.trim_end();
    if !prefix.is_empty() {
        messages.push(json!({"role": "assistant", "content": prefix}));
    }
    let mut body = json!({
        "model": ask.model,
        "stream": true,
        "max_tokens": wishes.max_tokens.map_or(longest, |wanted| wanted.min(longest)),
        "messages": messages,
    });
    if !system.is_empty() {
        body["system"] = Value::String(system.join("\n\n"));
    }
    // Newer models refuse the two together.
    if let Some(temperature) = wishes.temperature {
        body["temperature"] = json!(temperature.clamp(0.0, 1.0));
    } else if let Some(top_p) = wishes.top_p {
        body["top_p"] = json!(top_p);
    }
    let stops: Vec<&String> = wishes.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
    if !stops.is_empty() {
        body["stop_sequences"] = json!(stops);
    }
    if !wishes.tools.is_empty() {
        let tool = |tool: &super::super::Tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters});
        body["tools"] = wishes.tools.iter().map(tool).collect();
        if let Some(choice) = &wishes.choice {
            body["tool_choice"] = match choice {
                Choice::Auto => json!({"type": "auto"}),
                Choice::None => json!({"type": "none"}),
                Choice::Required => json!({"type": "any"}),
                Choice::Named(name) => json!({"type": "tool", "name": name}),
            };
        }
    }
    let gap = if prefix.is_empty() { "" } else { &ask.prefix[prefix.len()..] };
    (body, gap.to_owned())
}

/// Turns that say nothing are left out (the server refuses empty texts), and answers of tools that follow each other are one message.
fn messages(turns: &[Turn]) -> Vec<Value> {
    let mut messages: Vec<Value> = Vec::new();
    for turn in turns.iter().filter(|turn| turn.role != Role::System) {
        if turn.role == Role::Tool {
            let result = json!({"type": "tool_result", "tool_use_id": turn.answers, "content": turn.text});
            let results = messages.last_mut().filter(|last| last["content"][0]["type"] == "tool_result");
            match results.and_then(|last| last["content"].as_array_mut()) {
                Some(results) => results.push(result),
                None => messages.push(json!({"role": "user", "content": [result]})),
            }
            continue;
        }
        let content = content(turn);
        if content != json!([]) && content != json!("") {
            messages.push(json!({"role": turn.role.as_str(), "content": content}));
        }
    }
    messages
}

fn content(turn: &Turn) -> Value {
    if turn.images.is_empty() && turn.calls.is_empty() {
        // White space alone counts as empty too.
        return if turn.text.trim().is_empty() { json!("") } else { Value::String(turn.text.clone()) };
    }
    let mut parts: Vec<Value> = turn.images.iter().map(image).collect();
    if !turn.text.trim().is_empty() {
        parts.push(json!({"type": "text", "text": turn.text}));
    }
    parts.extend(turn.calls.iter().map(call));
    Value::Array(parts)
}

fn image(image: &Image) -> Value {
    let data = BASE64_STANDARD.encode(&image.bytes);
    json!({"type": "image", "source": {"type": "base64", "media_type": image.kind, "data": data}})
}

fn call(call: &Call) -> Value {
    let input = serde_json::from_str::<Value>(&call.arguments).ok().filter(Value::is_object);
    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input.unwrap_or_else(|| json!({}))})
}
