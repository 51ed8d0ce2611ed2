//! What is known of Anthropic's models: from its list, and from their names where the list says nothing.

use serde::Deserialize;

use super::{Continuation, Fault, FaultKind, Model, Place, Purpose};

/// Longest name of a model, in bytes.
const NAME_LIMIT: usize = 200;
/// More than this nobody can choose from.
const MOST: usize = 1_000;
/// What every model since the third generation takes.
const WINDOW: u64 = 200_000;

#[derive(Deserialize)]
struct Listing {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    display_name: Option<String>,
    max_input_tokens: Option<u64>,
    max_tokens: Option<u64>,
}

/// The models of `GET /v1/models`, each with the longest answer it may give where the list says so.
pub(super) fn listed(name: &str, place: Place, body: &[u8]) -> Result<Vec<(Model, Option<u64>)>, Fault> {
    let listing: Listing = serde_json::from_slice(body).map_err(|_| {
        let page = body.trim_ascii_start().starts_with(b"<");
        let what = if page { "a web page" } else { "something else" };
        let detail = format!("{name} sent {what} instead of its list of models. Is its address right?");
        Fault::new(FaultKind::Malformed, detail)
    })?;
    let fits = |entry: &Entry| !entry.id.is_empty() && entry.id.len() <= NAME_LIMIT;
    let model = |entry: Entry| {
        let model = Model {
            name: entry
                .display_name
                .filter(|name| !name.is_empty() && name.len() <= NAME_LIMIT)
                .unwrap_or_else(|| entry.id.clone()),
            description: format!("Provided by {name}."),
            place,
            continuation: continuation(&entry.id),
            purpose: Purpose::Chat,
            vision: sees(&entry.id),
            window: entry.max_input_tokens.filter(|tokens| *tokens > 0).or(Some(WINDOW)),
            id: entry.id,
        };
        (model, entry.max_tokens.filter(|tokens| *tokens > 0))
    };
    Ok(listing.data.into_iter().filter(fits).take(MOST).map(model).collect())
}

/// The generation in a name, such as (4, 6) in `claude-opus-4-6`; a date is no part of it.
fn generation(id: &str) -> Option<(u32, u32)> {
    let mut numbers =
        id.split(['-', '.', '@', ':']).filter(|part| part.len() <= 2).filter_map(|part| part.parse::<u32>().ok());
    Some((numbers.next()?, numbers.next().unwrap_or(0)))
}

/// Generations up to 4.5 go on from the beginning of an answer; later ones refuse it ("Prefilling … is not supported").
pub(super) fn continuation(id: &str) -> Continuation {
    match generation(id) {
        Some(generation) if generation <= (4, 5) => Continuation::Prefix,
        _ => Continuation::Asked,
    }
}

fn sees(id: &str) -> bool {
    generation(id).is_none_or(|(major, _)| major >= 3)
}

/// The longest answer of a model that has not said its own.
pub(super) fn longest(id: &str) -> u64 {
    match generation(id) {
        Some((..=2, _) | (3, 0)) => 4_096,
        Some((3, ..=5)) => 8_192,
        _ => 32_000,
    }
}

/// The limit in a refusal such as `max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for …`.
pub(super) fn allowed(refusal: &str) -> Option<u64> {
    let (_, said) = refusal.split_once("max_tokens: ")?;
    let (_, limit) = said.split_once("> ")?;
    let digits = limit.find(|c: char| !c.is_ascii_digit()).unwrap_or(limit.len());
    limit[..digits].parse().ok().filter(|limit| *limit > 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_model_can() {
        for (id, goes_on, most) in [
            ("claude-3-haiku-20240307", Continuation::Prefix, 4_096),
            ("claude-3-5-sonnet-20241022", Continuation::Prefix, 8_192),
            ("claude-3-7-sonnet-20250219", Continuation::Prefix, 32_000),
            ("claude-sonnet-4-20250514", Continuation::Prefix, 32_000),
            ("claude-haiku-4-5-20251001", Continuation::Prefix, 32_000),
            ("claude-opus-4-6", Continuation::Asked, 32_000),
            ("claude-sonnet-5", Continuation::Asked, 32_000),
            ("something-new", Continuation::Asked, 32_000),
        ] {
            assert_eq!((continuation(id), longest(id)), (goes_on, most), "{id}");
            assert!(sees(id), "{id}");
        }
        assert!(!sees("claude-2.1"));
    }

    #[test]
    fn a_refusal_says_the_limit() {
        let about = r#"{"message":"max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens"}"#;
        assert_eq!(allowed(about), Some(8_192));
        assert_eq!(allowed("max_tokens: Field required"), None);
    }

    #[test]
    fn a_list_is_read_with_what_it_says() {
        let body = br#"{"data":[{"type":"model","id":"claude-opus-4-6","display_name":"Claude Opus 4.6","max_input_tokens":1000000,
            "max_tokens":128000},{"id":"claude-x"}],"has_more":false}"#;
        let models = listed("anthropic", Place::Outside, body).unwrap();
        assert_eq!(
            (models[0].0.name.as_str(), models[0].0.window, models[0].1),
            ("Claude Opus 4.6", Some(1_000_000), Some(128_000))
        );
        assert_eq!((models[1].0.name.as_str(), models[1].0.window, models[1].1), ("claude-x", Some(WINDOW), None));
        assert_eq!(listed("a", Place::Outside, b"<html>").unwrap_err().kind, FaultKind::Malformed);
    }
}
