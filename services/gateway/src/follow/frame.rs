//! Frames of the event stream, as the WHATWG HTML standard (§9.2) writes them.

use bytes::Bytes;
use platform::streams::Position;
use serde::Serialize;

/// `<epoch hex>-<seq>`: the last entry a frame brings; `none` before the first.
fn id(epoch: u64, seq: Option<u64>) -> String {
    match seq {
        Some(seq) => format!("{epoch:x}-{seq}"),
        None => format!("{epoch:x}-none"),
    }
}

/// The position behind an id; none for what is not one of ours.
pub fn read_id(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once('-')?;
    let epoch = u64::from_str_radix(epoch, 16).ok()?;
    let seq = if seq == "none" { -1 } else { seq.parse::<u64>().ok()?.try_into().ok()? };
    Some(Position { epoch, seq })
}

/// An event that moves the reader's position.
pub fn placed(out: &mut Vec<u8>, epoch: u64, seq: Option<u64>, event: &str, data: &impl Serialize) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(id(epoch, seq).as_bytes());
    out.push(b'\n');
    plain(out, event, data);
}

/// An event that does not.
pub fn plain(out: &mut Vec<u8>, event: &str, data: &impl Serialize) {
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

/// An event whose data is JSON already.
pub fn raw(event: &str, json: &[u8]) -> Bytes {
    [b"event: ", event.as_bytes(), b"\ndata: ", json, b"\n\n"].concat().into()
}

/// Keeps proxies from closing a quiet stream.
pub const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

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
        let mut out = Vec::new();
        placed(&mut out, 1, Some(2), "text", &serde_json::json!({"text": "a\r\nb\n\nc"}));
        assert_eq!(out, b"id: 1-2\nevent: text\ndata: {\"text\":\"a\\r\\nb\\n\\nc\"}\n\n");
    }
}
