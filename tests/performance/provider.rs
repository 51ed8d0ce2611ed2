//! A provider that costs next to nothing: an OpenAI-compatible server on a thread of its own, whose
//! tokens say when they were sent.

use crate::wire::{Connection, Head};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{fmt::Write as _, net::SocketAddr, sync::LazyLock, thread, time::Duration};
use tokio::{
    net::TcpListener,
    time::{Instant, MissedTickBehavior, interval_at},
};

/// What stands around the time in a token; nothing else in a conversation contains it.
pub const STAMP: u8 = b'~';

/// How a model answers. The first token comes at once with the head of the response.
struct Plan {
    /// Tokens after the first.
    tokens: usize,
    pace: Duration,
    padding: usize,
    /// Says nothing more after the first token and does not end.
    hangs: bool,
}

pub const PACED_TOKENS: usize = 33;
pub const FAST_TOKENS: usize = 801;
pub const HUNDRED_TOKENS: usize = 100;
/// Of 50 a second: a quarter of a minute.
pub const STEADY_TOKENS: usize = 750;

fn plan(model: &str) -> Option<Plan> {
    let plan = |tokens, pace, padding, hangs| Plan { tokens, pace: Duration::from_millis(pace), padding, hangs };
    match model {
        "short" => Some(plan(0, 1, 300, false)),
        "paced" => Some(plan(PACED_TOKENS - 1, 2, 0, false)),
        "fast" => Some(plan(FAST_TOKENS - 1, 5, 0, false)),
        "hundred" => Some(plan(HUNDRED_TOKENS - 1, 20, 0, false)),
        "steady" => Some(plan(STEADY_TOKENS - 1, 20, 0, false)),
        "hanging" => Some(plan(0, 1, 0, true)),
        _ => None,
    }
}

/// Nanoseconds since this process first asked; both ends of a token live in this process.
pub fn now() -> u64 {
    static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    u64::try_from(ORIGIN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Serves until the process ends.
pub fn start() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("provider".into()).spawn(move || runtime.block_on(accept(listener)))?;
    Ok(address)
}

async fn accept(listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(connection) = Connection::over(stream) else { continue };
        // A connection that its client has dropped ends with an error nobody needs.
        tokio::spawn(async move { drop(serve(connection).await) });
    }
}

async fn serve(mut connection: Connection) -> Result<()> {
    while let Some(head) = connection.head().await? {
        let body = connection.body().await?;
        match asked(&head, &body) {
            Some(plan) if plan.hangs => {
                connection.write(&[HEAD.as_bytes(), &token(&plan)].concat()).await?;
                connection.closed().await;
                return Ok(());
            }
            Some(plan) => answer(&mut connection, &plan).await?,
            None => {
                let names =
                    ["short", "paced", "fast", "hundred", "steady", "hanging"].map(|id| serde_json::json!({"id": id}));
                let list = serde_json::json!({"object": "list", "data": names}).to_string();
                let length = list.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
                connection.write((head + &list).as_bytes()).await?;
            }
        }
    }
    Ok(())
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn asked(head: &Head, body: &[u8]) -> Option<Plan> {
    let body: Value = serde_json::from_slice(body).ok().filter(|_| head.first.starts_with("POST"))?;
    plan(body.get("model")?.as_str()?)
}

async fn answer(connection: &mut Connection, plan: &Plan) -> Result<()> {
    connection.write(&[HEAD.as_bytes(), &token(plan)].concat()).await?;
    let mut pace = interval_at(Instant::now() + plan.pace, plan.pace);
    // A late tick is made up for: the rate is the plan's.
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..plan.tokens {
        pace.tick().await;
        connection.write(&token(plan)).await?;
    }
    let mut end = chunk(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#);
    end.extend(chunk(r#"{"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":33,"total_tokens":41}}"#));
    end.extend(chunk("[DONE]"));
    end.extend_from_slice(b"0\r\n\r\n");
    connection.write(&end).await.context("the end of an answer")
}

fn token(plan: &Plan) -> Vec<u8> {
    let mut text = format!("{0}{1}{0} word", char::from(STAMP), now());
    let _ = write!(text, "{:.<1$}", "", plan.padding);
    chunk(&format!(
        r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
    ))
}

fn chunk(data: &str) -> Vec<u8> {
    let event = format!("data: {data}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}
