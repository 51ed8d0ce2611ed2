//! A provider whose models have bad manners: each does one thing that no provider should.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// It lives as long as the test's runtime.
#[derive(Clone)]
pub struct Rude {
    /// An OpenAI-compatible base URL.
    pub url: String,
    /// How often each model was asked.
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    /// While set it closes every connection without a word.
    pub away: Arc<AtomicBool>,
    /// Cuts the answers of the model `breaks`, which come whole when they are asked for once more.
    pub breaks: Arc<AtomicBool>,
}

impl Rude {
    /// With models of these names.
    pub async fn start(models: &[&str]) -> Result<Self> {
        LazyLock::force(&BOMB);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let rude = Self { url, asked: Arc::default(), away: Arc::default(), breaks: Arc::default() };
        let known: Vec<_> = models.iter().map(|id| json!({"id": id, "object": "model"})).collect();
        let list = json!({"object": "list", "data": known}).to_string();
        let serving = rude.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (rude, list) = (serving.clone(), list.clone());
                tokio::spawn(async move { rude.serve(stream, &list).await });
            }
        });
        Ok(rude)
    }

    pub fn asked(&self, model: &str) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(model).copied().unwrap_or_default()
    }

    async fn serve(&self, mut stream: TcpStream, list: &str) -> Result<()> {
        stream.set_nodelay(true)?;
        let (head, body) = receive(&mut stream).await?;
        if head.starts_with("GET ") {
            return say(&mut stream, 200, "application/json", "", list).await;
        }
        if body.to_string().contains("<question>") {
            // it names the conversation
            let answer = json!({"choices": [{"index": 0, "message": {"content": "A title"}, "finish_reason": "stop"}]});
            return say(&mut stream, 200, "application/json", "", &answer.to_string()).await;
        }
        let model = body["model"].as_str().unwrap_or_default().to_owned();
        let times = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let times = asked.entry(model.clone()).or_default();
            *times += 1;
            *times
        };
        if self.away.load(Ordering::Relaxed) {
            return Ok(());
        }
        if model == "breaks" && times == 1 {
            stream.write_all(format!("{HEAD}{}{}", word(0), word(1)).as_bytes()).await?;
            while !self.breaks.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            return Ok(());
        }
        let (what, count) =
            model.split_once('-').map_or((&*model, 0), |(what, count)| (what, count.parse().unwrap_or(0)));
        misbehave(&mut stream, what, count, times).await
    }
}

async fn receive(stream: &mut TcpStream) -> Result<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4 << 10];
        let count = stream.read(&mut buffer).await?;
        anyhow::ensure!(count > 0, "gone");
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec())?;
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            return Ok((head, serde_json::from_slice(&bytes[end + 4..]).unwrap_or_default()));
        }
    }
}

async fn say(stream: &mut TcpStream, status: u16, kind: &str, more: &str, body: &str) -> Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{more}connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

pub fn word(at: usize) -> String {
    let piece =
        json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": format!("w{at} ")}}]});
    format!("data: {piece}\n\n")
}

fn end() -> String {
    format!("data: {}\n\ndata: [DONE]\n\n", json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
}

/// Until the other side has had enough.
async fn hang(stream: &mut TcpStream) -> Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

async fn misbehave(stream: &mut TcpStream, what: &str, count: usize, times: usize) -> Result<()> {
    let words: String = (0..count).map(word).collect();
    let begun = format!("{HEAD}{words}");
    match what {
        "silent" => hang(stream).await,
        "hangs" => {
            stream.write_all(begun.as_bytes()).await?;
            hang(stream).await
        }
        // a byte now and then, which never becomes an event
        "trickles" => {
            stream.write_all(begun.as_bytes()).await?;
            loop {
                stream.write_all(b"d").await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        // each byte alone, characters in pieces; and it is somebody else's model
        "bytes" => {
            stream.write_all(HEAD.as_bytes()).await?;
            let piece = json!({"model": "another", "choices": [{"index": 0, "delta": {"content": "é€😀"}}]});
            let bytes = format!("data: {piece}\n\n{}", end()).into_bytes();
            for (at, byte) in bytes.into_iter().enumerate() {
                stream.write_all(&[byte]).await?;
                if at.is_multiple_of(8) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Ok(())
        }
        "cut" => Ok(stream.write_all(begun.as_bytes()).await?),
        "reset" => {
            stream.write_all(begun.as_bytes()).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(stream.set_zero_linger()?)
        }
        "half" => Ok(stream.write_all(format!("{begun}data: {{\"choices\":[{{\"ind").as_bytes()).await?),
        "garbage" => {
            let garbage: Vec<u8> =
                (0..4096_u32).map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 24).unwrap_or(0)).collect();
            stream.write_all(&[begun.as_bytes(), &garbage, b"\n\n"].concat()).await?;
            hang(stream).await
        }
        "broken" => {
            let half = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xe2\x82\"}}]}\n\n";
            stream.write_all(&[begun.as_bytes(), half].concat()).await?;
            hang(stream).await
        }
        "line" => {
            stream.write_all(&[begun.as_bytes(), b"data: ", &vec![b'x'; 10 << 20]].concat()).await?;
            hang(stream).await
        }
        "nothttp" => Ok(stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").await?),
        "header" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(&[b"x-more: ", &[b'x'; 4096][..], b"\r\n"].concat()).await?;
            }
        }
        "comments" => {
            stream.write_all(begun.as_bytes()).await?;
            let many = b": still here\n\n".repeat(4096);
            loop {
                stream.write_all(&many).await?;
            }
        }
        "comes" => {
            stream.write_all(begun.as_bytes()).await?;
            loop {
                stream.write_all(b": still here\n\n").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        "endless" => {
            stream.write_all(HEAD.as_bytes()).await?;
            let piece = json!({"choices": [{"index": 0, "delta": {"content": "on and on ".repeat(100)}}]});
            let many = format!("data: {piece}\n\n").repeat(64);
            loop {
                stream.write_all(many.as_bytes()).await?;
            }
        }
        "page" => say(stream, 200, "text/html", "", "<!doctype html><title>Sign in</title><p>Sign in first").await,
        "redirect" => say(stream, 307, "text/plain", "location: http://127.0.0.1:9/\r\n", "elsewhere").await,
        // it would unfold into a thousand times as much
        "gzip" | "deflate" | "br" | "zstd" => {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {what}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(&[head.as_bytes(), &BOMB].concat()).await?;
            hang(stream).await
        }
        // refused once, or for good
        "once" | "breaks" if times > 1 => {
            Ok(stream.write_all(format!("{HEAD}{}{}", word(0), end()).as_bytes()).await?)
        }
        "once" => say(stream, u16::try_from(count)?, "application/json", "retry-after: 1\r\n", "{}").await,
        "later" => say(stream, u16::try_from(count)?, "application/json", "retry-after: 600\r\n", "{}").await,
        "status" => {
            say(stream, u16::try_from(count)?, "application/json", "", "{\"error\":{\"message\":\"no\"}}").await
        }
        _ => Err(anyhow::anyhow!("{what} is no way to misbehave")).context("rude"),
    }
}

/// Many zeros, packed; made once, before anybody asks, because packing takes long.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let _ = packed.write_all(&vec![0; 16 << 20]);
    packed.finish().unwrap_or_default()
});
