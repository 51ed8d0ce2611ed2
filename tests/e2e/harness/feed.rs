//! The live feed on a WebSocket, as a browser holds it.

use super::{About, CALL, Client, Ear};
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};
use uuid::Uuid;

/// A feed that is open.
pub struct Feed {
    socket: WebSocketStream<TcpStream>,
    /// The last position that was heard.
    pub position: String,
    ear: Arc<Ear>,
}

/// How a feed ended: the close code, if one was said.
type Ended = Option<u16>;

impl Feed {
    /// Opens a feed and takes its `hello`.
    pub async fn open(client: &Client, position: Option<&str>) -> Result<Self> {
        let origin = format!("http://{}", client.host());
        let mut feed = Self::knock(client, position, Some(&origin))
            .await?
            .map_err(|status| anyhow::anyhow!("the live feed answers {status}"))?;
        let hello = feed.next(CALL).await?;
        ensure!(hello["type"] == "hello", "{hello}");
        Ok(feed)
    }

    /// Asks for a feed, as a page of `origin`: it opens, or the answer has this status.
    pub async fn knock(client: &Client, position: Option<&str>, origin: Option<&str>) -> Result<Result<Self, u16>> {
        let query = position.map(|position| format!("?position={position}")).unwrap_or_default();
        let mut request = format!("ws://{}/api/v1/live{query}", client.host()).into_client_request()?;
        let headers = request.headers_mut();
        for (name, value) in [("cookie", client.cookie()), ("origin", origin.map(Into::into))] {
            if let Some(value) = value {
                headers.insert(name, value.parse()?);
            }
        }
        let stream = TcpStream::connect(client.host()).await?;
        match tokio::time::timeout(CALL, client_async(request, stream)).await? {
            Ok((socket, _)) => Ok(Ok(Self { socket, position: String::new(), ear: client.ear.clone() })),
            Err(Error::Http(response)) => Ok(Err(response.status().as_u16())),
            Err(error) => Err(error.into()),
        }
    }

    /// The next message; an error when there is none in time, or the feed ended.
    pub async fn next(&mut self, limit: Duration) -> Result<Value> {
        match self.message(limit).await? {
            Ok(message) => Ok(message),
            Err(code) => bail!("the feed ended with {code:?}"),
        }
    }

    async fn message(&mut self, limit: Duration) -> Result<Result<Value, Ended>> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = tokio::time::timeout(left, self.socket.next()).await;
            match message.with_context(|| format!("no message within {limit:?}"))? {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text)?;
                    let reply = message["reply"].as_str().and_then(|id| Uuid::parse_str(id).ok());
                    self.ear.hear(&text, About { reply, chat: None });
                    if let Some(position) = message["position"].as_str() {
                        position.clone_into(&mut self.position);
                    }
                    return Ok(Ok(message));
                }
                Some(Ok(Message::Close(frame))) => return Ok(Err(frame.map(|frame| frame.code.into()))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Err(None)),
            }
        }
    }

    /// Reads until a hint of this kind and thing; all that came, it included.
    pub async fn hint(&mut self, kind: &str, id: Uuid, limit: Duration) -> Result<Vec<Value>> {
        let (deadline, mut heard) = (Instant::now() + limit, Vec::new());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.next(left).await.with_context(|| format!("{kind} of {id} after {heard:?}"))?;
            let found = message["type"] == "hint" && message["kind"] == kind && message["id"] == json!(id);
            heard.push(message);
            if found {
                return Ok(heard);
            }
        }
    }

    /// Reads the events of one reply until `last`; hints between them are left out.
    pub async fn reply(&mut self, reply: Uuid, last: &str, limit: Duration) -> Result<Vec<Value>> {
        let (deadline, mut events) = (Instant::now() + limit, Vec::new());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.next(left).await.with_context(|| format!("{last} after {events:?}"))?;
            if message["type"] == "reply" && message["reply"] == json!(reply) {
                let found = message["event"] == last;
                events.push(message);
                if found {
                    return Ok(events);
                }
            }
        }
    }

    pub async fn follow(&mut self, reply: Uuid, from: Option<&str>) -> Result<()> {
        self.say(&json!({"type": "follow", "reply": reply, "from": from}).to_string()).await
    }

    pub async fn say(&mut self, text: &str) -> Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    pub async fn say_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(bytes.to_vec())).await?)
    }

    /// Reads on until the feed ends, and says how and when.
    pub async fn ends(&mut self, limit: Duration) -> Result<(Option<u16>, Duration)> {
        let start = Instant::now();
        loop {
            match self.message(limit.saturating_sub(start.elapsed())).await? {
                Ok(_) => {}
                Err(code) => return Ok((code, start.elapsed())),
            }
        }
    }

    /// Makes sure that nothing comes for a while.
    pub async fn silent(&mut self, time: Duration) -> Result<()> {
        match tokio::time::timeout(time, self.socket.next()).await {
            Ok(message) => bail!("{message:?} is heard"),
            Err(_) => Ok(()),
        }
    }
}
