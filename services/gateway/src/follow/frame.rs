//! How the events of a reply look: on an event stream as the WHATWG HTML standard (§9.2) writes them,
//! on the live feed as one JSON text each, which names the reply.

use bytes::Bytes;
use platform::{ids::Ids, streams::Position};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// Room behind events on an event stream that is not worth a copy of them.
const SPARE: usize = 1 << 10;

/// The way to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// An event stream of its own.
    Stream,
    /// The live feed, which carries other things too.
    Feed,
}

/// Events on their way out.
pub enum Out {
    Stream(Vec<u8>),
    Feed { reply: Uuid, frames: Vec<String> },
}

/// `<epoch hex>-<seq>`: the last entry a frame brings; `none` before the first.
pub fn id(epoch: u64, seq: Option<u64>) -> String {
    match seq {
        Some(seq) => format!("{epoch:x}-{seq}"),
        None => format!("{epoch:x}-none"),
    }
}

/// When a reader that is sent away should come again, in milliseconds: not all of them at once.
pub fn pause(ids: &dyn Ids) -> u16 {
    let mut bytes = [0; 2];
    ids.random(&mut bytes);
    u16::from_le_bytes(bytes) % 5_000
}

/// The position behind an id; none for what is not one of ours.
pub fn read_id(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once('-')?;
    let epoch = u64::from_str_radix(epoch, 16).ok()?;
    let seq = if seq == "none" { -1 } else { seq.parse::<u64>().ok()?.try_into().ok()? };
    Some(Position { epoch, seq })
}

impl Out {
    pub fn new(door: Door, reply: Uuid) -> Self {
        match door {
            Door::Stream => Self::Stream(Vec::new()),
            Door::Feed => Self::Feed { reply, frames: Vec::new() },
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Stream(bytes) => bytes.is_empty(),
            Self::Feed { frames, .. } => frames.is_empty(),
        }
    }

    /// An event that moves the reader's position.
    pub fn placed(&mut self, epoch: u64, seq: Option<u64>, event: &str, data: &impl Serialize) {
        self.write(Some((epoch, seq)), event, data);
    }

    /// An event that does not.
    pub fn plain(&mut self, event: &str, data: &impl Serialize) {
        self.write(None, event, data);
    }

    fn write(&mut self, place: Option<(u64, Option<u64>)>, event: &str, data: &impl Serialize) {
        let id = place.map(|(epoch, seq)| id(epoch, seq));
        match self {
            Self::Stream(out) => {
                // room for most pieces at once
                out.reserve(128);
                if let Some(id) = id {
                    out.extend_from_slice(b"id: ");
                    out.extend_from_slice(id.as_bytes());
                    out.push(b'\n');
                }
                out.extend_from_slice(b"event: ");
                out.extend_from_slice(event.as_bytes());
                out.extend_from_slice(b"\ndata: ");
                // JSON escapes line ends, so the data is one line whatever it holds.
                let start = out.len();
                if serde_json::to_writer(&mut *out, data).is_err() {
                    out.truncate(start);
                    out.extend_from_slice(b"{}");
                }
                out.extend_from_slice(b"\n\n");
            }
            Self::Feed { reply, frames } => {
                #[derive(Serialize)]
                struct Frame<'f, D: Serialize> {
                    r#type: &'static str,
                    reply: Uuid,
                    event: &'f str,
                    id: Option<String>,
                    data: &'f D,
                }
                let frame = Frame { r#type: "reply", reply: *reply, event, id, data };
                frames.extend(serde_json::to_string(&frame).ok());
            }
        }
    }

    /// The reader comes again with its position, after so many milliseconds: on the feed by following this
    /// reply anew.
    pub fn come_again(&mut self, pause: u16) {
        match self {
            Self::Stream(out) => {
                out.extend_from_slice(format!("retry: {pause}\n").as_bytes());
                self.plain("reconnect", &json!({}));
            }
            Self::Feed { .. } => {
                let detail = "the answer cannot be read just now; follow it again from where you are";
                self.plain("error", &json!({ "code": "unavailable", "detail": detail }));
            }
        }
    }

    /// Keeps proxies from closing a quiet stream; the feed has a beat of its own.
    pub fn keep_alive(&mut self) {
        if let Self::Stream(out) = self {
            out.extend_from_slice(b": keep-alive\n\n");
        }
    }

    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Stream(mut out) => {
                // it may wait for its reader for long, and a long text leaves as much room again behind it
                if out.capacity() - out.len() > SPARE {
                    out.shrink_to_fit();
                }
                out.into()
            }
            Self::Feed { .. } => Bytes::new(),
        }
    }

    pub fn into_frames(self) -> Vec<String> {
        match self {
            Self::Stream(_) => Vec::new(),
            Self::Feed { frames, .. } => frames,
        }
    }
}

/// An event whose data is JSON already.
pub fn raw(event: &str, json: &[u8]) -> Bytes {
    [b"event: ", event.as_bytes(), b"\ndata: ", json, b"\n\n"].concat().into()
}

#[cfg(test)]
mod fuzz {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A place in a stream is what was given out, or it is none.
        #[test]
        fn places_in_streams(
            text in prop_oneof![any::<String>(), "[0-9a-f]{0,20}[-.:][0-9]{0,22}"],
            epoch: u64,
            seq in prop::option::of(0..i64::MAX as u64),
        ) {
            let _ = read_id(&text);
            let read = read_id(&id(epoch, seq)).unwrap();
            prop_assert_eq!((read.epoch, u64::try_from(read.seq).ok()), (epoch, seq));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_to_go_on() {
        for seq in [None, Some(0), Some(41)] {
            let position = read_id(&id(0xfe, seq)).unwrap();
            assert_eq!((position.epoch, position.seq), (0xfe, seq.map_or(-1, |seq| i64::try_from(seq).unwrap())));
        }
        for wrong in ["", "1", "x-1", "1--1", "1-x", "-1-1"] {
            assert!(read_id(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn text_with_line_ends_stays_one_data_line() {
        let mut out = Out::new(Door::Stream, Uuid::nil());
        out.placed(1, Some(2), "text", &json!({"text": "a\r\nb\n\nc"}));
        assert_eq!(out.into_bytes(), "id: 1-2\nevent: text\ndata: {\"text\":\"a\\r\\nb\\n\\nc\"}\n\n");
    }

    #[test]
    fn a_farewell_says_when_to_come_again() {
        let mut out = Out::new(Door::Stream, Uuid::nil());
        out.come_again(1234);
        assert_eq!(out.into_bytes(), "retry: 1234\nevent: reconnect\ndata: {}\n\n");
        let pauses: std::collections::BTreeSet<_> = (0..100).map(|_| pause(&platform::ids::SystemIds)).collect();
        assert!(pauses.len() > 50 && pauses.iter().all(|pause| *pause < 5_000), "{pauses:?}");
    }

    #[test]
    fn on_the_feed_each_event_names_its_reply() {
        let mut out = Out::new(Door::Feed, Uuid::from_u128(7));
        out.placed(0x1f, None, "snapshot", &json!({"text": ""}));
        out.keep_alive();
        out.come_again(7);
        let frames = out.into_frames();
        let reply = "\"reply\":\"00000000-0000-0000-0000-000000000007\"";
        let first = format!(
            "{{\"type\":\"reply\",{reply},\"event\":\"snapshot\",\"id\":\"1f-none\",\"data\":{{\"text\":\"\"}}}}"
        );
        assert_eq!(frames[0], first);
        assert!(frames.len() == 2 && frames[1].contains("\"error\",\"id\":null"), "{frames:?}");
    }
}
