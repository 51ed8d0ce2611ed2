//! What is asked: turns, pictures and tools in Ollama's form.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{Ask, Choice, Role, Turn};

pub(super) fn body(ask: &Ask) -> Value {
    let wishes = &ask.wishes;
    let mut messages: Vec<Value> = ask.turns.iter().map(|turn| message(turn, &ask.turns)).collect();
    if !ask.prefix.is_empty() {
        messages.push(json!({"role": Role::Assistant.as_str(), "content": ask.prefix}));
    }
    let mut body = json!({"model": ask.model, "messages": messages, "stream": true});
    let mut options = Map::new();
    let mut option = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            options.insert(name.to_owned(), value);
        }
    };
    option("num_ctx", wishes.window.map(Value::from));
    option("num_predict", wishes.max_tokens.map(Value::from));
    option("temperature", wishes.temperature.map(Value::from));
    option("top_p", wishes.top_p.map(Value::from));
    option("seed", wishes.seed.map(Value::from));
    option("stop", (!wishes.stop.is_empty()).then(|| json!(wishes.stop)));
    if !options.is_empty() {
        body["options"] = Value::Object(options);
    }
    if wishes.json {
        body["format"] = json!("json");
    }
    // It has no way to say which tool; without any there is nothing to choose.
    if !wishes.tools.is_empty() && wishes.choice != Some(Choice::None) {
        let tools = wishes.tools.iter().filter(|tool| match &wishes.choice {
            Some(Choice::Named(name)) => *name == tool.name,
            _ => true,
        });
        let tool = |tool: &super::super::Tool| {
            let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
            json!({"type": "function", "function": function})
        };
        body["tools"] = tools.map(tool).collect();
    }
    body
}

fn message(turn: &Turn, all: &[Turn]) -> Value {
    let mut message = json!({"role": turn.role.as_str(), "content": turn.text});
    if !turn.images.is_empty() {
        message["images"] = turn.images.iter().map(|image| BASE64_STANDARD.encode(&image.bytes)).collect();
    }
    if !turn.calls.is_empty() {
        let call = |call: &super::super::Call| {
            let arguments = serde_json::from_str::<Value>(&call.arguments).ok().filter(Value::is_object);
            json!({"function": {"name": call.name, "arguments": arguments.unwrap_or_else(|| json!({}))}})
        };
        message["tool_calls"] = turn.calls.iter().map(call).collect();
    }
    if turn.role == Role::Tool {
        // It knows calls by their tool's name.
        let calls = all.iter().flat_map(|turn| &turn.calls);
        if let Some(call) = calls.into_iter().find(|call| call.id == turn.answers) {
            message["tool_name"] = Value::String(call.name.clone());
        }
    }
    message
}
