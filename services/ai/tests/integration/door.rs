//! The OpenAI-compatible door: what is passed on, what is translated, who may, what it costs, and how it ends.

use crate::{
    house::House,
    providers::is_on_disk,
    server::{Act, Server, answer, chunk, chunked_head},
};
use ai::providers::{Continuation, EndReason};
use futures_util::StreamExt as _;
use platform::principal::Role;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";

/// A server that lists its models first, and then does this.
async fn upstream(house: &House, kind: &str, models: Value, then: Vec<Vec<Act>>) -> Server {
    let list = answer(200, "application/json", models.to_string().as_bytes());
    // Asked once when it is added, and by the round that may pass in between.
    let server = Server::start([vec![list.clone(); 1], then].concat()).await;
    let path = if kind == "openai" { "/v1" } else { "" };
    let new = json!({"kind": kind, "name": "up", "base_url": server.url(path), "key": "sk-upstream-0123456789"});
    let (status, added) = house.ask(Role::ADMIN, "POST", "/api/v1/admin/providers", new).await;
    assert_eq!((status, added["state"].as_str()), (201, Some("answers")), "{added}");
    server
}

fn listed() -> Value {
    json!({"data": [{"id": "m"}, {"id": "text-embed"}]})
}

fn question(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
}

fn streamed(model: &str) -> Value {
    let mut body = question(model);
    body["stream"] = json!(true);
    body
}

/// The data of each event.
fn data(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

const WORDS: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}],\"odd\":[1.0]}\n\n";
const END: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const COUNT: &str = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    let whole = answer(200, "text/event-stream", [WORDS, END, COUNT, DONE].concat().as_bytes());
    let server = upstream(&house, "openai", listed(), vec![whole]).await;
    let mut body = streamed("up/m");
    body["some_new_member"] = json!({"deep": [1, 2]});
    body["temperature"] = json!(0.25);
    let (status, text) = house.text(CHAT, body.clone()).await;
    assert_eq!(
        (status, text.as_str()),
        (200, [WORDS, END, DONE].concat().as_str()),
        "the count nobody asked for stays here"
    );
    let asked = &server.requests()[1];
    assert!(
        asked.head.starts_with("post /v1/chat/completions ")
            && asked.head.contains("authorization: bearer sk-upstream")
    );
    body["model"] = json!("m");
    body["stream_options"] = json!({"include_usage": true});
    assert_eq!(asked.body, body);
    let finished = house.finished(0).await;
    let usage = finished.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.estimated), (9, 2, false));
    assert_eq!(
        (finished.kind.as_str(), finished.state.as_str(), finished.model.as_str()),
        ("chat", "complete", "up/m")
    );

    let mut counted = streamed("up/m");
    counted["stream_options"] = json!({"include_usage": true});
    assert_eq!(house.text(CHAT, counted).await.1, [WORDS, END, COUNT, DONE].concat());
}

#[tokio::test]
async fn what_ends_badly_ends_with_an_error_and_never_with_done() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    let words = || chunk(WORDS.as_bytes());
    let bad = [
        vec![chunked_head(), words(), chunk(b"")],
        vec![chunked_head(), words(), Act::Wait(Duration::from_millis(20)), Act::Reset],
        vec![chunked_head(), words(), chunk(b"data: {\"cho")],
        vec![chunked_head(), words(), chunk(b"data: <html>\n\n"), chunk(b"")],
        vec![
            chunked_head(),
            words(),
            chunk(b"data: {\"error\":{\"message\":\"boom\"}}\n\n"),
            chunk(DONE.as_bytes()),
            chunk(b""),
        ],
        vec![chunked_head(), words(), chunk(&vec![b'x'; 2 << 20]), chunk(b"")],
    ];
    let count = bad.len();
    let good = vec![chunked_head(), words(), chunk(END.as_bytes()), chunk(b"")];
    let failed = answer(200, "application/json", b"{\"error\":{\"message\":\"out of memory\"}}");
    let page = answer(200, "text/html", b"<html>Sign in");
    let _server = upstream(&house, "openai", listed(), [bad.to_vec(), vec![good, failed, page]].concat()).await;
    for at in 0..count {
        let (status, text) = house.text(CHAT, streamed("up/m")).await;
        let events = data(&text);
        let last: Value = serde_json::from_str(events[events.len() - 1]).unwrap();
        assert!(status == 200 && last["error"]["message"].is_string(), "{at}: {text}");
        assert!(text.starts_with(WORDS) && !text.contains("[DONE]"), "{at}: {text}");
        let finished = house.finished(at).await;
        assert_eq!(finished.state, "interrupted", "{at}");
        assert!(finished.usage.is_some_and(|usage| usage.estimated && usage.output > 0 && usage.input > 0));
    }
    // A server that leaves its last word out has said its end all the same.
    assert_eq!(house.text(CHAT, streamed("up/m")).await.1, [WORDS, END, DONE].concat());
    for _ in 0..2 {
        let (status, problem) = house.ask(Role::USER, "POST", CHAT, question("up/m")).await;
        assert_eq!((status, problem["code"].as_str()), (503, Some("unavailable")), "{problem}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_work_and_pays_for_it() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    let talking = vec![chunked_head(), chunk(WORDS.as_bytes()), Act::Hang];
    let server = upstream(&house, "openai", listed(), vec![talking, vec![Act::Hang], vec![Act::Hang]]).await;

    let mut body = house.open(Role::USER, "POST", CHAT, streamed("up/m")).await.into_body().into_data_stream();
    assert!(body.next().await.unwrap().unwrap().starts_with(b"data: "));
    let left = Instant::now();
    drop(body);
    server.client_gone().await;
    assert!(left.elapsed() < Duration::from_secs(2), "{:?}", left.elapsed());
    let finished = house.finished(0).await;
    assert_eq!(finished.state, "stopped");
    assert!(finished.usage.is_some_and(|usage| usage.input > 0 && usage.output > 0));

    // Before the first word, and where a whole answer was asked for.
    for body in [streamed("up/m"), question("up/m")] {
        let waiting = house.open(Role::USER, "POST", CHAT, body);
        assert!(tokio::time::timeout(Duration::from_millis(200), waiting).await.is_err());
        let left = Instant::now();
        server.client_gone().await;
        assert!(left.elapsed() < Duration::from_secs(2), "{:?}", left.elapsed());
    }
}

#[tokio::test]
async fn no_member_of_a_request_chooses_where_it_goes() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    let canary = Server::start(vec![answer(200, "application/json", b"{}")]).await;
    let whole = answer(200, "application/json", b"{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}");
    let server = upstream(&house, "openai", listed(), vec![whole]).await;
    for member in ["api_base", "base_url", "api_key", "extra_headers", "custom_llm_provider", "proxy"] {
        for (path, model) in [(CHAT, "up/m"), ("/v1/embeddings", "up/text-embed"), (CHAT, "guide/guide")] {
            let mut body = question(model);
            body["input"] = json!("x");
            body[member] = json!(canary.url("/v1"));
            let (status, problem) = house.ask(Role::USER, "POST", path, body).await;
            assert_eq!((status, problem["field"].as_str()), (400, Some(member)), "{problem}");
        }
    }
    // Nor a picture's address, where our own servers would fetch it.
    let url = canary.url("/x.png");
    for content in [
        json!([{"type": "image_url", "image_url": {"url": url}}]),
        json!([{"type": "video_url", "video_url": {"url": url}}]),
        json!([{"type": "input_image", "image_url": url}]),
    ] {
        let mut body = question("up/m");
        body["messages"][0]["content"] = content;
        assert_eq!(house.ask(Role::USER, "POST", CHAT, body).await.0, 400);
    }
    assert_eq!((canary.requests().len(), server.requests().len()), (0, 1), "only its models were asked for");
    assert_eq!(house.ask(Role::USER, "POST", CHAT, question("up/m")).await.0, 200);
}

#[tokio::test]
async fn a_model_that_is_not_for_a_role_is_closed_at_every_door() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    let whole = answer(200, "application/json", b"{\"choices\":[]}");
    let server = upstream(&house, "openai", listed(), vec![whole]).await;
    for id in ["up/m", "up/text-embed"] {
        let change = json!({"id": id, "version": 0, "roles": ["admin"]});
        assert_eq!(house.ask(Role::ADMIN, "PUT", "/api/v1/admin/models", change).await.0, 200);
    }
    for (method, path, body) in [
        ("POST", CHAT, question("up/m")),
        ("POST", CHAT, streamed("up/m")),
        ("POST", "/v1/embeddings", json!({"model": "up/text-embed", "input": "x"})),
        ("GET", "/v1/models/up/m", Value::Null),
        ("POST", "/api/v1/temporary", json!({"model": "up/m", "turns": [{"role": "user", "text": "x"}]})),
    ] {
        let (status, problem) = house.ask(Role::USER, method, path, body).await;
        assert_eq!((status, problem["code"].as_str()), (403, Some("forbidden")), "{path}: {problem}");
    }
    let (_, models) = house.ask(Role::USER, "GET", "/v1/models", Value::Null).await;
    assert!(!models.to_string().contains("up/"), "{models}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(house.ask(Role::ADMIN, "POST", CHAT, question("up/m")).await.0, 200);
    for path in ["/v1/models/up/m", "/v1/models/up%2Fm"] {
        assert_eq!(house.ask(Role::ADMIN, "GET", path, Value::Null).await.1["id"], "up/m", "{path}");
    }
}

#[tokio::test]
async fn tools_are_translated_both_ways() {
    let house = House::new(true).await;
    let _worker = house.worker(Continuation::Asked, true);
    let said = concat!(
        "{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"look\",\"arguments\":{\"at\":\"cat\"}}}]},\"done\":false}\n",
        "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":7,\"eval_count\":3}\n",
    );
    let models = json!({"models": [{"name": "m"}, {"name": "embed"}]});
    let vectors = answer(200, "application/json", b"{\"embeddings\":[[1.0,-2.5]],\"prompt_eval_count\":4}");
    let call = answer(200, "application/x-ndjson", said.as_bytes());
    let server = upstream(&house, "ollama", models, vec![call.clone(), call, vectors]).await;
    let mut body = question("up/m");
    body["tools"] = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    body["max_completion_tokens"] = json!(50);
    let (status, whole) = house.ask(Role::USER, "POST", CHAT, body.clone()).await;
    assert_eq!(status, 200, "{whole}");
    let choice = &whole["choices"][0];
    assert_eq!(
        (choice["finish_reason"].as_str(), choice["message"]["content"].clone()),
        (Some("tool_calls"), Value::Null)
    );
    assert_eq!(
        choice["message"]["tool_calls"][0]["function"],
        json!({"name": "look", "arguments": "{\"at\":\"cat\"}"})
    );
    assert_eq!(whole["usage"], json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}));
    let asked = &server.requests()[1].body;
    assert_eq!(
        (asked["tools"][0]["function"]["name"].as_str(), asked["options"]["num_predict"].as_i64()),
        (Some("look"), Some(50))
    );

    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let (_, text) = house.text(CHAT, body).await;
    let events = data(&text);
    let parts: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    assert_eq!(parts[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(parts[1]["choices"][0]["delta"]["tool_calls"][0]["id"], "call_0");
    assert_eq!(parts[2]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(parts[3]["usage"]["total_tokens"], 10);

    let (status, embedded) = house
        .ask(
            Role::USER,
            "POST",
            "/v1/embeddings",
            json!({"model": "up/embed", "input": "x", "encoding_format": "base64"}),
        )
        .await;
    assert_eq!((status, embedded["data"][0]["embedding"].as_str()), (200, Some("AACAPwAAIMA=")), "{embedded}");
    assert_eq!(embedded["usage"]["prompt_tokens"], 4);
    assert_eq!(house.finished(2).await.kind, "embeddings");
}

/// Fifty at once where there is room for seven: seven, whatever the order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cap_admits_exactly_as_many_as_it_has_room_for() {
    let house = std::sync::Arc::new(House::new(true).await);
    let mut worker = house.worker(Continuation::Asked, true);
    let mut body = question("told/model");
    body["max_tokens"] = json!(30);
    // What one of them reserves.
    let first = tokio::spawn({
        let (house, body) = (house.clone(), body.clone());
        async move { house.ask(Role::USER, "POST", CHAT, body).await.0 }
    });
    let call = worker.call().await;
    while house.reserved().await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let each = house.number("select input + output from ai_reservations").await;
    call.end();
    assert_eq!(first.await.unwrap(), 200);
    let used = house.finished(0).await.usage.unwrap();
    let cap = i64::try_from(used.input + used.output).unwrap() + 7 * each;
    let (status, _) =
        house.ask(Role::ADMIN, "PATCH", "/api/v1/admin/limits", json!({"version": 0, "person_tokens": cap})).await;
    assert_eq!(status, 200);

    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(50));
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let (house, body, barrier) = (house.clone(), body.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                house.ask(Role::USER, "POST", CHAT, body).await
            })
        })
        .collect();
    let mut calls = Vec::new();
    for _ in 0..7 {
        calls.push(worker.call().await);
    }
    let mut refused = 0;
    let (mut done, mut open) = (Vec::new(), asking);
    while refused < 43 {
        let (outcome, _, rest) = futures_util::future::select_all(open).await;
        let (status, problem) = outcome.unwrap();
        assert_eq!((status, problem["code"].as_str()), (429, Some("cap_reached")), "{problem}");
        assert!(problem["resets_at"].is_string());
        (refused, open) = (refused + 1, rest);
    }
    assert!(worker.calls.try_recv().is_err(), "an eighth was asked");
    for call in calls {
        call.end();
        done.push(());
    }
    for asked in open {
        assert_eq!(asked.await.unwrap().0, 200);
    }
    assert_eq!(done.len(), 7);
}

#[tokio::test]
async fn of_a_temporary_conversation_nothing_is_kept() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Asked, true);
    let turns = json!([{"role": "user", "text": "canary-question-1"}, {"role": "assistant", "text": "canary-answer-1"},
        {"role": "user", "text": "canary-question-2"}]);
    let asking = async { house.text("/api/v1/temporary", json!({"model": "told/model", "turns": turns})).await };
    let answering = async {
        let call = worker.call().await;
        assert_eq!(call.ask.turns.last().unwrap().text, "canary-question-2");
        call.say("canary-answer-2");
        call.finish(EndReason::Stop);
    };
    let ((status, text), ()) = tokio::join!(asking, answering);
    assert_eq!(status, 200);
    assert_eq!(
        text,
        "event: text\ndata: {\"text\":\"canary-answer-2\"}\n\nevent: done\ndata: {\"reason\":null,\"state\":\"complete\"}\n\n"
    );
    let finished = house.finished(0).await;
    assert_eq!((finished.kind.as_str(), finished.state.as_str()), ("temporary", "complete"));
    assert!(!is_on_disk(house.folder(), b"canary-"), "a word of it is in the data folder");
    for turns in [json!([]), json!([{"role": "assistant", "text": "x"}]), json!([{"role": "system", "text": "x"}])] {
        assert_eq!(house.text("/api/v1/temporary", json!({"turns": turns})).await.0, 422);
    }
}
