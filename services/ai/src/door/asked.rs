//! A chat completion as OpenAI's clients ask for it, and what it means to a model of another protocol.
//!
//! Source: OpenAI API reference, "Chat Completions", "Create chat completion".

use super::fields::Fields;
use crate::{
    providers::{Call, Choice, Image, Place, Role, Tool, Turn, Wishes},
    tokens,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use platform::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

/// Pictures one request may carry.
const IMAGES: usize = 50;

/// What every model is asked alike.
#[derive(Debug)]
pub struct Asked {
    pub model: String,
    pub streams: bool,
    /// The client wants the count of tokens in the stream.
    pub counts: bool,
    pub longest: Option<u64>,
    /// Tokens of the question, estimated.
    pub input: u64,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

impl Asked {
    /// # Errors
    /// `invalid` with the member that is missing or wrong.
    pub fn read(fields: &Fields) -> Result<Self> {
        let model: Option<String> = fields.get("model")?;
        let model = model.filter(|model| !model.is_empty());
        let model = model.ok_or_else(|| Error::malformed("model is missing").with("field", "model"))?;
        let messages = fields.raw("messages").filter(|raw| raw.starts_with('[')).unwrap_or_default();
        if messages.trim_start_matches('[').trim_start().starts_with(']') || messages.is_empty() {
            return Err(Error::malformed("messages is missing or empty").with("field", "messages"));
        }
        let options: Option<StreamOptions> = fields.get("stream_options")?;
        let longest: Option<u64> = fields.get("max_completion_tokens")?;
        Ok(Self {
            model,
            streams: fields.get("stream")?.unwrap_or(false),
            counts: options.and_then(|options| options.include_usage).unwrap_or(false),
            longest: if longest.is_some() { longest } else { fields.get("max_tokens")? },
            input: tokens::of_json(messages) + fields.raw("tools").map_or(0, tokens::of_json),
        })
    }
}

/// Refuses addresses in messages that a server of the house would fetch: what it can reach is not for everybody.
///
/// # Errors
/// `invalid` when there is one.
pub fn refuse_addresses(fields: &Fields, place: Place) -> Result<()> {
    let Some(raw) = fields.raw("messages").filter(|_| place == Place::Server) else { return Ok(()) };
    // Only where there may be one is the conversation taken apart; an escape may hide the name.
    if !raw.contains("_url") && !raw.contains("\\u00") {
        return Ok(());
    }
    let messages: Value = serde_json::from_str(raw).map_err(Error::internal)?;
    let mut rest = vec![&messages];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => {
                for (name, value) in members {
                    let url = value.as_str().or_else(|| value.get("url")?.as_str());
                    if name.ends_with("_url") && url.is_some_and(|url| !url.trim_start().starts_with("data:")) {
                        return Err(no_address());
                    }
                    rest.push(value);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn no_address() -> Error {
    Error::malformed("send pictures themselves, as data: URLs; addresses are not fetched").with("field", "messages")
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<CallIn>>,
    tool_call_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    Text { text: String },
    Refusal { refusal: String },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Deserialize)]
struct ImageUrl {
    url: String,
}

#[derive(Deserialize)]
struct CallIn {
    id: String,
    function: FunctionIn,
}

#[derive(Deserialize)]
struct FunctionIn {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
struct ToolIn {
    function: ToolFunction,
}

#[derive(Deserialize)]
struct ToolFunction {
    name: String,
    #[serde(default)]
    description: String,
    parameters: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

/// The conversation as any adapter takes it.
///
/// # Errors
/// `invalid` for what cannot be translated; nothing is left out silently that changes what the model is told.
pub fn turns(fields: &Fields, sees: bool) -> Result<Vec<Turn>> {
    let messages: Vec<Message> = fields.get("messages")?.unwrap_or_default();
    let mut images = 0;
    let turns = messages.into_iter().map(|message| {
        let role = match message.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            other => {
                return Err(
                    Error::malformed(format!("messages has the unknown role {other}")).with("field", "messages")
                );
            }
        };
        let mut turn = Turn::new(role, "");
        match message.content {
            None => {}
            Some(Content::Text(text)) => turn.text = text,
            Some(Content::Parts(parts)) => {
                for part in parts {
                    match part {
                        Part::Text { text } | Part::Refusal { refusal: text } => turn.text.push_str(&text),
                        Part::ImageUrl { image_url } => turn.images.push(image(&image_url.url)?),
                    }
                }
            }
        }
        images += turn.images.len();
        if !turn.images.is_empty() && !sees {
            return Err(Error::malformed("this model does not take pictures").with("field", "messages"));
        }
        if images > IMAGES {
            return Err(Error::malformed(format!("messages has more than {IMAGES} pictures")).with("field", "messages"));
        }
        for call in message.tool_calls.into_iter().flatten() {
            turn.calls.push(Call { id: call.id, name: call.function.name, arguments: call.function.arguments });
        }
        turn.answers = message.tool_call_id.unwrap_or_default();
        Ok(turn)
    });
    turns.collect()
}

fn image(url: &str) -> Result<Image> {
    let (kind, data) = url.strip_prefix("data:").and_then(|url| url.split_once(";base64,")).ok_or_else(no_address)?;
    if !["image/png", "image/jpeg", "image/webp", "image/gif"].contains(&kind) {
        return Err(Error::malformed("a picture is png, jpeg, webp or gif").with("field", "messages"));
    }
    let broken = |_| Error::malformed("a picture is not base64").with("field", "messages");
    Ok(Image { kind: kind.to_owned(), bytes: BASE64_STANDARD.decode(data).map_err(broken)?.into() })
}

/// How the answer is wanted.
///
/// # Errors
/// `invalid` with the member that is wrong or cannot be translated.
pub fn wishes(fields: &Fields, asked: &Asked, window: Option<u64>) -> Result<Wishes> {
    if fields.get::<u64>("n")?.is_some_and(|n| n != 1) {
        return Err(Error::malformed("n is 1 for this model").with("field", "n"));
    }
    let stop = match fields.get("stop")? {
        None => Vec::new(),
        Some(Stop::One(stop)) => vec![stop],
        Some(Stop::Several(stops)) => stops,
    };
    let tools: Vec<ToolIn> = fields.get("tools")?.unwrap_or_default();
    let tool = |ToolIn { function }: ToolIn| Tool {
        name: function.name,
        description: function.description,
        parameters: function.parameters.unwrap_or_else(|| serde_json::json!({"type": "object", "properties": {}})),
    };
    let choice = match fields.get::<Value>("tool_choice")? {
        None => None,
        Some(Value::String(word)) => Some(match word.as_str() {
            "auto" => Choice::Auto,
            "none" => Choice::None,
            "required" => Choice::Required,
            _ => {
                return Err(
                    Error::malformed("tool_choice is auto, none, required or a function").with("field", "tool_choice")
                );
            }
        }),
        Some(named) => {
            let name = named["function"]["name"].as_str();
            let name =
                name.ok_or_else(|| Error::malformed("tool_choice names no function").with("field", "tool_choice"))?;
            Some(Choice::Named(name.to_owned()))
        }
    };
    let format = fields.get::<Value>("response_format")?;
    let json = format.is_some_and(|format| matches!(format["type"].as_str(), Some("json_object" | "json_schema")));
    Ok(Wishes {
        max_tokens: asked.longest,
        temperature: fields.get("temperature")?,
        top_p: fields.get("top_p")?,
        stop,
        seed: fields.get("seed")?,
        tools: tools.into_iter().map(tool).collect(),
        choice,
        json,
        window,
    })
}
