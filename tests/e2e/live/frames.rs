//! What comes over a WebSocket below its messages: frames in pieces, frames that are none, lengths that lie.
//! The connection that sent them ends, and nothing else: the process goes on, and so does whoever listens.

use super::{SOON, TERMINAL};
use crate::harness::{CALL, Client, Draft, Feed, ready};
use anyhow::{Context as _, Result, bail, ensure};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Value, json};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream},
};
use uuid::Uuid;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const LAST: u8 = 0x80;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// How the length of a frame is said.
#[derive(Clone, Copy, Debug)]
enum Length {
    Shortest,
    /// In two or eight bytes, though fewer would do.
    Two,
    Eight,
    /// Another one than there is.
    Wrong(u64),
}

/// A frame as it is sent, in order or not.
#[derive(Clone, Debug)]
struct Frame {
    /// FIN, the reserved bits and the opcode.
    first: u8,
    masked: bool,
    length: Length,
    payload: Vec<u8>,
}

impl Frame {
    fn new(first: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { first, masked: true, length: Length::Shortest, payload: payload.into() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mask = if self.masked { 0x80 } else { 0 };
        let actual = self.payload.len() as u64;
        let mut bytes = vec![self.first];
        match (self.length, actual) {
            (Length::Shortest, length @ ..126) => bytes.push(mask | u8::try_from(length).unwrap_or_default()),
            (Length::Shortest | Length::Two, length @ ..0x1_0000) => {
                bytes.push(mask | 126);
                bytes.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
            }
            (Length::Wrong(length), _) | (_, length) => {
                bytes.push(mask | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend(MASK);
            bytes.extend(self.payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend(&self.payload);
        }
        bytes
    }
}

/// A connection that has been made a WebSocket, and nothing more.
fn opened(client: &Client) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(client.host())?;
    stream.set_read_timeout(Some(CALL))?;
    stream.set_write_timeout(Some(CALL))?;
    write!(
        stream,
        "GET /api/v1/live HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncookie: {cookie}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        host = client.host(),
        cookie = client.cookie().unwrap_or_default()
    )?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(stream.read(&mut byte)? == 1, "it ends with {:?}", String::from_utf8_lossy(&head));
        head.extend(byte);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// All that comes until the server ends the connection; an error when it does not.
fn rest(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        // it closes without having read all: that resets
        Err(error) if !matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            Err(error).context("it does not end the connection")
        }
        _ => Ok(heard),
    }
}

/// What the server said: messages, and the code of its close. It may be cut off, and must be in order up to there.
fn said(mut bytes: &[u8]) -> Result<(Vec<Value>, Option<u16>)> {
    let (mut messages, mut code) = (Vec::new(), None);
    while let [first, second, rest @ ..] = bytes {
        ensure!(code.is_none(), "something comes after the close");
        ensure!(first & 0xf0 == LAST && second & 0x80 == 0, "a frame begins with {first:#x} {second:#x}");
        let (length, rest) = match (second, rest) {
            (126, [high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            (..126, rest) => (usize::from(*second), rest),
            _ => bail!("a long frame, or half of one: {second}"),
        };
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        match first & 0x0f {
            TEXT => {
                let message: Value = serde_json::from_slice(payload)?;
                let kind = message["type"].as_str().unwrap_or_default();
                ensure!(matches!(kind, "hello" | "hint" | "resync" | "ping" | "bye" | "reply"), "{message}");
                messages.push(message);
            }
            CLOSE => {
                code = Some(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)));
                // its own, or the one that was said to it, which must be one that may be said
                let known = matches!(code, Some(1000..=1003 | 1005 | 1007..=1014 | 3000..=4999));
                ensure!(known, "it closes with {code:?}");
            }
            PING | PONG => ensure!(length <= 125, "a control frame of {length} bytes"),
            other => bail!("a frame of kind {other}"),
        }
        bytes = rest;
    }
    Ok((messages, code))
}

/// Sends the frames, closes, and hears what is said until the server ends it too.
fn exchanged(client: &Client, frames: &[Frame]) -> Result<()> {
    let mut stream = opened(client)?;
    let mut bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
    bytes.extend(Frame::new(LAST | CLOSE, 1000_u16.to_be_bytes()).bytes());
    // it may have heard enough before the end
    let _ = stream.write_all(&bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    said(&rest(&mut stream)?).map(|_| ())
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let says = prop_oneof![
        Just(json!({"type": "follow", "reply": Uuid::nil(), "from": "1-2"}).to_string().into_bytes()),
        Just(json!({"type": "unfollow", "reply": Uuid::nil()}).to_string().into_bytes()),
    ];
    let payload = prop_oneof![
        4 => says,
        2 => vec(any::<u8>(), 0..130),
        1 => (4000_usize..5000).prop_map(|length| vec![b' '; length]),
        1 => Just(vec![0xc3, 0x28, 0xed, 0xa0, 0x80]),
        1 => (any::<u16>(), ".{0,40}").prop_map(|(code, why)| [&code.to_be_bytes(), why.as_bytes()].concat()),
    ];
    let kind = prop_oneof![
        4 => Just(TEXT),
        3 => Just(CONTINUATION),
        3 => prop_oneof![Just(PING), Just(PONG)],
        1 => Just(BINARY),
        1 => Just(CLOSE),
        1 => 0_u8..16,
    ];
    let bits = prop_oneof![4 => Just(LAST), 2 => Just(0), 1 => (0_u8..16).prop_map(|bits| bits << 4)];
    let length = prop_oneof![
        12 => Just(Length::Shortest),
        1 => Just(Length::Two),
        1 => Just(Length::Eight),
        1 => prop_oneof![0_u64..200, any::<u64>()].prop_map(Length::Wrong),
    ];
    let frame = (bits, kind, proptest::bool::weighted(0.93), length, payload);
    vec(
        frame.prop_map(|(bits, kind, masked, length, payload)| Frame { first: bits | kind, masked, length, payload }),
        1..8,
    )
}

/// Whatever frames come, the connection ends as it should and nothing else does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_frames_come_only_their_connection_ends() -> Result<()> {
    let (server, owner) = ready(&[]).await?;
    let pid = server.pid()?;
    let sent = owner.send(&Draft::new("continues", &json!({"tokens": 3}))).await?;
    let mut other = Feed::open(&owner, None).await?;
    other.hint("reply.finished", sent.chat, TERMINAL).await.ok();
    let noisy = owner.clone();
    tokio::task::spawn_blocking(move || {
        let config = Config { source_file: Some(file!()), ..Config::default() };
        let tried = TestRunner::new(config)
            .run(&frames(), |frames| exchanged(&noisy, &frames).map_err(|why| TestCaseError::fail(format!("{why:#}"))));
        tried.map_err(|failure| anyhow::anyhow!("{failure}"))
    })
    .await??;
    let version = owner.open(sent.chat).await?["chat"]["version"].as_i64().context("no version")?;
    owner.rename(sent.chat, "Still here", version).await?.ok(200)?;
    other.hint("chat.renamed", sent.chat, SOON).await?;
    ensure!(server.pid()? == pid && server.log_faults().is_empty(), "{:?}", server.log_faults());
    Ok(())
}

/// Each of these alone ends the connection, without a word from whoever sent it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_breaks_the_protocol_ends_the_connection() -> Result<()> {
    let (server, owner) = ready(&[]).await?;
    let unmasked = Frame { masked: false, ..Frame::new(LAST | TEXT, "{}") };
    let endless = |length| Frame { length: Length::Wrong(length), ..Frame::new(LAST | TEXT, "{}") };
    let cases: Vec<(&str, Vec<Frame>)> = vec![
        ("an opcode that is reserved", vec![Frame::new(LAST | 3, "{}")]),
        ("a control opcode that is reserved", vec![Frame::new(LAST | 11, "")]),
        ("a bit that is reserved", vec![Frame::new(LAST | 0x40 | TEXT, "{}")]),
        ("no mask", vec![unmasked]),
        ("a ping in pieces", vec![Frame::new(PING, "a")]),
        ("a ping that is too long", vec![Frame::new(LAST | PING, [b'a'; 126])]),
        ("a continuation of nothing", vec![Frame::new(LAST | CONTINUATION, "{}")]),
        ("a text within another one", vec![Frame::new(TEXT, "{"), Frame::new(LAST | TEXT, "{}")]),
        ("broken UTF-8", vec![Frame::new(LAST | TEXT, [0xc3, 0x28])]),
        ("broken UTF-8 in pieces", vec![Frame::new(TEXT, [0xc3]), Frame::new(LAST | CONTINUATION, [0x28])]),
        ("a long message", vec![Frame::new(LAST | TEXT, [b' '; 5000])]),
        ("a long message in pieces", vec![Frame::new(TEXT, [b' '; 3000]), Frame::new(CONTINUATION, [b' '; 3000])]),
        ("a length that is too long", vec![endless(5000)]),
        ("a length without end", vec![endless(u64::MAX)]),
        ("a binary message", vec![Frame::new(LAST | BINARY, "{}")]),
        ("a close of one byte", vec![Frame::new(LAST | CLOSE, "a")]),
    ];
    tokio::task::spawn_blocking(move || {
        for (what, frames) in cases {
            let mut stream = opened(&owner)?;
            stream.write_all(&frames.iter().flat_map(Frame::bytes).collect::<Vec<_>>())?;
            let (_, code) = said(&rest(&mut stream).context(what)?).context(what)?;
            // one that is not read whole may be cut off instead
            let is_long = frames.iter().any(|frame| frame.payload.len() > 1000);
            ensure!(code == Some(1008) || is_long && code.is_none(), "{what}: it closes with {code:?}");
        }
        // in order, though in pieces with a ping between them: it is understood
        let mut stream = opened(&owner)?;
        let follow = json!({"type": "follow", "reply": Uuid::nil()}).to_string();
        let (first, second) = follow.split_at(9);
        let pieces = [Frame::new(TEXT, first), Frame::new(LAST | PING, "so"), Frame::new(LAST | CONTINUATION, second)];
        stream.write_all(&pieces.iter().flat_map(Frame::bytes).collect::<Vec<_>>())?;
        let (mut heard, mut byte) = (Vec::new(), [0]);
        while !said(&heard).is_ok_and(|(messages, _)| messages.iter().any(|message| message["event"] == "error")) {
            ensure!(stream.read(&mut byte)? == 1, "it ends with {:?}", String::from_utf8_lossy(&heard));
            heard.extend(byte);
        }
        ensure!(heard.windows(4).any(|frame| frame == [LAST | PONG, 2, b's', b'o']), "a ping is not answered");
        Ok(())
    })
    .await??;
    ensure!(server.log_faults().is_empty(), "{:?}", server.log_faults());
    Ok(())
}
