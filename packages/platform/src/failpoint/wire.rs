//! Death in the middle of a write: the first half of an answer, or of a piece of one, is on its way
//! when the process dies.

use super::armed;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that may die half-way: at `G2` within the answer to a send, at `S1` within a piece of
/// a reply, on an event stream or on a live feed.
pub struct Wire<S>(S);

/// Puts the points `G2` and `S1` on a connection.
pub const fn wire<S>(stream: S) -> Wire<S> {
    Wire(stream)
}

fn point_of(bytes: &[u8]) -> Option<&'static str> {
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    if bytes.starts_with(b"HTTP/1.1 202") {
        Some("G2")
    } else if has(b"event: text") || has(b"\"event\":\"text\"") {
        Some("S1")
    } else {
        None
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if point_of(bytes).is_some_and(armed::reached) {
            let _ = Pin::new(&mut self.0).poll_write(cx, &bytes[..bytes.len() / 2]);
            armed::die();
        }
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::point_of;

    #[test]
    fn what_is_written_tells_the_point() {
        assert_eq!(point_of(b"HTTP/1.1 202 Accepted\r\n\r\n{}"), Some("G2"));
        assert_eq!(point_of(b"1f\r\nid: 1-2\nevent: text\ndata: {}\n\n"), Some("S1"));
        assert_eq!(point_of(br#"{"type":"reply","event":"text"}"#), Some("S1"));
        assert_eq!(point_of(b"HTTP/1.1 200 OK\r\n\r\n{}"), None);
    }
}
