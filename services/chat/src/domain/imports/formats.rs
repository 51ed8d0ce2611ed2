//! The shapes of ChatGPT, Claude, Open WebUI, LibreChat and our own export.

use super::Raw;
use crate::domain::{ExportedChat, FORMAT, Incoming, Problem, Turn};
use chrono::{DateTime, Utc};
use serde_json::Value;

pub(super) fn read(value: &Value, now: DateTime<Utc>) -> Result<Raw, Problem> {
    let title = text(value, &["title", "name"]).unwrap_or_default();
    let nothing = |why: &str| Problem::new(if title.is_empty() { "a chat without a title" } else { &title }, why);
    if value["format"] == FORMAT {
        return own(value).map_err(|why| nothing(&why));
    }
    let raw = if value["mapping"].is_object() {
        chatgpt(value, now)
    } else if value["chat_messages"].is_array() {
        claude(value, now)
    } else if value["chat"].is_object() {
        open_webui(value, now)
    } else if value["messages"].is_array() && (value["conversationId"].is_string() || value["endpoint"].is_string()) {
        librechat(value, now)
    } else {
        return Err(nothing("is not a chat of a kind that is known here"));
    };
    if raw.incoming.turns.is_empty() { Err(nothing("has no messages that could be kept")) } else { Ok(raw) }
}

fn text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| value[*name].as_str()).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// Seconds or milliseconds since 1970, or RFC 3339.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(text) = value.as_str() {
        return DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    }
    let number = value.as_f64().filter(|number| number.is_finite() && *number > 0.0)?;
    let millis = if number < 1e11 { number * 1000.0 } else { number };
    // below the largest exact integer, so nothing is lost
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range of times")]
    let millis = (millis < 4e12).then_some(millis as i64)?;
    DateTime::from_timestamp_millis(millis)
}

fn begin(value: &Value, source: &'static str, keys: &[&str], now: DateTime<Utc>) -> Incoming {
    let created = ["create_time", "created_at", "createdAt", "timestamp"].iter().find_map(|name| time(&value[*name]));
    let updated = ["update_time", "updated_at", "updatedAt"].iter().find_map(|name| time(&value[*name]));
    let created_at = created.or(updated).unwrap_or(now).min(now);
    let title = text(value, &["title", "name"]).unwrap_or_default();
    Incoming {
        source,
        // one without a name of its own is known by what it is called and when it began
        key: text(value, keys).unwrap_or_else(|| format!("{title} {}", created_at.timestamp_millis())),
        title,
        created_at,
        updated_at: updated.unwrap_or(created_at).clamp(created_at, now),
        pinned: false,
        archived: value["is_archived"] == true || value["archived"] == true || value["isArchived"] == true,
        project: None,
        model: None,
        turns: Vec::new(),
        active: None,
    }
}

/// Text parts of a content, and how many parts were none.
fn parts(content: &Value) -> (String, usize) {
    match content {
        Value::String(text) => (text.clone(), 0),
        Value::Array(all) => {
            let (mut texts, mut dropped) = (Vec::new(), 0);
            for part in all {
                let kind = part["type"].as_str().unwrap_or("text");
                let said = part.as_str().or_else(|| part["text"].as_str()).or_else(|| part["text"]["value"].as_str());
                match said.filter(|_| kind == "text") {
                    Some(said) if said.trim().is_empty() => {}
                    Some(said) => texts.push(said.to_owned()),
                    None => dropped += 1,
                }
            }
            (texts.join("\n\n"), dropped)
        }
        _ => (String::new(), 0),
    }
}

/// `conversations.json` of a ChatGPT export: a map of nodes with `parent`; `current_node` is shown.
fn chatgpt(value: &Value, now: DateTime<Utc>) -> Raw {
    let mut incoming = begin(value, "chatgpt", &["conversation_id", "id"], now);
    let mut dropped = 0;
    for (key, node) in value["mapping"].as_object().into_iter().flatten() {
        let message = &node["message"];
        let role = message["author"]["role"].as_str().unwrap_or_default();
        let content = &message["content"];
        let is_text = matches!(content["content_type"].as_str(), Some("text" | "multimodal_text") | None);
        let hidden = message["metadata"]["is_visually_hidden_from_conversation"] == true;
        let (said, others) = if is_text { parts(&content["parts"]) } else { (String::new(), 1) };
        let speaks = matches!(role, "user" | "assistant") && !hidden;
        if speaks {
            dropped += others;
        }
        incoming.turns.push(Turn {
            key: key.clone(),
            parent: node["parent"].as_str().map(str::to_owned),
            by_person: role == "user",
            // what is not said by either stays a link of the chain until it is mended
            text: if speaks { said } else { String::new() },
            model: text(&message["metadata"], &["model_slug"]),
            created_at: time(&message["create_time"]).unwrap_or(incoming.created_at),
            attachments: Vec::new(),
        });
    }
    incoming.active = text(value, &["current_node"]);
    Raw { incoming, dropped }
}

/// `conversations.json` of a Claude export: a list of messages, with a parent in later ones.
fn claude(value: &Value, now: DateTime<Utc>) -> Raw {
    const ROOT: &str = "00000000-0000-4000-8000-000000000000";
    let mut incoming = begin(value, "claude", &["uuid"], now);
    let (mut dropped, mut last) = (0, None);
    for (number, message) in value["chat_messages"].as_array().into_iter().flatten().enumerate() {
        let key = text(message, &["uuid"]).unwrap_or_else(|| number.to_string());
        let (said, others) = parts(&message["content"]);
        let files = ["attachments", "files"].iter().filter_map(|name| message[*name].as_array()).map(Vec::len);
        dropped += others + files.sum::<usize>();
        let parent = match message["parent_message_uuid"].as_str() {
            Some(ROOT) => None,
            Some(parent) => Some(parent.to_owned()),
            None => last.take(),
        };
        last = Some(key.clone());
        incoming.turns.push(Turn {
            key,
            parent,
            by_person: matches!(message["sender"].as_str(), Some("human" | "user")),
            text: if said.is_empty() { text(message, &["text"]).unwrap_or_default() } else { said },
            model: text(value, &["model"]),
            created_at: time(&message["created_at"]).unwrap_or(incoming.created_at),
            attachments: Vec::new(),
        });
    }
    incoming.active = text(value, &["current_leaf_message_uuid"]).or(last);
    Raw { incoming, dropped }
}

/// A chat of Open WebUI's export: `chat.history.messages` by id, or the older list `chat.messages`.
fn open_webui(value: &Value, now: DateTime<Utc>) -> Raw {
    let chat = &value["chat"];
    let mut incoming = begin(value, "open-webui", &["id"], now);
    if incoming.title.is_empty() {
        incoming.title = text(chat, &["title"]).unwrap_or_default();
    }
    incoming.pinned = value["pinned"] == true;
    let (mut dropped, mut last) = (0, None);
    let history = &chat["history"]["messages"];
    let by_id = history.as_object().into_iter().flatten().map(|(key, message)| (Some(key.clone()), message));
    let in_order = chat["messages"].as_array().filter(|_| !history.is_object()).into_iter().flatten();
    for (number, (key, message)) in by_id.chain(in_order.map(|message| (None, message))).enumerate() {
        let listed = key.is_none();
        let key = key.or_else(|| text(message, &["id"])).unwrap_or_else(|| number.to_string());
        let (said, others) = parts(&message["content"]);
        dropped += others + message["files"].as_array().map_or(0, Vec::len);
        let before = last.replace(key.clone());
        incoming.turns.push(Turn {
            key,
            parent: text(message, &["parentId"]).or(before.filter(|_| listed)),
            by_person: message["role"] == "user",
            text: if matches!(message["role"].as_str(), Some("user" | "assistant")) { said } else { String::new() },
            model: text(message, &["model", "modelName"]),
            created_at: time(&message["timestamp"]).unwrap_or(incoming.created_at),
            attachments: Vec::new(),
        });
    }
    incoming.active = text(&chat["history"], &["currentId"]).or(last);
    Raw { incoming, dropped }
}

/// A conversation of LibreChat: messages with `parentMessageId`, in a list or nested in `children`.
fn librechat(value: &Value, now: DateTime<Utc>) -> Raw {
    const ROOT: &str = "00000000-0000-0000-0000-000000000000";
    let mut incoming = begin(value, "librechat", &["conversationId"], now);
    let mut dropped = 0;
    let mut open: Vec<(&Value, Option<String>)> =
        value["messages"].as_array().into_iter().flatten().rev().map(|message| (message, None)).collect();
    let mut last = None;
    while let Some((message, above)) = open.pop() {
        let key = text(message, &["messageId"]).unwrap_or_else(|| incoming.turns.len().to_string());
        let (said, others) = parts(&message["content"]);
        dropped += others + message["files"].as_array().map_or(0, Vec::len);
        let children = message["children"].as_array().into_iter().flatten().rev();
        open.extend(children.map(|child| (child, Some(key.clone()))));
        last = Some(key.clone());
        incoming.turns.push(Turn {
            parent: text(message, &["parentMessageId"]).filter(|parent| parent != ROOT).or(above),
            key,
            by_person: message["isCreatedByUser"] == true || message["sender"] == "User",
            text: text(message, &["text"]).unwrap_or(said),
            model: text(message, &["model"]),
            created_at: time(&message["createdAt"]).unwrap_or(incoming.created_at),
            attachments: Vec::new(),
        });
    }
    incoming.active = last;
    Raw { incoming, dropped }
}

fn own(value: &Value) -> Result<Raw, String> {
    let chat = ExportedChat::deserialize(value).map_err(|error| format!("is not complete: {error}"))?;
    let turns = chat.messages.into_iter().map(|message| Turn {
        key: message.id.to_string(),
        parent: message.parent_id.map(|id| id.to_string()),
        by_person: message.role == "user",
        text: message.text,
        model: message.model,
        created_at: message.created_at,
        attachments: message.attachments,
    });
    let incoming = Incoming {
        source: "taifas",
        key: chat.id.to_string(),
        title: chat.title,
        created_at: chat.created_at,
        updated_at: chat.updated_at,
        pinned: chat.pinned,
        archived: chat.archived,
        project: chat.project_id,
        model: Some(chat.model),
        turns: turns.collect(),
        active: Some(chat.active_leaf.to_string()),
    };
    if incoming.turns.is_empty() { Err("has no messages".into()) } else { Ok(Raw { incoming, dropped: 0 }) }
}

use serde::Deserialize as _;
