//! Clients that have connected and said nothing yet. When the process ends, such a connection would be closed
//! without an answer to the request that is on its way.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::Instant,
};

/// How long a client has to begin its request. Later it is one that keeps a connection in store.
const FIRST_BYTES: Duration = Duration::from_secs(2);

/// How many there are, and when the last one came.
#[derive(Clone, Default)]
pub struct Silent(watch::Sender<(usize, Option<Instant>)>);

impl Silent {
    /// One more, until the value is dropped.
    pub fn begin(&self) -> Silence {
        self.0.send_modify(|(count, last)| (*count, *last) = (*count + 1, Some(Instant::now())));
        Silence(self.clone())
    }

    /// Waits until all have said something, or could have.
    pub async fn none(&self) {
        let Some(last) = self.0.borrow().1 else { return };
        let mut silent = self.0.subscribe();
        let _ = tokio::time::timeout_at(last + FIRST_BYTES, silent.wait_for(|(count, _)| *count == 0)).await;
    }
}

/// A client that says nothing.
pub struct Silence(Silent);

impl Drop for Silence {
    fn drop(&mut self) {
        self.0.0.send_modify(|(count, _)| *count -= 1);
    }
}

/// A connection that is silent until its first byte is read.
pub struct Heard<S> {
    stream: S,
    silence: Option<Silence>,
}

impl<S> Heard<S> {
    pub fn new(stream: S, silence: Silence) -> Self {
        Self { stream, silence: Some(silence) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() && self.silence.is_some() {
            self.silence = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
