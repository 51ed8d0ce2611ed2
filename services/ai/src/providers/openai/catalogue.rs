//! The list of models of an OpenAI-compatible server, reduced to what can chat.

use serde::Deserialize;

use super::{Fault, FaultKind, Model, Place, Server};

/// More than this nobody can choose from; the largest known list has some hundreds.
const MOST: usize = 2_000;
/// Longest name of a model, in bytes.
const NAME_LIMIT: usize = 200;
const DESCRIPTION_LIMIT: usize = 300;

/// Parts of the names of OpenAI's models that do not answer chat completions with text.
const NOT_CHAT: [&str; 17] = [
    "audio",
    "babbage",
    "codex",
    "computer-use",
    "dall-e",
    "davinci",
    "deep-research",
    "embedding",
    "image",
    "instruct",
    "moderation",
    "o1-pro",
    "o3-pro",
    "realtime",
    "sora",
    "transcribe",
    "tts",
];

#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    /// As OpenAI documents it.
    Wrapped { data: Vec<Entry> },
    /// Together's form.
    Bare(Vec<Entry>),
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    /// OpenRouter's name for people.
    name: Option<String>,
    /// Gemini's name for people.
    display_name: Option<String>,
    description: Option<String>,
}

/// Reads the answer of `GET /models`. `openai`: the server's list also has models for other purposes, known by their names.
pub(super) fn models(server: &Server, place: Place, openai: bool, body: &[u8]) -> Result<Vec<Model>, Fault> {
    let listing: Listing = serde_json::from_slice(body).map_err(|_| {
        let page = body.trim_ascii_start().starts_with(b"<");
        let what = if page { "a web page" } else { "something else" };
        Fault::new(
            FaultKind::Malformed,
            format!("{} sent {what} instead of its list of models. Is its address right?", server.name),
        )
    })?;
    let (Listing::Wrapped { data } | Listing::Bare(data)) = listing;
    let chat = data.into_iter().filter(|entry| {
        !entry.id.is_empty() && entry.id.len() <= NAME_LIMIT && !(openai && is_for_something_else(&entry.id))
    });
    let model = |entry: Entry| Model {
        name: entry
            .name
            .or(entry.display_name)
            .filter(|name| !name.is_empty() && name.len() <= NAME_LIMIT)
            .unwrap_or_else(|| entry.id.clone()),
        description: match entry.description.filter(|text| !text.trim().is_empty()) {
            Some(text) => text.trim().chars().take(DESCRIPTION_LIMIT).collect(),
            None => format!("Provided by {}.", server.name),
        },
        id: entry.id,
        place,
        continuation: server.continuation,
    };
    Ok(chat.take(MOST).map(model).collect())
}

fn is_for_something_else(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    // gpt-5-pro and its successors answer only the Responses interface.
    let pro = id.starts_with("gpt-") && id.contains("-pro");
    pro || id.contains("whisper") || NOT_CHAT.iter().any(|part| id.contains(part))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_can_chat() {
        let body = br#"{"object":"list","data":[{"id":"gpt-5"},{"id":"text-embedding-3-small"},{"id":"whisper-1"},{"id":"gpt-4o"},
            {"id":"gpt-realtime"},{"id":"gpt-5-pro-2025-10-06"},{"id":"o3-mini"},{"id":"dall-e-3"},{"id":"gpt-image-1"},{"id":""}]}"#;
        let server = Server::new("openai", "https://api.openai.com/v1", None);
        let names = |openai| {
            models(&server, Place::Outside, openai, body).unwrap().into_iter().map(|model| model.id).collect::<Vec<_>>()
        };
        assert_eq!(names(true), ["gpt-5", "gpt-4o", "o3-mini"]);
        assert_eq!(names(false).len(), 9);
    }

    #[test]
    fn reads_names_for_people_and_bare_lists() {
        let body = br#"[{"id":"m","display_name":"The M","description":" Good. "},{"id":"n"}]"#;
        let server = Server::new("x", "https://example.com/v1", None);
        let listed = models(&server, Place::Outside, false, body).unwrap();
        assert_eq!((listed[0].name.as_str(), listed[0].description.as_str()), ("The M", "Good."));
        assert_eq!((listed[1].name.as_str(), listed[1].description.as_str()), ("n", "Provided by x."));
        let fault = models(&server, Place::Outside, false, b"<html>").unwrap_err();
        assert_eq!(fault.kind, FaultKind::Malformed);
    }
}
