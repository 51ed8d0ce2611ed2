//! Ollama's own interface, from its documentation.

use ai::providers::{
    Continuation, End, EndReason, FaultKind, Piece, Place, Provider, Purpose, Usage,
    ollama::{Ollama, OllamaReading, Server},
};
use serde_json::json;

use crate::{
    all, ask, hasty, read,
    recordings::OLLAMA,
    server::{self, Act, answer, head},
    text, wire,
};

fn provider(server: &server::Server) -> Ollama {
    Ollama::new(Server::new(server.url("")), wire()).unwrap()
}

#[tokio::test]
async fn asks_and_reads_as_documented() {
    let server = server::Server::start(vec![answer(200, "application/x-ndjson", OLLAMA.as_bytes())]).await;
    let mut ask = ask("llama3.2", "Hello");
    ask.prefix = "So far ".to_owned();
    let (pieces, fault) = all(provider(&server).stream(ask).await.unwrap()).await;
    assert_eq!(fault, None);
    assert_eq!(text(&pieces), "Grüße 👩‍🚀");
    let end = End { reason: EndReason::Stop, usage: Some(Usage { input: 26, output: 298 }) };
    assert_eq!(pieces.last(), Some(&Piece::End(end)));
    let requests = server.requests();
    assert!(requests[0].head.starts_with("post /api/chat "));
    assert_eq!(
        requests[0].body,
        json!({
            "model": "llama3.2",
            "stream": true,
            "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "So far "}],
        })
    );
}

#[test]
fn reads_every_way_to_end() {
    let line = |reason: serde_json::Value| {
        json!({"message": {"content": "a"}, "done": true, "done_reason": reason}).to_string()
    };
    for (word, reason) in [
        (json!("stop"), EndReason::Stop),
        (json!(null), EndReason::Stop),
        (json!("length"), EndReason::Length),
        (json!("unload"), EndReason::Other("unload".to_owned())),
    ] {
        let (pieces, fault) = read(OllamaReading::new("x"), &[line(word).as_bytes()]);
        assert_eq!((pieces.last(), fault), (Some(&Piece::End(End { reason, usage: None })), None));
    }
}

#[test]
fn faults_keep_the_text_before_them() {
    let first = "{\"message\":{\"content\":\"a\"},\"done\":false}\n";
    for (line, kind) in [
        ("{\"error\":\"an error was encountered while running the model\"}\n", FaultKind::Provider),
        ("{\"message\":\n", FaultKind::Malformed),
        ("{}\n", FaultKind::Malformed),
        ("\n", FaultKind::Cut),
        ("{\"message\":{\"cont", FaultKind::Cut),
        ("\u{7f}", FaultKind::Cut),
    ] {
        let (pieces, fault) = read(OllamaReading::new("x"), &[first.as_bytes(), line.as_bytes()]);
        assert_eq!(pieces, [Piece::Text("a".to_owned())]);
        assert_eq!(fault.unwrap().kind, kind, "{line}");
    }
    for page in ["<html>\n<body>", "<html>"] {
        assert_eq!(read(OllamaReading::new("x"), &[page.as_bytes()]).1.unwrap().kind, FaultKind::Malformed);
    }
    let endless = vec![b'x'; 10 << 20];
    assert_eq!(read(OllamaReading::new("x"), &[&endless]).1.unwrap().kind, FaultKind::Malformed);
}

#[tokio::test]
async fn a_missing_model_is_not_found_and_says_so() {
    let server =
        server::Server::start(vec![answer(404, "application/json", b"{\"error\":\"model 'nope' not found\"}")]).await;
    let fault = provider(&server).stream(ask("nope", "hello")).await.err().unwrap();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.detail, "ollama does not know this model or address (404): model 'nope' not found");
}

#[tokio::test]
async fn loading_a_model_may_take_longer_than_a_pause() {
    let load = hasty().idle * 2;
    let body = [head(200, "application/x-ndjson", ""), OLLAMA.into()].concat();
    let server = server::Server::start(vec![vec![Act::Wait(load), Act::Send(body)]]).await;
    let patient = ai::providers::Timeouts { first_byte: load * 10, ..hasty() };
    let ollama = Ollama::new(Server { timeouts: patient, ..Server::new(server.url("")) }, wire()).unwrap();
    let (_, fault) = all(ollama.stream(ask("m", "hello")).await.unwrap()).await;
    assert_eq!(fault, None);
    let ollama = Ollama::new(Server { timeouts: hasty(), ..Server::new(server.url("")) }, wire()).unwrap();
    assert_eq!(ollama.stream(ask("m", "hello")).await.err().unwrap().kind, FaultKind::Timeout);
}

#[tokio::test]
async fn lists_models_and_tells_cloud_models_apart() {
    let body = json!({"models": [
        {"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 1, "details": {"family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"}},
        {"name": "nomic-embed-text:latest", "details": {"family": "nomic-bert"}},
        {"name": "gpt-oss:120b-cloud", "remote_host": "https://ollama.com:443", "details": {}},
        {"name": "bare:1b"},
    ]});
    let server = server::Server::start(vec![answer(200, "application/json", body.to_string().as_bytes())]).await;
    let models = provider(&server).models().await.unwrap();
    assert!(server.requests()[0].head.starts_with("get /api/tags "));
    let facts: Vec<_> = models
        .iter()
        .map(|model| (model.id.as_str(), model.name.as_str(), model.description.as_str(), model.place))
        .collect();
    assert_eq!(
        facts,
        [
            ("llama3.2:latest", "llama3.2", "Runs in Ollama (3.2B, Q4_K_M).", Place::Server),
            ("nomic-embed-text:latest", "nomic-embed-text", "Runs in Ollama.", Place::Server),
            ("gpt-oss:120b-cloud", "gpt-oss:120b-cloud", "Runs outside, reached through Ollama.", Place::Outside),
            ("bare:1b", "bare:1b", "Runs in Ollama.", Place::Server),
        ]
    );
    assert!(models.iter().all(|model| model.continuation == Continuation::Prefix));
    let embeds: Vec<bool> = models.iter().map(|model| model.purpose == Purpose::Embedding).collect();
    assert_eq!(embeds, [false, true, false, false]);
}
