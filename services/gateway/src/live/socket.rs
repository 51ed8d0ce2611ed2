//! The live feed on a WebSocket. One loop reads and writes; there is no queue, so a slow reader only
//! falls behind in what it hears, and one that takes nothing for a while is let go.

use super::{
    feed::{Feed, Next},
    follows::Follows,
    frame::{self, Said},
};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink};
use std::time::Duration;
use tokio::time::Instant;

/// The longest a reader may take for what is sent to it.
const PATIENCE: Duration = Duration::from_secs(15);
/// A client that has not even answered a ping for so long is gone.
const SILENCE: Duration = Duration::from_secs(35);
/// The longest the last word may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// What a client may say in a while.
const SAID_LIMIT: u32 = 240;
const WHILE: Duration = Duration::from_secs(60);

/// Why a connection ends, as a close code (RFC 6455 §7.4; those from 4000 on are an application's).
mod close {
    pub const AWAY: u16 = 1001;
    pub const WRONG: u16 = 1008;
    /// Nobody could say whether the session lives (RFC 6455's registry: try again later).
    pub const LATER: u16 = 1013;
    /// Sign in again; coming again with the same session is no use.
    pub const SESSION_OVER: u16 = 4401;
}

struct Connection {
    sink: SplitSink<WebSocket, Message>,
    feed: Feed,
    follows: Follows,
    heard: Instant,
    said: u32,
    since: Instant,
}

/// Why the loop ends: with a farewell, or without when nobody is there to hear it.
struct End(Option<(u16, &'static str)>);

const GONE: End = End(None);

pub async fn run(socket: WebSocket, feed: Feed) {
    let (sink, mut stream) = socket.split();
    let now = Instant::now();
    let mut connection = Connection { sink, feed, follows: Follows::default(), heard: now, said: 0, since: now };
    let hello = connection.feed.hello();
    let mut outcome = connection.send([Message::Text(hello.into())]).await;
    while outcome.is_ok() {
        outcome = tokio::select! {
            message = stream.next() => match message {
                Some(Ok(message)) => connection.hear(message).await,
                Some(Err(_)) => Err(End(Some((close::WRONG, "that is no message of at most 4 KiB")))),
                None => Err(GONE),
            },
            next = connection.feed.next() => connection.tell(next).await,
            Some(frames) = connection.follows.next() => connection.send(texts(frames)).await,
        };
    }
    if let Err(End(Some((code, reason)))) = outcome {
        let farewell = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let _ = tokio::time::timeout(FAREWELL, connection.sink.send(farewell)).await;
    }
}

fn over(proven: bool) -> (u16, &'static str) {
    if proven {
        (close::SESSION_OVER, "the session has changed or ended")
    } else {
        (close::LATER, "it cannot be found out at this moment whether the session lives; come again")
    }
}

fn texts(frames: Vec<String>) -> impl Iterator<Item = Message> {
    frames.into_iter().map(|frame| Message::Text(frame.into()))
}

impl Connection {
    async fn hear(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Binary(_) => return Err(End(Some((close::WRONG, "only text can be said here")))),
            Message::Close(_) => {
                // the answer to it waits to be sent
                let _ = tokio::time::timeout(FAREWELL, self.sink.flush()).await;
                return Err(GONE);
            }
        };
        if self.heard - self.since > WHILE {
            (self.since, self.said) = (self.heard, 0);
        }
        self.said += 1;
        if self.said > SAID_LIMIT {
            return Err(End(Some((close::WRONG, "too much is said in a minute"))));
        }
        let refused = match frame::read(&text) {
            Ok(Said::Follow { reply, from }) => {
                let watch = &self.feed.watch;
                self.follows.follow(&watch.gateway, &watch.person, reply, from.as_deref())
            }
            Ok(Said::Unfollow { reply }) => {
                self.follows.unfollow(reply);
                None
            }
            Err(_) => return Err(End(Some((close::WRONG, "only follow and unfollow can be said here")))),
        };
        match refused {
            Some(frame) => self.send([Message::Text(frame.into())]).await,
            None => Ok(()),
        }
    }

    async fn tell(&mut self, next: Next) -> Result<(), End> {
        match next {
            Next::Frames(frames) => {
                if self.heard.elapsed() > SILENCE {
                    return Err(GONE);
                }
                // A beat is said twice: to the page, and to the browser, which answers.
                let is_beat = frames.iter().any(|(frame, _)| frame.contains("\"type\":\"ping\""));
                let beat = is_beat.then(|| Message::Ping(bytes::Bytes::new()));
                self.send(texts(frames.into_iter().map(|(frame, _)| frame).collect()).chain(beat)).await
            }
            Next::Bye => {
                self.send([Message::Text(frame::bye().into())]).await?;
                Err(End(Some((close::AWAY, "the server ends; come again"))))
            }
            Next::Over => Err(End(Some(over(true)))),
            Next::Unproven => Err(End(Some(over(false)))),
        }
    }

    /// Hands over messages. Whoever takes them too slowly is let go; a session that ends meanwhile
    /// ends it at once.
    async fn send(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), End> {
        let sink = &mut self.sink;
        let write = async {
            for message in messages {
                sink.feed(message).await?;
            }
            sink.flush().await
        };
        tokio::select! {
            written = tokio::time::timeout(PATIENCE, write) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(GONE),
            },
            proven = self.feed.watch.over() => Err(End(Some(over(proven)))),
        }
    }
}
