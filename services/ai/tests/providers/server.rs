//! A server on the loopback interface that does exactly what a test says, byte by byte, and remembers what it was asked.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// One step of an answer. After the last the server closes the connection in order (FIN).
#[derive(Clone)]
pub enum Act {
    Send(Vec<u8>),
    Wait(Duration),
    /// Closes the connection with RST.
    Reset,
    /// Says nothing more until the client goes away, and reports that it did.
    Hang,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Request line and headers, in small letters.
    pub head: String,
    pub body: Value,
}

pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    gone: Arc<Notify>,
}

impl Server {
    /// Answers the n-th request with the n-th list; the last list answers all later ones too.
    pub async fn start(answers: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let gone = Arc::new(Notify::new());
        let (seen, left) = (requests.clone(), gone.clone());
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let acts = answers[number.min(answers.len() - 1)].clone();
                number += 1;
                tokio::spawn(serve(stream, acts, seen.clone(), left.clone()));
            }
        });
        Self { port, requests, gone }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until a client went away during [`Act::Hang`].
    pub async fn client_gone(&self) {
        tokio::time::timeout(Duration::from_secs(5), self.gone.notified())
            .await
            .expect("the client closed its connection");
    }
}

async fn serve(mut stream: TcpStream, acts: Vec<Act>, requests: Arc<Mutex<Vec<Request>>>, gone: Arc<Notify>) {
    stream.set_nodelay(true).unwrap();
    let Some(request) = receive(&mut stream).await else { return };
    requests.lock().unwrap().push(request);
    for act in acts {
        match act {
            Act::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return gone.notify_one();
                }
            }
            Act::Wait(time) => tokio::time::sleep(time).await,
            Act::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Act::Hang => {
                while stream.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {}
                return gone.notify_one();
            }
        }
    }
    // Nothing unread may be left, else closing would be a reset.
    stream.shutdown().await.ok();
    while stream.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {}
}

async fn receive(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            let body = serde_json::from_slice(&bytes[end + 4..end + 4 + length]).unwrap_or(Value::Null);
            return Some(Request { head, body });
        }
    }
}

/// The head of an answer whose body lasts until the connection closes. `more` are further header lines.
pub fn head(status: u16, content_type: &str, more: &str) -> Vec<u8> {
    let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
    format!("HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\nconnection: close\r\n{more}\r\n").into_bytes()
}

/// An answer in one go.
pub fn answer(status: u16, content_type: &str, body: &[u8]) -> Vec<Act> {
    vec![Act::Send([head(status, content_type, ""), body.to_vec()].concat())]
}

/// The head of an event stream in chunks, whose end the client can tell from a cut.
pub fn chunked_head() -> Act {
    Act::Send(head(200, "text/event-stream", "transfer-encoding: chunked"))
}

/// One chunk of such a stream; an empty one is its end.
pub fn chunk(bytes: &[u8]) -> Act {
    Act::Send([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
}
