//! What the names of models tell where the list of a server says nothing.

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

/// Parts of the names of models that take pictures.
const SEEING: [&str; 14] = [
    "gpt-4o",
    "gpt-4.1",
    "gpt-4-turbo",
    "gpt-5",
    "o4-mini",
    "vision",
    "llava",
    "-vl",
    "pixtral",
    "gemini",
    "gemma-3",
    "llama-4",
    "claude-",
    "grok-4",
];

/// Models of OpenAI for another purpose than chat completions with text.
pub(super) fn is_for_something_else(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    // gpt-5-pro and its successors answer only the Responses interface.
    let pro = id.starts_with("gpt-") && id.contains("-pro");
    pro || id.contains("whisper") || NOT_CHAT.iter().any(|part| id.contains(part))
}

/// Models that turn texts into vectors.
pub(super) fn embeds(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    id.contains("embed")
        || ["bge-", "e5-", "gte-"].iter().any(|part| id.starts_with(part) || id.contains(&format!("/{part}")))
}

pub(super) fn sees(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let plain = id.starts_with("o1") && !id.contains("mini") && !id.contains("preview");
    let three = id == "o3" || id.starts_with("o3-20");
    plain || three || SEEING.iter().any(|part| id.contains(part))
}

/// Tokens of context of OpenAI's own models, which its list does not say (its documentation, "Models").
pub(super) fn window(id: &str) -> Option<u64> {
    let known = [
        ("gpt-5", 400_000),
        ("gpt-4.1", 1_047_576),
        ("gpt-4o", 128_000),
        ("gpt-4-turbo", 128_000),
        ("gpt-4", 8_192),
        ("gpt-3.5-turbo", 16_385),
        ("o1", 200_000),
        ("o3", 200_000),
        ("o4-mini", 200_000),
    ];
    known.into_iter().find(|(name, _)| id.starts_with(name)).map(|(_, tokens)| tokens)
}
