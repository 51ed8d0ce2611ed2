//! The list of models of an OpenAI-compatible server, reduced to what can chat.

use serde::Deserialize;

use super::{Fault, FaultKind, Model, Place, Purpose, Server, names};

/// More than this nobody can choose from; the largest known list has some hundreds.
const MOST: usize = 2_000;
/// Longest name of a model, in bytes.
const NAME_LIMIT: usize = 200;
const DESCRIPTION_LIMIT: usize = 300;

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
    /// How servers say the size of the context: OpenRouter, vLLM, Groq, Mistral.
    context_length: Option<u64>,
    max_model_len: Option<u64>,
    context_window: Option<u64>,
    max_context_length: Option<u64>,
    /// OpenRouter's way to say what a model takes, and Mistral's.
    architecture: Option<Architecture>,
    capabilities: Option<Capabilities>,
}

#[derive(Deserialize)]
struct Architecture {
    #[serde(default)]
    input_modalities: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Capabilities {
    Named { vision: bool },
    Other(serde::de::IgnoredAny),
}

impl Entry {
    /// Whether it takes pictures: as the server says, else by its name.
    fn sees(&self) -> bool {
        match (&self.architecture, &self.capabilities) {
            (Some(architecture), _) => architecture.input_modalities.iter().any(|kind| kind == "image"),
            (_, Some(Capabilities::Named { vision })) => *vision,
            _ => names::sees(&self.id),
        }
    }
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
        let chats = !(openai && names::is_for_something_else(&entry.id));
        !entry.id.is_empty() && entry.id.len() <= NAME_LIMIT && (chats || names::embeds(&entry.id))
    });
    let model = |entry: Entry| Model {
        vision: entry.sees(),
        name: entry
            .name
            .or(entry.display_name)
            .filter(|name| !name.is_empty() && name.len() <= NAME_LIMIT)
            .unwrap_or_else(|| entry.id.clone()),
        description: match entry.description.filter(|text| !text.trim().is_empty()) {
            Some(text) => text.trim().chars().take(DESCRIPTION_LIMIT).collect(),
            None => format!("Provided by {}.", server.name),
        },
        window: [entry.context_length, entry.max_model_len, entry.context_window, entry.max_context_length]
            .into_iter()
            .flatten()
            .find(|tokens| *tokens > 0)
            .or_else(|| if openai { names::window(&entry.id) } else { None }),
        purpose: if names::embeds(&entry.id) { Purpose::Embedding } else { Purpose::Chat },
        id: entry.id,
        place,
        continuation: server.continuation,
    };
    Ok(chat.take(MOST).map(model).collect())
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
        assert_eq!(names(true), ["gpt-5", "text-embedding-3-small", "gpt-4o", "o3-mini"]);
        assert_eq!(names(false).len(), 9);
        let listed = models(&server, Place::Outside, true, body).unwrap();
        let known = |at: usize| (listed[at].purpose, listed[at].vision, listed[at].window);
        assert_eq!(known(0), (Purpose::Chat, true, Some(400_000)));
        assert_eq!(known(1).0, Purpose::Embedding);
        assert_eq!(known(3), (Purpose::Chat, false, Some(200_000)));
    }

    #[test]
    fn reads_names_for_people_and_bare_lists() {
        let body = br#"[{"id":"m","display_name":"The M","description":" Good. "},{"id":"n"}]"#;
        let server = Server::new("x", "https://example.com/v1", None);
        let listed = models(&server, Place::Outside, false, body).unwrap();
        assert_eq!((listed[0].name.as_str(), listed[0].description.as_str()), ("The M", "Good."));
        assert_eq!((listed[1].name.as_str(), listed[1].description.as_str()), ("n", "Provided by x."));
        let told = br#"{"data":[{"id":"a","context_length":8192,"architecture":{"input_modalities":["text","image"]}},
            {"id":"gpt-4o","max_model_len":4096,"capabilities":{"vision":false}},{"id":"llava","capabilities":["x"]}]}"#;
        let told = models(&server, Place::Outside, false, told).unwrap();
        let known: Vec<_> = told.iter().map(|model| (model.vision, model.window)).collect();
        assert_eq!(known, [(true, Some(8_192)), (false, Some(4_096)), (true, None)]);
        let fault = models(&server, Place::Outside, false, b"<html>").unwrap_err();
        assert_eq!(fault.kind, FaultKind::Malformed);
    }
}
