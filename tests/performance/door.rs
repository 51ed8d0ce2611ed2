//! What the OpenAI-compatible door adds to a provider's answer.

use crate::{
    Setting,
    figures::section,
    first_token::measure,
    turn::Asked,
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

pub async fn run(setting: &Setting) -> Result<()> {
    section(
        "The OpenAI-compatible door",
        "The same questions as for the first token, over `/v1/chat/completions` with an API key; control: the same to \
         the provider itself.",
    )?;
    let (instance, cookie) = setting.instance("door").await?;
    let mut connection = Connection::open(instance.address).await?;
    let new = r#"{"name":"bench","scopes":["models:use"]}"#;
    let headers = format!("cookie: {cookie}\r\nx-csrf: 1\r\n");
    let (head, body) = connection.ask(&request("POST /api/v1/keys", &headers, new)).await?;
    ensure!(head.status() == 201, "no key was made: {} {}", head.first, String::from_utf8_lossy(&body));
    let key: Value = serde_json::from_slice(&body)?;
    let key = key["secret"].as_str().context("no secret")?.to_owned();
    measure(setting, &instance, &Asked::Door { address: instance.address, key }, false).await?;
    instance.stop().await
}
