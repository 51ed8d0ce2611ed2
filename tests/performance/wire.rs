//! HTTP/1.1 over a raw socket, for both ends: a client library would cost more than what is measured.

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// No figure here takes longer; what does is broken.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Connection {
    stream: TcpStream,
    read: BytesMut,
    rest: Rest,
}

/// What is still to come of a body.
enum Rest {
    Length(usize),
    /// Chunks, from the line that says how long the next one is.
    Chunks,
    Nothing,
}

/// The first line and the headers of a message, names in lower case.
pub struct Head {
    pub first: String,
    pub headers: Vec<(String, String)>,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The session's cookie that a response sets.
    pub fn session(&self) -> Result<String> {
        let cookie = self.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        Ok(cookie.context("no session cookie")?.to_owned())
    }

    /// The status of a response.
    pub fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    pub fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: BytesMut::with_capacity(16 << 10), rest: Rest::Nothing })
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The head of the next message; none when the other side has closed.
    pub async fn head(&mut self) -> Result<Option<Head>> {
        let end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at;
            }
            ensure!(self.read.len() < 64 << 10, "a head that does not end");
            if !self.fill().await? {
                return Ok(None);
            }
        };
        let text = String::from_utf8(self.read.split_to(end + 4).to_vec())?;
        let mut lines = text.lines();
        let first = lines.next().context("an empty head")?.to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        let head = Head { first, headers: headers.collect() };
        self.rest = match (head.header("transfer-encoding"), head.header("content-length")) {
            (Some(_), _) => Rest::Chunks,
            (None, Some(length)) => Rest::Length(length.parse()?),
            (None, None) => Rest::Nothing,
        };
        Ok(Some(head))
    }

    /// The next part of the body, of a chunked one a whole chunk; none at its end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.rest {
                Rest::Nothing => return Ok(None),
                Rest::Length(0) => self.rest = Rest::Nothing,
                Rest::Length(left) if !self.read.is_empty() => {
                    let piece = self.read.split_to(left.min(self.read.len())).freeze();
                    self.rest = Rest::Length(left - piece.len());
                    return Ok(Some(piece));
                }
                Rest::Chunks => {
                    if let Some(chunk) = self.chunk()? {
                        self.rest = if chunk.is_empty() { Rest::Nothing } else { Rest::Chunks };
                        return Ok(Some(chunk).filter(|chunk| !chunk.is_empty()));
                    }
                    ensure!(self.fill().await?, "the connection ended within a body");
                }
                Rest::Length(_) => ensure!(self.fill().await?, "the connection ended within a body"),
            }
        }
    }

    /// A chunk (RFC 9112 §7.1) when all of it is there; the last one is empty.
    fn chunk(&mut self) -> Result<Option<Bytes>> {
        let Some(line) = find(&self.read, b"\r\n") else { return Ok(None) };
        let size = usize::from_str_radix(std::str::from_utf8(&self.read[..line])?, 16)?;
        if self.read.len() < line + 2 + size + 2 {
            return Ok(None);
        }
        self.read.advance(line + 2);
        let chunk = self.read.split_to(size).freeze();
        self.read.advance(2);
        Ok(Some(chunk))
    }

    /// The whole body.
    pub async fn body(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// A request that is answered with one document.
    pub async fn ask(&mut self, request: &[u8]) -> Result<(Head, Vec<u8>)> {
        self.write(request).await?;
        let head = self.head().await?.context("the connection was closed instead of an answer")?;
        let body = self.body().await?;
        Ok((head, body))
    }

    /// Waits until something has come that is no message of HTTP/1.1, and forgets it.
    pub async fn something(&mut self) -> Result<()> {
        ensure!(!self.read.is_empty() || self.fill().await?, "the connection was closed");
        self.read.clear();
        Ok(())
    }

    /// Waits until the other side closes, whatever it still sends.
    pub async fn closed(mut self) {
        while matches!(self.stream.read_buf(&mut self.read).await, Ok(1..)) {
            self.read.clear();
        }
    }

    async fn fill(&mut self) -> Result<bool> {
        self.read.reserve(16 << 10);
        match timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await {
            Ok(read) => Ok(read? > 0),
            Err(_) => bail!("nothing came for {PATIENCE:?}"),
        }
    }
}

/// A request with a JSON body (or none), and headers of its own, each with its line end.
pub fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
