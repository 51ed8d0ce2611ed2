//! Servers that misbehave: cut connections, refusals, silence, and bytes that are no answer.

use std::time::{Duration, Instant};

use ai::providers::{
    Ask, End, EndReason, Fault, FaultKind, Origin, Piece, Provider, Timeouts,
    anthropic::{self, Anthropic},
    ollama::{self, Ollama},
    openai::{self, OpenAi},
};
use futures_util::StreamExt;
use secrecy::SecretString;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    all, ask, hasty,
    server::{Act, Server, answer, chunk, chunked_head, head},
    text, wire,
};

const EVENTS: &str = "text/event-stream";
const KEY: &str = "sk-secret-0123456789";

fn impatient(url: String) -> OpenAi {
    let server =
        openai::Server { timeouts: hasty(), ..openai::Server::new("acme", url, Some(SecretString::from(KEY))) };
    OpenAi::new(server, wire()).unwrap()
}

/// What becomes of one question to a server that does this.
async fn outcome(acts: Vec<Act>) -> (Vec<Piece>, Option<Fault>) {
    let server = Server::start(vec![acts]).await;
    let (pieces, fault) = match impatient(server.url("/v1?secret=query")).stream(ask("m", "hello")).await {
        Ok(pieces) => all(pieces).await,
        Err(fault) => (Vec::new(), Some(fault)),
    };
    if let Some(fault) = &fault {
        for secret in [KEY, "sk-sec", "secret=query", "127.0.0.1"] {
            assert!(!fault.to_string().contains(secret), "{fault}");
        }
    }
    (pieces, fault)
}

fn word(at: usize) -> Vec<u8> {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"w{at} \"}}}}]}}\n\n").into_bytes()
}

fn finish() -> Vec<u8> {
    b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".to_vec()
}

#[tokio::test]
async fn a_cut_after_any_number_of_words_keeps_them_and_is_a_cut() {
    for count in [0, 1, 50] {
        let words = || (0..count).map(|at| chunk(&word(at)));
        let expected: String = (0..count).map(|at| format!("w{at} ")).collect();
        for ending in [
            vec![],
            vec![chunk(b"")],
            vec![Act::Wait(Duration::from_millis(50)), Act::Reset],
            vec![Act::Send(b"1f\r\ndata: {\"ch".to_vec())],
        ] {
            let acts = [chunked_head()].into_iter().chain(words()).chain(ending).collect();
            let (pieces, fault) = outcome(acts).await;
            assert_eq!(text(&pieces), expected);
            assert_eq!(fault.expect("a cut").kind, FaultKind::Cut, "after {count} words");
        }
    }
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_a_cut() {
    for acts in [vec![], vec![Act::Reset], vec![Act::Send(b"HTTP/1.1 200 O".to_vec())]] {
        assert_eq!(outcome(acts).await.1.unwrap().kind, FaultKind::Cut);
    }
}

#[tokio::test]
async fn once_the_end_was_said_nothing_after_it_matters() {
    for ending in [vec![], vec![chunk(b"")], vec![Act::Reset], vec![Act::Hang], vec![chunk(&[0xff; 100])]] {
        let acts = [chunked_head(), chunk(&word(0)), chunk(&finish()), Act::Wait(Duration::from_millis(50))]
            .into_iter()
            .chain(ending)
            .collect();
        let (pieces, fault) = outcome(acts).await;
        assert_eq!(fault, None);
        assert_eq!(pieces, [Piece::Text("w0 ".to_owned()), Piece::End(End { reason: EndReason::Stop, usage: None })]);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    let body = |body: &[u8]| [head(200, EVENTS, ""), word(0), body.to_vec()].concat();
    for (what, bytes) in [
        ("a web page", [head(200, "text/html", ""), b"<!doctype html><p>Sign in".to_vec()].concat()),
        ("a web page that claims to be events", [head(200, EVENTS, ""), b"\n <html>".to_vec()].concat()),
        ("prose", [head(200, "text/plain", ""), b"it works\nindeed\n".to_vec()].concat()),
        ("an image", [head(200, "image/png", ""), b"\x89PNG\r\n\x1a\n\0\0".to_vec()].concat()),
        (
            "another protocol",
            [head(200, EVENTS, ""), b"event: message_start\ndata: {\"type\":\"message_start\"}\n\n".to_vec()].concat(),
        ),
        ("a document of something else", [head(200, "application/json", ""), b"{\"ok\":true}".to_vec()].concat()),
        ("broken JSON", body(b"data: {\"choices\": [}\n\n")),
        ("broken UTF-8", body(b"data: {\"choices\":[{\"delta\":{\"content\":\"\xe2\x82\"}}]}\n\n")),
        ("a line of 10 MB", body(&[b"data: ".to_vec(), vec![b'x'; 10 << 20]].concat())),
        ("a document without end", [head(200, "application/json", ""), vec![b'['; 10 << 20]].concat()),
        (
            "compressed bytes",
            [head(200, EVENTS, "content-encoding: gzip"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()].concat(),
        ),
    ] {
        let (pieces, fault) = outcome(vec![Act::Send(bytes)]).await;
        let fault = fault.unwrap_or_else(|| panic!("{what}: {pieces:?}"));
        assert_eq!(fault.kind, FaultKind::Malformed, "{what}: {fault}");
        assert!(pieces.len() <= 1, "{what}");
    }
}

#[tokio::test]
async fn characters_cut_by_packets_are_whole() {
    let bytes = "data: {\"choices\":[{\"delta\":{\"content\":\"é€😀\"},\"finish_reason\":\"stop\"}]}\n\n".as_bytes();
    let parts = bytes.chunks(1).flat_map(|byte| [chunk(byte), Act::Wait(Duration::from_millis(1))]);
    let (pieces, fault) = outcome([chunked_head()].into_iter().chain(parts).chain([chunk(b"")]).collect()).await;
    assert_eq!((text(&pieces).as_str(), fault), ("é€😀", None));
}

#[tokio::test]
async fn refusals_have_their_kind_and_say_why() {
    let openai = format!(
        "{{\"error\":{{\"message\":\"Incorrect key: {KEY}.\\nSee https://x.example/?key={KEY}\",\"type\":\"t\"}}}}"
    );
    let page = "<html>a proxy's page</html>";
    for (status, body, kind, detail) in [
        (401, openai.as_str(), FaultKind::RefusedKey, "acme refused the key (401)."),
        (403, openai.as_str(), FaultKind::RefusedKey, "acme refused the key (403): Incorrect key: *** See ***"),
        (402, "", FaultKind::RefusedKey, "The account at acme has no credit (402)."),
        (404, page, FaultKind::NotFound, "acme does not know this model or address (404)."),
        (
            400,
            "{\"error\":{\"message\":\"too long\"}}",
            FaultKind::BadRequest,
            "acme does not accept the request (400): too long",
        ),
        (429, "{\"message\":\"slow down\"}", FaultKind::RateLimited, "acme asks to slow down (429): slow down"),
        (500, page, FaultKind::Provider, "acme failed (500)."),
        (502, page, FaultKind::Provider, "acme failed (502)."),
        (503, "[{\"error\":{\"message\":\"busy\"}}]", FaultKind::Overloaded, "acme is overloaded (503): busy"),
        (504, "", FaultKind::Timeout, "acme took too long (504)."),
        (529, "{\"error\":\"overloaded\"}", FaultKind::Overloaded, "acme is overloaded (529): overloaded"),
        (302, "", FaultKind::Provider, "acme redirects elsewhere, which is not followed (302)."),
    ] {
        let fault = outcome(answer(status, "application/json", body.as_bytes())).await.1.unwrap();
        assert_eq!((fault.kind, fault.detail.as_str(), fault.retry_after), (kind, detail, None));
    }
    let slow = [head(429, "application/json", "retry-after: 7"), b"{}".to_vec()].concat();
    let fault = outcome(vec![Act::Send(slow)]).await.1.unwrap();
    assert_eq!((fault.kind, fault.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(7))));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(vec![answer(200, EVENTS, &finish())]).await;
    let location = format!("location: {}", other.url("/v1/chat/completions"));
    let fault = outcome(vec![Act::Send(head(307, "text/plain", &location))]).await.1.unwrap();
    assert_eq!(fault.kind, FaultKind::Provider);
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let trickle: Vec<Act> =
        std::iter::repeat_n([Act::Send(b"x".to_vec()), Act::Wait(hasty().idle / 8)], 60).flatten().collect();
    for (what, acts, words) in [
        ("before the head", vec![Act::Hang], 0),
        ("after the head", vec![chunked_head(), Act::Hang], 0),
        ("after a word", vec![chunked_head(), chunk(&word(0)), Act::Hang], 1),
        ("bytes that make no event", [vec![Act::Send(head(200, EVENTS, ""))], trickle].concat(), 0),
    ] {
        let begun = Instant::now();
        let (pieces, fault) = outcome(acts).await;
        let fault = fault.unwrap_or_else(|| panic!("{what}: {pieces:?}"));
        assert_eq!((pieces.len(), fault.kind), (words, FaultKind::Timeout), "{what}: {fault}");
        assert!(begun.elapsed() < hasty().idle * 4, "{what}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn signs_of_life_are_waited_for_but_not_for_ever() {
    let life = |bytes: &[u8]| vec![chunk(bytes), Act::Wait(hasty().idle / 2)];
    let note = b"data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n";
    let acts = [
        vec![chunked_head()],
        life(b": keep-alive\n\n"),
        life(note),
        life(b":\n"),
        life(note),
        vec![chunk(&word(0)), chunk(&finish()), chunk(b"")],
    ]
    .concat();
    assert_eq!(outcome(acts).await.1, None);

    let endless = std::iter::repeat_n(life(b":\n"), 100).flatten();
    let server = Server::start(vec![[chunked_head()].into_iter().chain(endless).collect()]).await;
    let timeouts = Timeouts { total: Duration::from_secs(1), ..hasty() };
    let provider =
        OpenAi::new(openai::Server { timeouts, ..openai::Server::new("x", server.url("/v1"), None) }, wire()).unwrap();
    let (_, fault) = all(provider.stream(ask("m", "hello")).await.unwrap()).await;
    assert_eq!(fault.unwrap().kind, FaultKind::Timeout);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let fault = impatient(format!("http://127.0.0.1:{port}/v1")).stream(ask("m", "hello")).await.err().unwrap();
    assert_eq!(
        (fault.kind, fault.detail.as_str()),
        (FaultKind::Unreachable, "acme cannot be reached: nothing listens at its address.")
    );
    let fault = impatient("http://no-such-host.invalid/v1".to_owned()).models().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let hang = |bytes: Vec<u8>| vec![chunked_head(), chunk(&bytes), Act::Hang];
    let server = Server::start(vec![hang(word(0))]).await;
    let mut pieces = impatient(server.url("/v1")).stream(ask("m", "hello")).await.unwrap();
    assert!(matches!(pieces.next().await, Some(Ok(Piece::Text(_)))));
    drop(pieces);
    server.client_gone().await;

    let server = Server::start(vec![hang(b"{\"message\":{\"content\":\"a\"},\"done\":false}\n".to_vec())]).await;
    let ollama = Ollama::new(ollama::Server::new(server.url("")), wire()).unwrap();
    let mut pieces = ollama.stream(ask("m", "hello")).await.unwrap();
    assert!(matches!(pieces.next().await, Some(Ok(Piece::Text(_)))));
    drop(pieces);
    server.client_gone().await;

    // Before the answer has begun, too: whoever waits for the head stops waiting.
    let server = Server::start(vec![vec![Act::Hang]]).await;
    let provider = OpenAi::new(openai::Server::new("x", server.url("/v1"), None), wire()).unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(300), provider.stream(ask("m", "hello"))).await;
    assert!(waiting.is_err());
    server.client_gone().await;
}

/// What the scripted provider names in its tokens is nobody else's business.
#[tokio::test]
async fn no_provider_outside_is_told_whose_request_it_is() {
    let [space, person, chat, reply] = [1, 2, 3, 4].map(|digit| Uuid::from_u128(u128::MAX / 15 * digit));
    let server = Server::start(vec![answer(200, EVENTS, b"data: [DONE]\n\n")]).await;
    let key = || Some(SecretString::from(KEY));
    let providers: [Box<dyn Provider>; 3] = [
        Box::new(OpenAi::new(openai::Server::new("acme", server.url("/v1"), key()), wire()).unwrap()),
        Box::new(Ollama::new(ollama::Server::new(server.url("")), wire()).unwrap()),
        Box::new(Anthropic::new(anthropic::Server::new("claude", server.url(""), key()), wire()).unwrap()),
    ];
    for provider in providers {
        let origin = Origin { space, person, chat };
        let asked = Ask { origin, reply, ..ask("m", "Hello") };
        if let Ok(pieces) = provider.stream(asked).await {
            all(pieces).await;
        }
    }
    let requests = server.requests();
    assert!(requests.len() >= 3);
    for request in requests {
        let said = format!("{}{}", request.head, request.body).to_lowercase();
        for id in [space, person, chat, reply] {
            let digits = id.simple().to_string();
            assert!(!said.contains(&digits[24..]), "{said}");
        }
    }
}
