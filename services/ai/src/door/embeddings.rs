//! Texts turned into vectors.

use super::{document, fields::Fields, passed, refused};
use crate::{ledger::Use, providers::Purpose, service::Ai, tokens};
use axum::response::Response;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use platform::{Error, Result, principal::Person};
use serde::Deserialize;
use serde_json::{Value, json};

/// Texts one request may have.
const TEXTS: usize = 2_048;

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Several(Vec<String>),
}

/// Answers `POST /v1/embeddings`.
///
/// # Errors
/// As the chat's door.
pub async fn embeddings(ai: &Ai, person: &Person, body: &[u8]) -> Result<Response> {
    let mut fields = Fields::read(body)?;
    let model: Option<String> = fields.get("model")?;
    let model = model.filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| Error::malformed("model is missing").with("field", "model"))?;
    let input = fields.raw("input").ok_or_else(|| Error::malformed("input is missing").with("field", "input"))?;
    let found = ai.usable(&model, person, Purpose::Embedding).await?;
    let wanted = Use {
        space: person.space(),
        id: ai.platform.ids.id(),
        attempt: 1,
        kind: "embeddings",
        key: person.key,
        input: tokens::of_json(input),
        longest: Some(0),
        base: 0,
    };
    if let Some(passes) = found.provider.passes() {
        fields.set("model", &found.model.id)?;
        let tab = ai.ledger.begin(wanted, &found).await?;
        let outcome = passed::fetch(passes, "embeddings", &fields).await;
        return passed::finish_whole(outcome, tab).await;
    }
    let texts = match fields.get("input")? {
        Some(Input::One(text)) => vec![text],
        Some(Input::Several(texts)) if texts.len() <= TEXTS => texts,
        _ => return Err(Error::malformed(format!("input has more than {TEXTS} texts")).with("field", "input")),
    };
    let base64 = match fields.get::<String>("encoding_format")?.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(Error::malformed("encoding_format is float or base64").with("field", "encoding_format")),
    };
    let mut tab = ai.ledger.begin(wanted, &found).await?;
    let embedded = match found.provider.embed(&found.model.id, texts, fields.get("dimensions")?).await {
        Ok(embedded) => embedded,
        Err(fault) => {
            tab.close("failed");
            return Err(refused(&fault));
        }
    };
    tab.said(embedded.usage);
    let usage = tab.usage();
    tab.close("complete");
    let vector = |vector: Vec<f32>| -> Value {
        if base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            json!(BASE64_STANDARD.encode(bytes))
        } else {
            json!(vector)
        }
    };
    let data: Vec<Value> = (0..)
        .zip(embedded.vectors)
        .map(|(index, numbers): (u64, _)| json!({"object": "embedding", "index": index, "embedding": vector(numbers)}))
        .collect();
    let usage = json!({"prompt_tokens": usage.input, "total_tokens": usage.input});
    Ok(document(json!({"object": "list", "data": data, "model": found.id, "usage": usage}).to_string()))
}
