//! The OpenAI-compatible adapter: what it asks, and what it makes of the many ways in which servers answer.

use ai::providers::{
    Continuation, End, EndReason, FaultKind, Piece, Place, Provider, Role, Turn, Usage,
    openai::{ChatReading, OpenAi, Server},
};
use secrecy::SecretString;
use serde_json::json;

use crate::{all, ask, read, recordings::CHAT, server, server::answer, text, wire};

const EVENTS: &str = "text/event-stream";

fn provider(server: &server::Server) -> OpenAi {
    OpenAi::new(Server::new("x", server.url("/v1"), None), wire()).unwrap()
}

fn event(json: &serde_json::Value) -> String {
    format!("data: {json}\n\n")
}

#[tokio::test]
async fn asks_as_documented() {
    let server = server::Server::start(vec![answer(200, EVENTS, CHAT.as_bytes())]).await;
    let key = Some(SecretString::from("sk-test-1234567890"));
    let provider = OpenAi::new(Server::new("x", server.url("/v1/?v=1"), key), wire()).unwrap();
    let mut ask = ask("gpt", "Hello");
    ask.turns.insert(0, Turn::new(Role::System, "Be brief."));
    ask.turns.push(Turn::new(Role::Assistant, "Hi"));
    let (pieces, fault) = all(provider.stream(ask).await.unwrap()).await;
    assert_eq!(fault, None);
    assert_eq!(text(&pieces), "Grüße 👩‍🚀 😀!");
    let requests = server.requests();
    assert!(requests[0].head.starts_with("post /v1/chat/completions?v=1 "), "{}", requests[0].head);
    assert!(requests[0].head.contains("\r\nauthorization: bearer sk-test-1234567890"));
    assert!(requests[0].head.contains("\r\naccept-encoding: identity"));
    assert_eq!(
        requests[0].body,
        json!({
            "model": "gpt",
            "stream": true,
            "stream_options": {"include_usage": true},
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hi"},
            ],
        })
    );
}

#[tokio::test]
async fn does_without_the_count_where_the_server_does_not_know_it() {
    let refusal = json!({"error": {"message": "Unrecognized request argument supplied: stream_options", "type": "invalid_request_error"}});
    let fastapi = json!({"detail": [{"loc": ["body", "stream_options"], "msg": "extra fields not permitted"}]});
    for (status, refusal) in [(400, refusal), (422, fastapi)] {
        let refused = answer(status, "application/json", refusal.to_string().as_bytes());
        let server = server::Server::start(vec![refused, answer(200, EVENTS, CHAT.as_bytes())]).await;
        let provider = provider(&server);
        for _ in 0..2 {
            let (_, fault) = all(provider.stream(ask("m", "hello")).await.unwrap()).await;
            assert_eq!(fault, None);
        }
        let counts: Vec<bool> =
            server.requests().iter().map(|request| request.body.get("stream_options").is_some()).collect();
        assert_eq!(counts, [true, false, false], "asked once, then never again");
    }
}

#[tokio::test]
async fn goes_on_from_a_prefix_only_where_it_can() {
    let server = server::Server::start(vec![answer(200, EVENTS, CHAT.as_bytes())]).await;
    let mut request = ask("m", "hello");
    request.prefix = "So far ".to_owned();
    let fault = provider(&server).stream(request.clone()).await.err().unwrap();
    assert_eq!(fault.kind, FaultKind::BadRequest);
    let config = Server { continuation: Continuation::Prefix, ..Server::new("x", server.url("/v1"), None) };
    all(OpenAi::new(config, wire()).unwrap().stream(request).await.unwrap()).await;
    let body = &server.requests()[0].body;
    assert_eq!(body["messages"][1], json!({"role": "assistant", "content": "So far "}));
    assert_eq!((&body["continue_final_message"], &body["add_generation_prompt"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn takes_one_document_instead_of_a_stream() {
    let body = json!({
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "All at once.", "reasoning": "hm"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    });
    let server = server::Server::start(vec![answer(200, "application/json", body.to_string().as_bytes())]).await;
    let (pieces, fault) = all(provider(&server).stream(ask("m", "hello")).await.unwrap()).await;
    assert_eq!(fault, None);
    let end = End { reason: EndReason::Stop, usage: Some(Usage { input: 3, output: 4 }) };
    assert_eq!(pieces, [Piece::Text("All at once.".to_owned()), Piece::End(end)]);
    for at in 0..body.to_string().len() {
        let (_, fault) = read(ChatReading::new("x"), &[&body.to_string().as_bytes()[..at]]);
        assert_eq!(fault.unwrap().kind, FaultKind::Cut, "truncated at {at}");
    }
}

#[test]
fn reads_every_way_to_end() {
    let delta =
        |word: &str| event(&json!({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": word}]}));
    for (word, reason) in [
        ("stop", EndReason::Stop),
        ("length", EndReason::Length),
        ("max_tokens", EndReason::Length),
        ("content_filter", EndReason::Filtered),
        ("tool_calls", EndReason::Other("tool_calls".to_owned())),
    ] {
        let end = Piece::End(End { reason, usage: None });
        // With and without [DONE], and whatever rubbish comes after the end was said.
        for tail in
            ["data: [DONE]\n\n", "", "data: {\n\n", "data: \u{1}[DONE", "data: {\"error\":{\"message\":\"late\"}}\n\n"]
        {
            let (pieces, fault) = read(ChatReading::new("x"), &[delta(word).as_bytes(), tail.as_bytes()]);
            assert_eq!(fault, None, "{word} {tail}");
            assert_eq!(pieces, [Piece::Text("a".to_owned()), end.clone()], "{word} {tail}");
        }
    }
    let open = event(&json!({"choices": [{"index": 0, "delta": {"content": "a"}}]}));
    let (pieces, _) = read(ChatReading::new("x"), &[open.as_bytes(), b"data: [DONE]\n\n"]);
    assert_eq!(pieces.last(), Some(&Piece::End(End { reason: EndReason::Other("done".to_owned()), usage: None })));
    let (pieces, fault) = read(ChatReading::new("x"), &[open.as_bytes()]);
    assert_eq!((pieces.len(), fault.unwrap().kind), (1, FaultKind::Cut));
    let (pieces, fault) = read(ChatReading::new("x"), &[b"data: [DONE]\n\n"]);
    assert_eq!((pieces.len(), fault.unwrap().kind), (0, FaultKind::Cut));
}

#[test]
fn errors_inside_a_stream_are_faults_after_the_text() {
    let text = event(&json!({"choices": [{"index": 0, "delta": {"content": "a"}}]}));
    for (event, kind) in [
        (event(&json!({"error": {"message": "Overloaded", "type": "overloaded_error"}})), FaultKind::Overloaded),
        (
            event(
                &json!({"error": {"message": "slow down", "code": 429}, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}),
            ),
            FaultKind::RateLimited,
        ),
        (event(&json!({"error": "out of memory"})), FaultKind::Provider),
        (format!("event: error\n{}", event(&json!({"message": "boom"}))), FaultKind::Provider),
        (event(&json!({"choices": [{"delta": {}, "finish_reason": "error"}]})), FaultKind::Provider),
        ("data: not json\n\n".to_owned(), FaultKind::Malformed),
        ("data: {\"choices\":7}\n\n".to_owned(), FaultKind::Malformed),
    ] {
        let (pieces, fault) = read(ChatReading::new("x"), &[text.as_bytes(), event.as_bytes()]);
        assert_eq!(pieces, [Piece::Text("a".to_owned())]);
        assert_eq!(fault.unwrap().kind, kind, "{event}");
    }
    // Gemini's form of an error, as the whole answer.
    let array = json!([{"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}]).to_string();
    let (_, fault) = read(ChatReading::new("x"), &[array.as_bytes()]);
    assert_eq!(fault.unwrap().kind, FaultKind::Overloaded);
}

#[tokio::test]
async fn a_filtered_question_is_an_end_and_no_error() {
    let body = json!({"error": {"code": "content_filter", "message": "The response was filtered", "param": "prompt"}});
    let server = server::Server::start(vec![answer(400, "application/json", body.to_string().as_bytes())]).await;
    let (pieces, _) = all(provider(&server).stream(ask("m", "hello")).await.unwrap()).await;
    assert_eq!(pieces, [Piece::End(End { reason: EndReason::Filtered, usage: None })]);
}

#[tokio::test]
async fn lists_models() {
    let body = json!({"object": "list", "data": [{"id": "llama"}, {"id": "whisper-large", "object": "model"}]});
    let server = server::Server::start(vec![
        answer(200, "application/json", body.to_string().as_bytes()),
        answer(200, "text/html", b"<html>"),
    ])
    .await;
    let provider = provider(&server);
    let models = provider.models().await.unwrap();
    assert!(server.requests()[0].head.starts_with("get /v1/models "));
    assert_eq!(models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["llama", "whisper-large"]);
    assert!(models.iter().all(|model| model.place == Place::Server && model.continuation == Continuation::Asked));
    assert_eq!(provider.models().await.unwrap_err().kind, FaultKind::Malformed);
}
