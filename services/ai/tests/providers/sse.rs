//! The event-stream parser: the specification's cases, bounds, and independence of how the bytes are cut.

use ai::providers::{EVENT_LIMIT, Event, Fault, FaultKind, Lines, Sse, SseItem};
use proptest::prelude::*;

fn parse(parts: &[&[u8]]) -> Result<Vec<SseItem>, Fault> {
    let (mut sse, mut out) = (Sse::default(), Vec::new());
    for part in parts {
        sse.push(part, &mut out)?;
    }
    sse.finish(&mut out)?;
    Ok(out)
}

fn event(name: &str, data: &str) -> SseItem {
    SseItem::Event(Event { name: name.to_owned(), data: data.to_owned() })
}

#[test]
fn reads_what_the_specification_allows() {
    for (text, expected) in [
        ("data: a\n\ndata: b\n\n", vec![event("", "a"), event("", "b")]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", vec![event("", "a"), event("", "b")]),
        ("data: a\r\rdata: b\r\r", vec![event("", "a"), event("", "b")]),
        ("data: a\r\n\ndata: b\n\r\n", vec![event("", "a"), event("", "b")]),
        ("data: a\ndata:b\ndata:  c\n\n", vec![event("", "a\nb\n c")]),
        ("data\n\ndata\ndata\n\n", vec![event("", ""), event("", "\n")]),
        ("data:{\"a\":1}\n\n", vec![event("", "{\"a\":1}")]),
        (": hello\n\n:\ndata: a\n\n", vec![SseItem::Comment, SseItem::Comment, event("", "a")]),
        ("\u{feff}data: a\n\n", vec![event("", "a")]),
        ("data: \u{feff}a\n\n", vec![event("", "\u{feff}a")]),
        ("event: ping\nid: 7\nretry: 9\ndata: a\n\ndata: b\n\n", vec![event("ping", "a"), event("", "b")]),
        ("event: lost\n\ndata: a\n\n", vec![event("", "a")]),
        // The final blank line, or even the last line's end, may be missing.
        ("data: a\n", vec![event("", "a")]),
        ("data: a", vec![event("", "a")]),
        ("data: [DONE]", vec![event("", "[DONE]")]),
        ("other: a\nx\n\n", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(parse(&[text.as_bytes()]).unwrap(), expected, "{text:?}");
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(parse(&single).unwrap(), expected, "byte by byte: {text:?}");
    }
}

#[test]
fn an_event_comes_with_its_blank_line_and_not_later() {
    let (mut sse, mut out) = (Sse::default(), Vec::new());
    sse.push(b"data: a\r", &mut out).unwrap();
    assert!(out.is_empty());
    sse.push(b"\n\r", &mut out).unwrap();
    assert_eq!(out, [event("", "a")]);
}

#[test]
fn broken_utf8_is_malformed_and_what_came_before_is_kept() {
    for bytes in [&b"data: ok\n\ndata: \xff\n\n"[..], b"data: ok\n\ndata: \xe2\x82\n\n", b"data: ok\n\n: \xc0\x80\n"] {
        let (mut sse, mut out) = (Sse::default(), Vec::new());
        assert_eq!(sse.push(bytes, &mut out).unwrap_err().kind, FaultKind::Malformed);
        assert_eq!(out, [event("", "ok")]);
    }
}

#[test]
fn an_event_without_end_is_refused_and_not_kept() {
    let many = "data: word word word\n".repeat(EVENT_LIMIT / 10);
    for bytes in [vec![b'x'; 10 << 20], [b"data: ", vec![b'x'; 10 << 20].as_slice()].concat(), many.into_bytes()] {
        for size in [1_000, bytes.len()] {
            let (mut sse, mut out) = (Sse::default(), Vec::new());
            let fault = bytes.chunks(size).find_map(|part| sse.push(part, &mut out).err()).expect("refused");
            assert_eq!(fault.kind, FaultKind::Malformed);
        }
    }
    let largest = vec![b'x'; EVENT_LIMIT - 6];
    assert_eq!(parse(&[b"data: ", &largest, b"\n\n"]).unwrap().len(), 1);
}

#[test]
fn lines_have_the_same_bounds() {
    let read = |parts: &[&[u8]]| {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for part in parts {
            lines.push(part, &mut out)?;
        }
        lines.finish(&mut out)?;
        Ok::<_, Fault>(out)
    };
    let text = "{\"a\":\"ü€😀\"}\r\n\n \n{}\nlast".as_bytes();
    let expected = ["{\"a\":\"ü€😀\"}", "{}", "last"];
    assert_eq!(read(&[text]).unwrap(), expected);
    for cut in 0..=text.len() {
        assert_eq!(read(&[&text[..cut], &text[cut..]]).unwrap(), expected, "cut at {cut}");
    }
    assert_eq!(read(&[b"\xff\n"]).unwrap_err().kind, FaultKind::Malformed);
    assert_eq!(read(&[&vec![b'x'; EVENT_LIMIT + 1]]).unwrap_err().kind, FaultKind::Malformed);
}

/// Text that is likely to be an event stream.
fn streams() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("data: ".to_owned()),
        Just("data:".to_owned()),
        Just("event: x".to_owned()),
        Just(":".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("\u{feff}".to_owned()),
        "[a-zé€😀 :{}\"]{0,6}",
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_cut_reads_the_same(text in streams(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let parts: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(parse(&parts), parse(&[bytes]));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let whole = parse(&[&bytes]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(parse(&single), whole);
    }

    #[test]
    fn what_is_written_is_read(events in prop::collection::vec(("[a-z]{0,5}", "[^\\r\\n\\x00]{0,20}(\\n[^\\r\\n\\x00]{0,20}){0,3}"), 0..8), newline in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]) {
        let mut text = String::new();
        for (name, data) in &events {
            if !name.is_empty() {
                text.push_str(&format!("event: {name}{newline}"));
            }
            for line in data.split('\n') {
                text.push_str(&format!("data: {line}{newline}"));
            }
            text.push_str(newline);
        }
        let expected: Vec<SseItem> = events.iter().map(|(name, data)| event(name, data)).collect();
        prop_assert_eq!(parse(&[text.as_bytes()]).unwrap(), expected);
    }
}
