//! One question and its answer, asked of the provider itself (the control) or through Taifas.

use crate::{
    provider::{STAMP, now},
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde_json::Value;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Whom to ask.
#[derive(Clone)]
pub enum Asked {
    Provider(SocketAddr),
    Taifas {
        address: SocketAddr,
        cookie: String,
    },
    /// The OpenAI-compatible door, with an API key.
    Door {
        address: SocketAddr,
        key: String,
    },
}

/// Who asks: a connection that is kept open between turns, as browsers and servers do.
pub struct Client {
    asked: Asked,
    connection: Connection,
}

/// What was heard of one answer.
#[derive(Default)]
pub struct Heard {
    /// From the first byte of the question to the first token.
    pub first: Duration,
    /// Of each token, from the provider's hand to ours.
    pub delays: Vec<Duration>,
    /// When each token came, in nanoseconds of [`now`].
    pub arrivals: Vec<u64>,
    /// Parts in which the answer came: fewer than tokens when several came together.
    pub parts: usize,
    /// The first event of an answer by Taifas, which names the reply.
    sent: Vec<u8>,
    last: Bytes,
}

impl Heard {
    pub fn reply(&self) -> Result<String> {
        let text = std::str::from_utf8(&self.sent)?;
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).context("no first event")?;
        let sent: Value = serde_json::from_str(data)?;
        Ok(sent["reply"]["id"].as_str().context("no reply")?.to_owned())
    }
}

impl Client {
    pub async fn of(asked: &Asked) -> Result<Self> {
        let (Asked::Provider(address) | Asked::Taifas { address, .. } | Asked::Door { address, .. }) = asked;
        Ok(Self { asked: asked.clone(), connection: Connection::open(*address).await? })
    }

    /// Asks in a chat of its own and listens to the end.
    pub async fn ask(&mut self, model: &str) -> Result<Heard> {
        self.ask_in(Uuid::now_v7(), None, model).await
    }

    /// Asks in `chat`, behind `parent`, and listens to the end.
    pub async fn ask_in(&mut self, chat: Uuid, parent: Option<&str>, model: &str) -> Result<Heard> {
        let mut heard = self.begin(chat, parent, model).await?;
        let taifas = matches!(self.asked, Asked::Taifas { .. });
        while let Some(piece) = self.connection.piece().await? {
            heard.take(&piece);
        }
        let ended = String::from_utf8_lossy(&heard.last[heard.last.len().saturating_sub(200)..]).into_owned();
        ensure!(!taifas || ended.contains("event: done"), "an answer that did not end: {ended}");
        Ok(heard)
    }

    /// Asks and listens to the first token; the answer goes on.
    pub async fn begin(&mut self, chat: Uuid, parent: Option<&str>, model: &str) -> Result<Heard> {
        let request = self.question(chat, parent, model);
        let start = Instant::now();
        self.connection.write(&request).await?;
        let head = self.connection.head().await?.context("the connection was closed instead of an answer")?;
        if !(200..300).contains(&head.status()) {
            let body = self.connection.body().await?;
            anyhow::bail!("{}: {}", head.first, String::from_utf8_lossy(&body));
        }
        let mut heard = Heard::default();
        while heard.delays.is_empty() {
            let piece = self.connection.piece().await?.context("an answer without a token")?;
            heard.take(&piece);
        }
        heard.first = start.elapsed();
        Ok(heard)
    }

    fn question(&self, chat: Uuid, parent: Option<&str>, model: &str) -> Vec<u8> {
        let text = "What is the shortest way from a question to its answer?";
        match &self.asked {
            Asked::Provider(_) | Asked::Door { .. } => {
                let (before, headers) = match &self.asked {
                    Asked::Door { key, .. } => ("openai/", format!("authorization: Bearer {key}\r\n")),
                    _ => ("", String::new()),
                };
                let body = format!(
                    r#"{{"model":"{before}{model}","stream":true,"messages":[{{"role":"user","content":"{text}"}}],"stream_options":{{"include_usage":true}}}}"#
                );
                request("POST /v1/chat/completions", &format!("{headers}accept: text/event-stream\r\n"), &body)
            }
            Asked::Taifas { cookie, .. } => {
                let (id, parent) = (Uuid::now_v7(), parent.map_or("null".into(), |id| format!("\"{id}\"")));
                let body = format!(r#"{{"id":"{id}","parent_id":{parent},"text":"{text}","model":"openai/{model}"}}"#);
                let headers =
                    format!("cookie: {cookie}\r\nx-csrf: 1\r\nidempotency-key: {id}\r\naccept: text/event-stream\r\n");
                request(&format!("POST /api/v1/chats/{chat}/messages"), &headers, &body)
            }
        }
    }
}

impl Heard {
    fn take(&mut self, piece: &Bytes) {
        let at = now();
        self.parts += 1;
        self.last = piece.clone();
        if !self.sent.ends_with(b"\n\n") {
            self.sent.extend_from_slice(piece);
        }
        // Stamps stand in pairs around digits, and a part is a whole chunk: never cut within a token.
        let parts = piece.split(|byte| *byte == STAMP).skip(1).step_by(2);
        let stamps = parts.filter_map(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
        self.delays.extend(stamps.map(|stamp| Duration::from_nanos(at.saturating_sub(stamp))));
        self.arrivals.resize(self.delays.len(), at);
    }
}
