//! The published description of the live feed (AsyncAPI 3) says what the server says, and takes what
//! the server takes.

use super::{SOON, TERMINAL};
use crate::harness::{CALL, Draft, Feed, ready};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path, time::Duration};
use uuid::Uuid;

fn description() -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api/live.yaml");
    Ok(serde_yaml_ng::from_str(&std::fs::read_to_string(path)?)?)
}

/// The part of JSON Schema that the description uses; a word it does not know is a fault of the test.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<()> {
    for (word, rule) in schema.as_object().context("a schema that is no object")? {
        match word.as_str() {
            "$ref" => {
                let target = rule.as_str().and_then(|link| document.pointer(link.strip_prefix('#')?));
                fits(document, target.with_context(|| format!("{rule} leads nowhere"))?, value)?;
            }
            "description" | "summary" => {}
            "const" => ensure!(value == rule, "{value} is not {rule}"),
            "enum" => ensure!(rule.as_array().is_some_and(|all| all.contains(value)), "{value} is none of {rule}"),
            "type" => {
                let is = match rule.as_str() {
                    Some("object") => value.is_object(),
                    Some("string") => value.is_string(),
                    Some("integer") => value.is_i64(),
                    Some("null") => value.is_null(),
                    _ => bail!("a type {rule}"),
                };
                ensure!(is, "{value} is no {rule}");
            }
            "format" => ensure!(Uuid::parse_str(value.as_str().unwrap_or_default()).is_ok(), "{value} is no {rule}"),
            "pattern" => ensure!(matches(rule.as_str().context("a pattern")?, value)?, "{value} does not match {rule}"),
            "required" => {
                for name in rule.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    ensure!(value.get(name).is_some(), "{value} has no {name}");
                }
            }
            "properties" => {
                for (name, schema) in rule.as_object().context("properties")? {
                    if let Some(member) = value.get(name) {
                        fits(document, schema, member).with_context(|| name.clone())?;
                    }
                }
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object().context("properties")?;
                let mut members = value.as_object().context("no object")?.keys();
                ensure!(members.all(|name| known.contains_key(name)), "{value} has more than is described");
            }
            "oneOf" => {
                let all = rule.as_array().context("oneOf")?;
                let fitting = all.iter().filter(|schema| fits(document, schema, value).is_ok()).count();
                ensure!(fitting == 1, "{value} fits {fitting} of {rule}");
            }
            other => bail!("the test does not know the word {other}"),
        }
    }
    Ok(())
}

/// The two patterns of the description.
fn matches(pattern: &str, value: &Value) -> Result<bool> {
    let text = value.as_str().unwrap_or_default();
    let lower = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    Ok(match pattern {
        "^[0-9a-f]+-([0-9]+|none)$" => text.split_once('-').is_some_and(|(epoch, place)| {
            let number = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
            !epoch.is_empty()
                && epoch.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
                && (number || place == "none")
        }),
        "^[a-z_]+[.][a-z_]+$" => text.split_once('.').is_some_and(|(of, what)| lower(of) && lower(what)),
        _ => bail!("the test does not know the pattern {pattern}"),
    })
}

fn payload<'d>(document: &'d Value, name: &str) -> Result<&'d Value> {
    document
        .pointer(&format!("/components/messages/{name}/payload"))
        .with_context(|| format!("{name} is not described"))
}

#[tokio::test]
async fn everything_that_is_said_is_described() -> Result<()> {
    let document = description()?;
    let (mut server, owner) = ready(&[]).await?;
    let mut said: BTreeSet<String> = BTreeSet::new();
    let mut take = |message: Value| -> Result<String> {
        let name = message["type"].as_str().context("no type")?.to_owned();
        fits(&document, payload(&document, &name)?, &message).with_context(|| message.to_string())?;
        let event = message["event"].as_str().map(|event| format!(" {event}")).unwrap_or_default();
        said.insert(format!("{name}{event}"));
        Ok(name)
    };
    let origin = format!("http://{}", owner.host());
    let knocked = Feed::knock(&owner, Some("1-1"), Some(&origin)).await?;
    let mut feed = knocked.map_err(|status| anyhow::anyhow!("{status}"))?;
    let draft = Draft::new("asks", &json!({"tokens": 30, "delay_ms": 3, "cut_after": 10}));
    let sent = owner.send(&draft).await?;
    for said in [
        json!({"type": "follow", "reply": sent.reply, "from": null}),
        json!({"type": "follow", "reply": Uuid::now_v7(), "from": "1f-none"}),
        json!({"type": "unfollow", "reply": Uuid::now_v7()}),
    ] {
        fits(&document, payload(&document, said["type"].as_str().unwrap_or_default())?, &said)?;
        feed.say(&said.to_string()).await?;
    }
    // one beat, during which the answer ends
    while take(feed.next(Duration::from_secs(25)).await?)? != "ping" {}
    owner.open(sent.chat).await?;
    server.stop().await?;
    while take(feed.next(CALL.max(SOON).max(TERMINAL)).await?)? != "bye" {}
    let described: Vec<_> = document["operations"]["hear"]["messages"].as_array().into_iter().flatten().collect();
    for message in described {
        let name = message["$ref"].as_str().and_then(|link| link.rsplit('/').next()).context("a message")?;
        ensure!(
            said.iter().any(|said| said.split(' ').next() == Some(name)),
            "{name} is described and never said: {said:?}"
        );
    }
    for event in ["snapshot", "text", "end", "done", "error"] {
        ensure!(said.contains(&format!("reply {event}")), "no {event} among {said:?}");
    }
    Ok(())
}

#[test]
fn the_test_tells_what_fits_from_what_does_not() -> Result<()> {
    let document = description()?;
    let hint = json!({"type": "hint", "position": "1f-3", "kind": "chat.renamed", "id": Uuid::nil(), "version": 1});
    fits(&document, payload(&document, "hint")?, &hint)?;
    for (member, value) in [
        ("type", json!("hints")),
        ("position", json!("1f")),
        ("position", json!(null)),
        ("kind", json!("renamed")),
        ("id", json!("x")),
        ("version", json!("1")),
        ("title", json!("a word")),
    ] {
        let mut wrong = hint.clone();
        wrong[member] = value;
        ensure!(fits(&document, payload(&document, "hint")?, &wrong).is_err(), "{wrong} fits");
    }
    Ok(())
}
