//! Anthropic's Messages: what is asked, what real servers sent, cut and truncated at every byte, and how they refuse.

use std::time::Duration;

use ai::providers::{
    Call, CallPart, Choice, Continuation, End, EndReason, FaultKind, Image, Piece, Place, Provider, Role, Tool, Turn,
    Usage,
    anthropic::{Anthropic, MessagesReading, Server},
};
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    all, ask, hasty, read,
    recordings::{cut_everywhere, recording, truncate_everywhere},
    server::{self, Act, answer, chunk, chunked_head, head},
    text, wire,
};

const EVENTS: &str = "text/event-stream";
const KEY: &str = "sk-ant-secret-0123456789";

/// As documented: a ping, notes of the model to itself, two blocks of text, cumulative counts, what was cached.
const MESSAGE: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],",
    "\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"cache_creation_input_tokens\":3,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Grüße \"}}\r\n\r\n",
    "event: something_new\ndata: {\"type\":\"something_new\",\"x\":1}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"👩‍🚀\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"text\",\"text\":\"!\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

/// Name, bytes, and the recorded end.
fn recordings() -> Vec<(&'static str, Vec<u8>, End)> {
    let end = |reason, input, output| End { reason, usage: Some(Usage { input, output }) };
    let mut found = vec![("own", MESSAGE.into(), end(EndReason::Stop, 30, 15))];
    for (path, end) in [
        ("anthropic/messages_stream.txt", end(EndReason::Stop, 10, 5)),
        ("anthropic-2/stream_basic.json", end(EndReason::Stop, 0, 0)),
        ("anthropic-2/stream_thinking.json", end(EndReason::Stop, 0, 0)),
        ("anthropic-2/stream_tool.json", end(EndReason::Calls, 15, 12)),
        ("anthropic/messages.json", end(EndReason::Stop, 0, 0)),
        ("anthropic/messages_with_tools.json", end(EndReason::Calls, 380, 65)),
    ] {
        found.extend(recording(path).map(|bytes| (path, bytes, end)));
    }
    found
}

fn provider(server: &server::Server) -> Anthropic {
    let key = Some(SecretString::from(KEY));
    let server = Server { timeouts: hasty(), ..Server::new("anthropic", server.url("/?secret=query"), key) };
    Anthropic::new(server, wire()).unwrap()
}

#[test]
fn recordings_read_as_recorded() {
    for (name, bytes, end) in recordings() {
        let (pieces, fault) = read(MessagesReading::new("x"), &[&bytes]);
        assert_eq!(fault, None, "{name}");
        let Some(Piece::End(last)) = pieces.last() else { panic!("{name}: {pieces:?}") };
        assert_eq!(last.reason, end.reason, "{name}");
        let usage = last.usage.unwrap_or_else(|| panic!("{name} was not counted"));
        // Where the table has no number, there must only be one.
        assert!(
            end.usage == Some(usage) || (end.usage.unwrap().input == 0 && usage.input > 0 && usage.output > 0),
            "{name}: {usage:?}"
        );
        let text = text(&pieces);
        assert!(!text.contains("The user is asking me"), "{name} shows what the model thought: {text}");
        match name {
            "own" => assert_eq!(text, "Grüße 👩‍🚀!"),
            "anthropic/messages_stream.txt" => assert_eq!(text, "Hello World"),
            "anthropic-2/stream_tool.json" => assert_eq!(text, ""),
            _ => assert!(text.len() > 5, "{name}: {text}"),
        }
    }
}

#[test]
fn any_cut_of_a_recording_reads_the_same() {
    for (name, bytes, _) in recordings() {
        cut_everywhere(name, &MessagesReading::new("x"), &bytes);
    }
    let windows = MESSAGE.replace("\r\n", "\n").replace('\n', "\r\n");
    cut_everywhere("CRLF", &MessagesReading::new("x"), windows.as_bytes());
}

#[test]
fn a_truncated_recording_is_never_shown_as_complete() {
    for (name, bytes, _) in recordings() {
        truncate_everywhere(name, &MessagesReading::new("x"), &bytes);
    }
}

#[test]
fn calls_of_tools_come_in_parts() {
    let Some(bytes) = recording("anthropic-2/stream_tool.json") else { return };
    let (pieces, _) = read(MessagesReading::new("x"), &[&bytes]);
    let parts: Vec<CallPart> = pieces
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Call(part) => Some(part),
            _ => None,
        })
        .collect();
    assert_eq!((parts[0].id.as_str(), parts[0].name.as_str(), parts[0].index), ("toolu_01A", "get_weather", 0));
    let arguments: String = parts.iter().map(|part| part.arguments.as_str()).collect();
    assert_eq!(arguments, "{\"location\":\"San Francisco\"}");
}

#[tokio::test]
async fn asks_as_documented() {
    let server = server::Server::start(vec![answer(200, EVENTS, MESSAGE.as_bytes())]).await;
    let mut ask = ask("claude-sonnet-4-5", "What is this?");
    ask.turns[0].images.push(Image { kind: "image/png".into(), bytes: Bytes::from_static(b"png") });
    ask.turns.insert(0, Turn::new(Role::System, "Be brief."));
    ask.turns.push(Turn::new(Role::Assistant, ""));
    let calls = vec![Call { id: "t1".into(), name: "look".into(), arguments: "{\"at\":1}".into() }];
    ask.turns.push(Turn { calls, ..Turn::new(Role::Assistant, "Let me see.") });
    ask.turns.push(Turn { answers: "t1".into(), ..Turn::new(Role::Tool, "a cat") });
    ask.turns.push(Turn { answers: "t2".into(), ..Turn::new(Role::Tool, "a dog") });
    ask.wishes.tools =
        vec![Tool { name: "look".into(), description: "Looks.".into(), parameters: json!({"type": "object"}) }];
    ask.wishes.choice = Some(Choice::Required);
    (ask.wishes.temperature, ask.wishes.top_p) = (Some(1.5), Some(0.5));
    ask.wishes.stop = vec!["END".into(), "\n".into()];
    let (pieces, fault) = all(provider(&server).stream(ask).await.unwrap()).await;
    assert_eq!((text(&pieces).as_str(), fault), ("Grüße 👩‍🚀!", None));
    let request = &server.requests()[0];
    assert!(request.head.starts_with("post /v1/messages?secret=query "), "{}", request.head);
    for header in ["x-api-key: sk-ant-secret-0123456789", "anthropic-version: 2023-06-01", "accept-encoding: identity"]
    {
        assert!(request.head.contains(&format!("\r\n{header}")), "{}", request.head);
    }
    assert_eq!(
        request.body,
        json!({
            "model": "claude-sonnet-4-5",
            "stream": true,
            "max_tokens": 32_000,
            "system": "Be brief.",
            "temperature": 1.0,
            "stop_sequences": ["END"],
            "tools": [{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
            "messages": [
                {"role": "user", "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"}},
                    {"type": "text", "text": "What is this?"},
                ]},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "Let me see."},
                    {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "a cat"},
                    {"type": "tool_result", "tool_use_id": "t2", "content": "a dog"},
                ]},
            ],
        })
    );
}

#[tokio::test]
async fn goes_on_from_a_prefix_where_the_model_can() {
    let said = |text: &str| {
        let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
        MESSAGE.replace("event: ping\ndata: {\"type\": \"ping\"}\n\n", &format!("data: {delta}\n\n"))
    };
    // The white space that could not be sent is not shown twice, and what differs from it is kept.
    for (begins, shown) in [("  so", "so"), (" so", "so"), ("so", "so"), ("\nso", "\nso"), (" \nso", "\nso")] {
        let server = server::Server::start(vec![answer(200, EVENTS, said(begins).as_bytes())]).await;
        let mut request = ask("claude-3-5-sonnet-20241022", "hello");
        request.prefix = "And  ".to_owned();
        let (pieces, _) = all(provider(&server).stream(request).await.unwrap()).await;
        assert_eq!(text(&pieces), format!("{shown}Grüße 👩‍🚀!"), "{begins:?}");
        let body = &server.requests()[0].body;
        assert_eq!(body["messages"][1], json!({"role": "assistant", "content": "And"}));
        assert_eq!(body["max_tokens"], 8_192);
    }
    let server = server::Server::start(vec![answer(200, EVENTS, MESSAGE.as_bytes())]).await;
    let mut request = ask("claude-opus-4-6", "hello");
    request.prefix = "And".to_owned();
    let fault = provider(&server).stream(request).await.err().unwrap();
    assert_eq!((fault.kind, server.requests().len()), (FaultKind::BadRequest, 0));
}

#[tokio::test]
async fn a_limit_that_was_not_known_is_learnt_from_the_refusal() {
    let refusal = json!({"type": "error", "error": {"type": "invalid_request_error",
        "message": "max_tokens: 32000 > 4096, which is the maximum allowed number of output tokens for claude-new"}});
    let refused = answer(400, "application/json", refusal.to_string().as_bytes());
    let server = server::Server::start(vec![refused, answer(200, EVENTS, MESSAGE.as_bytes())]).await;
    let provider = provider(&server);
    for _ in 0..2 {
        let (_, fault) = all(provider.stream(ask("claude-new", "hello")).await.unwrap()).await;
        assert_eq!(fault, None);
    }
    let limits: Vec<_> = server.requests().iter().map(|request| request.body["max_tokens"].clone()).collect();
    assert_eq!(limits, [json!(32_000), json!(4_096), json!(4_096)]);
}

#[tokio::test]
async fn every_refusal_has_its_kind_and_keeps_the_key() {
    let error =
        |kind: &str| json!({"type": "error", "error": {"type": kind, "message": format!("No, {KEY}")}}).to_string();
    for (status, word, kind) in [
        (401, "authentication_error", FaultKind::RefusedKey),
        (403, "permission_error", FaultKind::RefusedKey),
        (404, "not_found_error", FaultKind::NotFound),
        (413, "request_too_large", FaultKind::BadRequest),
        (429, "rate_limit_error", FaultKind::RateLimited),
        (500, "api_error", FaultKind::Provider),
        (529, "overloaded_error", FaultKind::Overloaded),
    ] {
        let body = [head(status, "application/json", "retry-after: 7"), error(word).into_bytes()].concat();
        let server = server::Server::start(vec![vec![Act::Send(body)]]).await;
        let fault = provider(&server).stream(ask("claude-x", "hello")).await.err().unwrap();
        assert_eq!((fault.kind, fault.retry_after), (kind, Some(Duration::from_secs(7))), "{status}");
        for secret in [KEY, "secret=query", "127.0.0.1"] {
            assert!(!fault.to_string().contains(secret), "{fault}");
        }
        // The same in the middle of an answer, where there is no status any more.
        let begun = MESSAGE
            .split("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}")
            .next()
            .unwrap();
        let stream = format!("{begun}event: error\ndata: {}\n\n", error(word));
        let (pieces, fault) = read(MessagesReading::new("x"), &[stream.as_bytes()]);
        assert_eq!(text(&pieces), "Grüße 👩‍🚀");
        let expected = if word == "request_too_large" || word == "api_error" { FaultKind::Provider } else { kind };
        assert_eq!(fault.unwrap().kind, expected, "{word}");
    }
}

#[tokio::test]
async fn servers_that_misbehave_are_faults() {
    let (begun, _) = MESSAGE.split_once("event: message_delta").unwrap();
    let word = || chunk(begun.as_bytes());
    for (acts, kind, shown) in [
        (vec![chunked_head(), word(), Act::Hang], FaultKind::Timeout, "Grüße 👩‍🚀!"),
        (vec![Act::Hang], FaultKind::Timeout, ""),
        (vec![chunked_head(), word(), Act::Reset], FaultKind::Cut, "Grüße 👩‍🚀!"),
        (vec![chunked_head(), word(), chunk(b"")], FaultKind::Cut, "Grüße 👩‍🚀!"),
        (answer(200, "text/html", b"<html>Sign in"), FaultKind::Malformed, ""),
        (answer(200, EVENTS, b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"), FaultKind::Malformed, ""),
        (answer(200, "application/json", b"{\"ok\":true}"), FaultKind::Malformed, ""),
        (answer(200, EVENTS, &[b"data: ".to_vec(), vec![b'x'; 10 << 20]].concat()), FaultKind::Malformed, ""),
        (answer(200, EVENTS, b"data: {\"type\":\"ping\xe2\x82\"}\n\n"), FaultKind::Malformed, ""),
        (
            vec![Act::Send([head(200, EVENTS, "content-encoding: gzip"), b"\x1f\x8b".to_vec()].concat())],
            FaultKind::Malformed,
            "",
        ),
    ] {
        let server = server::Server::start(vec![acts]).await;
        let (pieces, fault) = match provider(&server).stream(ask("claude-x", "hello")).await {
            Ok(pieces) => all(pieces).await,
            Err(fault) => (Vec::new(), Some(fault)),
        };
        assert_eq!((text(&pieces).as_str(), fault.map(|fault| fault.kind)), (shown, Some(kind)));
    }
    // A trickle of pings keeps the answer alive; a trickle of bytes does not.
    let pings = (0..6)
        .flat_map(|_| [chunk(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"), Act::Wait(Duration::from_millis(150))]);
    let acts = [chunked_head()].into_iter().chain(pings).chain([chunk(MESSAGE.as_bytes()), chunk(b"")]).collect();
    let server = server::Server::start(vec![acts]).await;
    let (pieces, fault) = all(provider(&server).stream(ask("claude-x", "hello")).await.unwrap()).await;
    assert_eq!((text(&pieces).as_str(), fault), ("Grüße 👩‍🚀!", None));
}

#[tokio::test]
async fn lists_models() {
    let body = json!({"data": [{"id": "claude-opus-4-6", "display_name": "Claude Opus 4.6", "type": "model"}, {"id": "claude-sonnet-4-5"}]});
    let server = server::Server::start(vec![answer(200, "application/json", body.to_string().as_bytes())]).await;
    let models = provider(&server).models().await.unwrap();
    assert!(
        server.requests()[0].head.starts_with("get /v1/models?secret=query&limit=1000 "),
        "{}",
        server.requests()[0].head
    );
    assert_eq!((models[0].name.as_str(), models[0].continuation), ("Claude Opus 4.6", Continuation::Asked));
    assert_eq!((models[1].name.as_str(), models[1].continuation), ("claude-sonnet-4-5", Continuation::Prefix));
    assert!(models.iter().all(|model| model.place == Place::Server && model.vision && model.window == Some(200_000)));
}
