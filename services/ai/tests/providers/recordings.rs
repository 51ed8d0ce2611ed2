//! What real servers sent, replayed whole, cut at every byte and truncated at every byte.
//!
//! The recordings lie outside the repository (`TAIFAS_SHARED`, or `shared` beside it); where they are missing, the streams below, written
//! from the providers' documentation, still run.

use std::{collections::VecDeque, io::Write as _, path::PathBuf, time::Duration};

use ai::providers::{
    End, EndReason, FaultKind, Piece, Provider, Reading, Usage,
    ollama::OllamaReading,
    openai::{self, ChatReading, OpenAi},
};

use crate::{
    all, ask, read,
    server::{Act, Server, chunk, chunked_head, head},
    text, wire,
};

/// As documented for chat completions, with everything servers add: comments, empty choices, notes, split characters, counts.
pub const CHAT: &str = concat!(
    ": keep-alive\n\n",
    "data: {\"id\":\"c\",\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"},\"finish_reason\":\"\"}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\",\"content\":null}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße \"}}]}\n\n",
    "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"👩‍🚀 \\ud83d\\ude00\"}}]}\r\r",
    "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"another choice\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[]},{\"type\":\"text\",\"text\":\"!\"}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5,\"total_tokens\":17}}\n\n",
    "data: [DONE]\n\n",
);

/// As documented for Ollama's `/api/chat`.
pub const OLLAMA: &str = concat!(
    "{\"model\":\"m\",\"created_at\":\"2024-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Grüße \"},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"👩‍🚀\"},\"done\":false}\r\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":1,",
    "\"prompt_eval_count\":26,\"eval_count\":298}\n",
);

/// The bytes of a recording; none, and a loud word about it, where it is not at hand.
pub fn recording(path: &str) -> Option<Vec<u8>> {
    let shared = std::env::var_os("TAIFAS_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = shared.join("data/provider-recordings");
    match std::fs::read(folder.join(path)) {
        Ok(bytes) => Some(bytes),
        // Past the capture of test output: a skip must be seen.
        Err(error) => {
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: the recording {path} is not at {}: {error}", folder.display());
            None
        }
    }
}

/// Name, bytes, and the recorded reason and count.
fn recordings() -> Vec<(String, Vec<u8>, End)> {
    let end = |usage: Option<(u64, u64)>| End {
        reason: EndReason::Stop,
        usage: usage.map(|(input, output)| Usage { input, output }),
    };
    let mut found = vec![("own".to_owned(), CHAT.into(), End { reason: EndReason::Length, ..end(Some((12, 5))) })];
    for (path, usage) in [
        ("openai/chat_completion_stream.txt", None),
        ("groq/chat_completion_stream.txt", Some((38, 4))),
        ("xai/chat_completion_stream.txt", None),
        ("gemini/chat_completion_stream.txt", None),
        ("chat-2/stream.json", Some((18, 286))),
    ] {
        found.extend(recording(path).map(|bytes| (path.to_owned(), bytes, end(usage))));
    }
    found
}

#[test]
fn recordings_read_as_recorded() {
    for (name, bytes, end) in recordings() {
        let (pieces, fault) = read(ChatReading::new("x"), &[&bytes]);
        assert_eq!(fault, None, "{name}");
        assert_eq!(pieces.last(), Some(&Piece::End(end)), "{name}");
        let text = text(&pieces);
        match name.as_str() {
            "own" => assert_eq!(text, "Grüße 👩‍🚀 😀!"),
            "openai/chat_completion_stream.txt" => assert_eq!(text, "Hello, World!"),
            "groq/chat_completion_stream.txt" => assert_eq!(text, "Hello World!"),
            "gemini/chat_completion_stream.txt" => assert_eq!(text, "Hello World"),
            _ => assert!(text.len() > 20 && !text.contains("First, the user"), "{name}: {text}"),
        }
    }
}

/// Two parts at every position. What follows a cut depends only on the reading's state, so it is enough that after the event in which
/// the cut lies state and pieces are those of the uncut reading; short streams are read to their end as well.
pub fn cut_everywhere<R: Reading + Clone + PartialEq + std::fmt::Debug>(name: &str, fresh: &R, bytes: &[u8]) {
    let whole = read(fresh.clone(), &[bytes]);
    if bytes.len() < 4_000 {
        for at in 0..=bytes.len() {
            assert_eq!(read(fresh.clone(), &[&bytes[..at], &bytes[at..]]), whole, "{name} cut at {at}");
        }
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(fresh.clone(), &single), whole, "{name} byte by byte");

    let mut before = fresh.clone();
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let (mut after, mut expected) = (before.clone(), VecDeque::new());
        after.push(line, &mut expected).unwrap();
        for at in 0..=line.len() {
            let (mut reading, mut out) = (before.clone(), VecDeque::new());
            reading.push(&line[..at], &mut out).unwrap();
            if matches!(out.back(), Some(Piece::End(_))) {
                // Nothing is read after the end, so what the state would be does not matter.
                reading = after.clone();
            } else {
                reading.push(&line[at..], &mut out).unwrap();
            }
            assert_eq!(
                (&reading, &out),
                (&after, &expected),
                "{name} cut at {at} of {}",
                String::from_utf8_lossy(line)
            );
        }
        before = after;
    }
}

/// The connection ends at every position: an end only where the provider had said one, otherwise a cut, and never other text.
pub fn truncate_everywhere<R: Reading + Clone>(name: &str, fresh: &R, bytes: &[u8]) {
    let whole = text(&read(fresh.clone(), &[bytes]).0);
    let (mut reading, mut so_far) = (fresh.clone(), VecDeque::new());
    for at in 0..bytes.len() {
        let (mut cut, mut out) = (reading.clone(), so_far.clone());
        let result = cut.close(&mut out);
        let pieces: Vec<Piece> = out.into();
        assert!(whole.starts_with(&text(&pieces)), "{name} truncated at {at}");
        match (result, pieces.last()) {
            (Ok(()), Some(Piece::End(_))) => assert!(cut.ended() && text(&pieces) == whole, "{name} truncated at {at}"),
            (Err(fault), last) => {
                assert_eq!(fault.kind, FaultKind::Cut, "{name} truncated at {at}: {fault}");
                assert!(!matches!(last, Some(Piece::End(_))) && !reading.ended(), "{name} truncated at {at}");
            }
            other => panic!("{name} truncated at {at}: {other:?}"),
        }
        reading.push(&bytes[at..=at], &mut so_far).unwrap();
        if matches!(so_far.back(), Some(Piece::End(_))) {
            return;
        }
    }
}

#[test]
fn any_cut_of_a_recording_reads_the_same() {
    for (name, bytes, _) in recordings() {
        cut_everywhere(&name, &ChatReading::new("x"), &bytes);
    }
    cut_everywhere("ollama", &OllamaReading::new("x"), OLLAMA.as_bytes());
    let windows = CHAT.replace("\r\n", "\n").replace("\r\r", "\n\n").replace('\n', "\r\n");
    cut_everywhere("CRLF", &ChatReading::new("x"), windows.as_bytes());
    cut_everywhere("BOM", &ChatReading::new("x"), format!("\u{feff}\n{CHAT}").as_bytes());
}

#[test]
fn a_truncated_recording_is_never_shown_as_complete() {
    for (name, bytes, _) in recordings() {
        truncate_everywhere(&name, &ChatReading::new("x"), &bytes);
    }
    truncate_everywhere("ollama", &OllamaReading::new("x"), OLLAMA.as_bytes());
}

#[tokio::test]
async fn recordings_over_a_real_connection() {
    for (name, bytes, end) in recordings() {
        let whole = read(ChatReading::new("x"), &[&bytes]).0;
        let mut answers = Vec::new();
        for cut in (0..12).map(|n| n * bytes.len() / 12) {
            let parts = [&bytes[..cut.max(1)], &bytes[cut.max(1)..]];
            let mut acts = vec![chunked_head(), chunk(parts[0]), Act::Wait(Duration::from_millis(5)), chunk(parts[1])];
            acts.push(chunk(b""));
            answers.push(acts);
        }
        if bytes.len() < 4_000 {
            let single = bytes.chunks(1).map(|byte| Act::Send(byte.to_vec()));
            answers.push(std::iter::once(Act::Send(head(200, "text/event-stream", ""))).chain(single).collect());
        }
        let count = answers.len();
        let server = Server::start(answers).await;
        let provider = OpenAi::new(openai::Server::new("x", server.url("/v1"), None), wire()).unwrap();
        for _ in 0..count {
            let (pieces, fault) = all(provider.stream(ask("m", "hello")).await.unwrap()).await;
            assert_eq!((&pieces, fault), (&whole, None), "{name}");
            assert_eq!(pieces.last(), Some(&Piece::End(end.clone())));
        }
    }
}
