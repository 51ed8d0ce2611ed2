//! Whatever comes over the wire is answered with a problem document that names the mistake, and the
//! program goes on.

use crate::harness::{Answer, CALL, Client, Draft, Server, TERMINAL, Watch, ready, until};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use uuid::Uuid;

/// One process from the first mistake to the last one, and nothing in its log that says otherwise.
struct Unharmed {
    server: Server,
    owner: Client,
    pid: u32,
}

impl Unharmed {
    async fn start() -> Result<Self> {
        let (server, owner) = ready(&[]).await?;
        let pid = server.pid()?;
        Ok(Self { server, owner, pid })
    }

    async fn check(mut self) -> Result<()> {
        ensure!(self.server.pid()? == self.pid && self.owner.get("/readyz").await?.status == 200);
        let sent = self.owner.send(&Draft::new("continues", &json!({"tokens": 5, "delay_ms": 1}))).await?;
        Watch::begin(&self.owner, sent.reply, None).done(TERMINAL).await?;
        self.server.stop().await?;
        ensure!(self.server.log_faults().is_empty(), "{:?}", self.server.log_faults());
        Ok(())
    }

    /// A chat with a question and its answer.
    async fn chat(&self) -> Result<Uuid> {
        let sent = self.owner.send(&Draft::new("continues", &json!({"tokens": 5}))).await?;
        Watch::begin(&self.owner, sent.reply, None).done(TERMINAL).await?;
        Ok(sent.chat)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.owner.request(Method::POST, path).header("Idempotency-Key", Uuid::now_v7().to_string())
    }

    async fn call(&self, request: RequestBuilder) -> Result<Answer> {
        self.owner.call(request).await
    }
}

fn messages() -> String {
    format!("/api/v1/chats/{}/messages", Uuid::now_v7())
}

#[tokio::test]
async fn bodies_that_are_none() -> Result<()> {
    let server = Unharmed::start().await?;
    // they come into a chat that is there, and it stays as it is
    let chat = server.chat().await?;
    let before = server.owner.open(chat).await?;
    let id = Uuid::now_v7();
    let with_text = |text: &str| format!(r#"{{"id":"{id}","parent_id":null,"text":{text}}}"#).into_bytes();
    let nested = |open: &str, close: &str| [open.repeat(10_000), close.repeat(10_000)].concat();
    let mut broken = with_text("\"a?b\"");
    if let Some(place) = broken.iter_mut().find(|byte| **byte == b'?') {
        *place = 0xff;
    }
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("nothing", Vec::new(), 400),
        ("half of it", br#"{"id":"#.to_vec(), 400),
        ("two of it", [with_text("\"a\""), with_text("\"a\"")].concat(), 400),
        ("no JSON", b"id=1&text=2".to_vec(), 400),
        ("broken UTF-8", broken, 400),
        ("an overlong encoding", [b"{\"id\":\"\xc0\xaf".to_vec(), b"\"}".to_vec()].concat(), 400),
        ("a byte order mark", [b"\xef\xbb\xbf".to_vec(), with_text("\"a\"")].concat(), 400),
        ("a raw NUL", with_text("\"a\0b\""), 400),
        ("an escaped NUL", with_text(r#""a\u0000b""#), 422),
        ("half a surrogate pair", with_text(r#""\ud800""#), 400),
        ("deep arrays", nested("[", "]").into_bytes(), 422),
        ("deep arrays in a field", with_text(&nested("[", "]")), 422),
        ("deep objects", nested("{\"a\":", "}").into_bytes(), 400),
        ("no object", b"[]".to_vec(), 422),
        ("null", b"null".to_vec(), 422),
        ("another type", with_text("7"), 422),
        ("a number without end", with_text(&"9".repeat(100_000)), 400),
        (
            "an unknown field",
            format!(r#"{{"id":"{id}","parent_id":null,"text":"a","role":"admin"}}"#).into_bytes(),
            422,
        ),
        ("a field twice", format!(r#"{{"id":"{id}","id":"{id}","parent_id":null,"text":"a"}}"#).into_bytes(), 422),
        ("a text twice", with_text(r#""a","text":"b""#), 422),
        ("no field", b"{}".to_vec(), 422),
        ("an id that is none", br#"{"id":"x","parent_id":null,"text":"a"}"#.to_vec(), 422),
    ];
    for (what, body, status) in cases {
        let path = format!("/api/v1/chats/{chat}/messages");
        let request = server.post(&path).header("Content-Type", "application/json").body(body);
        let answer = server.call(request).await.context(what)?;
        ensure!(server.owner.open(chat).await? == before, "{what} has changed the chat");
        // which of the two it is depends on what is looked at first; both name the mistake
        let status = if answer.status == 400 && what.starts_with("deep") {
            400
        } else if what.starts_with("deep") {
            422
        } else {
            status
        };
        answer.problem(status, "invalid").context(what)?;
    }
    // every route that takes a body
    for (method, path) in [
        (Method::POST, "/api/v1/setup".to_owned()),
        (Method::POST, "/api/v1/auth/sign-in".to_owned()),
        (Method::PATCH, format!("/api/v1/chats/{chat}")),
        (Method::POST, format!("/api/v1/replies/{chat}/continue")),
    ] {
        for (body, status) in [("{", 400), (r#"{"no such field":1}"#, 422), ("[[[[", 400)] {
            let request =
                server.owner.request(method.clone(), &path).header("Content-Type", "application/json").body(body);
            let answer = server.call(request).await?;
            ensure!(answer.status == status || answer.status == 422, "{path} {body}: {}", answer.text);
            let status = answer.status;
            answer.problem(status, "invalid").with_context(|| format!("{path} {body}"))?;
        }
    }
    // a password is not quoted back
    let secret = json!({"email": "a@example.org", "password": {"very": "secret words"}});
    let answer = server.owner.nobody().post("/api/v1/auth/sign-in", &secret).await?;
    ensure!(!answer.problem(422, "invalid")?.to_string().contains("secret words"));
    server.check().await
}

#[tokio::test]
async fn bodies_that_are_too_large_or_of_another_kind() -> Result<()> {
    let server = Unharmed::start().await?;
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""]
    {
        let request = server.post(&messages()).header("Content-Type", kind).body("{}");
        server.call(request).await?.problem(400, "invalid").context(kind)?;
    }
    // a message of ten megabytes: refused, and neither kept nor cut to what would do
    let chat = server.chat().await?;
    let before = server.owner.open(chat).await?;
    let parent = before["messages"][1]["id"].clone();
    let text = "a ".repeat(5 << 20);
    let body = json!({"id": Uuid::now_v7(), "parent_id": parent, "text": text});
    let long = server.post(&format!("/api/v1/chats/{chat}/messages")).json(&body);
    // the server closes while it is still being sent: the answer may not be read any more
    if let Ok(answer) = server.call(long).await {
        answer.problem(413, "too_large")?;
    }
    ensure!(server.owner.open(chat).await? == before, "a message of ten megabytes has changed the chat");
    // announced: refused before it is sent
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nx-csrf: 1\r\ncookie: {}\r\nidempotency-key: k\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        messages(),
        server.owner.cookie().unwrap_or_default(),
        10 << 20
    );
    let answer = raw(&server.server, head.as_bytes()).await?;
    ensure!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"too_large\""), "{answer}");
    // not announced: refused while it comes
    let mut chunked = head.replace(&format!("content-length: {}", 10 << 20), "transfer-encoding: chunked").into_bytes();
    for _ in 0..160 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend(std::iter::repeat_n(b' ', 0x10000));
        chunked.extend_from_slice(b"\r\n");
    }
    let answer = raw(&server.server, &chunked).await?;
    ensure!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"too_large\""), "{answer}");
    server.check().await
}

/// Many at once that are sent but for their last bytes: what they may take is bounded, and others are served.
#[tokio::test]
async fn bodies_that_never_end() -> Result<()> {
    const MANY: usize = 32;
    const LENGTH: usize = 4 << 20;
    /// Longer than what is refused is let by.
    const SOON: Duration = Duration::from_secs(5);
    let (limit, largest) = ((16 << 20).to_string(), LENGTH.to_string());
    let limits = [("TAIFAS__GATEWAY__BODIES_LIMIT", &*limit), ("TAIFAS__GATEWAY__PROGRAM_BODY_LIMIT", &*largest)];
    let (server, owner) = ready(&limits).await?;
    let pid = server.pid()?;
    let server = Unharmed { server, owner, pid };
    let (heavy, other) = (&server.owner, server.owner.invite("other@example.org").await?);
    let cookie = format!("cookie: {}\r\nidempotency-key: k\r\n", heavy.cookie().context("a session")?);
    let begin = async |headers: &str| {
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nx-csrf: 1\r\n{headers}content-type: application/json\r\ncontent-length: {LENGTH}\r\n\r\n",
            messages()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", server.server.port)).await?;
        let mut answer = vec![0; 1024];
        let (mut reading, mut writing) = stream.split();
        let ask = async {
            writing.write_all(head.as_bytes()).await?;
            writing.write_all(&vec![b' '; LENGTH - 100]).await
        };
        // what is refused is answered while it is being sent, or soon after
        let read = async {
            let count = tokio::time::timeout(SOON, reading.read(&mut answer)).await;
            count.map_or(Ok(None), |count| count.map(Some))
        };
        let (_, count) = tokio::join!(ask, read);
        let answer = count?.map(|count| String::from_utf8_lossy(&answer[..count]).into_owned());
        anyhow::Ok((stream, answer))
    };
    // signed out they are refused whatever they say, and the answer comes
    let answers = try_join_all((0..4).map(|_| begin(""))).await?;
    ensure!(
        answers.iter().all(|(_, answer)| answer.as_ref().is_some_and(|answer| answer.starts_with("HTTP/1.1 401 "))),
        "{answers:?}"
    );
    drop(answers);
    let before = server.server.memory()?;
    let begun = try_join_all((0..MANY).map(|_| begin(&cookie))).await?;
    let grown = server.server.memory()?.saturating_sub(before);
    ensure!(grown < 64 << 20, "bodies without an end hold {} MiB", grown >> 20);
    let refused: Vec<&String> = begun.iter().filter_map(|(_, answer)| answer.as_ref()).collect();
    ensure!(refused.len() < MANY, "no body at all is taken");
    for answer in &refused {
        ensure!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
    }
    // the rest is held, and somebody else sends something large meanwhile
    let long = Draft::of(Uuid::now_v7(), None, &"long ".repeat(20_000), "continues");
    other.send_raw(&long).await?.ok(202)?;
    drop(begun);
    until("the room is given back", TERMINAL, async || {
        let again = Draft::of(Uuid::now_v7(), None, &"long ".repeat(20_000), "continues");
        Ok((heavy.send_raw(&again).await?.status == 202).then_some(()))
    })
    .await?;
    server.check().await
}

#[tokio::test]
async fn requests_that_other_sites_could_make() -> Result<()> {
    let server = Unharmed::start().await?;
    let draft = Draft::new("continues", &json!({"tokens": 3}));
    let path = format!("/api/v1/chats/{}/messages", draft.chat);
    let forged: &[&[(&str, &str)]] = &[
        &[],
        &[("X-CSRF", "1"), ("Origin", "https://evil.example")],
        &[("X-CSRF", "1"), ("Origin", "null")],
        &[("X-CSRF", "1"), ("Sec-Fetch-Site", "cross-site")],
        &[("X-CSRF", "1"), ("Sec-Fetch-Site", "same-site")],
        &[("X-CSRF", "1"), ("Sec-Fetch-Site", "none")],
        &[("Sec-Fetch-Site", "same-origin")],
    ];
    for headers in forged {
        let request = reqwest::Client::builder().no_proxy().build()?.post(format!("{}{path}", server.server.url()));
        let mut request = request.header("Cookie", server.owner.cookie().unwrap_or_default());
        request = request.header("Idempotency-Key", &draft.key).json(&draft.body);
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        server.call(request).await?.problem(403, "forbidden").with_context(|| format!("{headers:?}"))?;
    }
    server.owner.get(&format!("/api/v1/chats/{}", draft.chat)).await?.problem(404, "not_found")?;
    let own = server
        .post(&path)
        .header("Origin", server.server.url())
        .header("Sec-Fetch-Site", "same-origin")
        .json(&draft.body);
    server.call(own).await?.ok(202)?;
    // who one is, is not for the client to say
    let me = server
        .owner
        .nobody()
        .request(Method::GET, "/api/v1/me")
        .header("x-taifas-principal", "x")
        .header("Authorization", "Bearer x");
    server.call(me).await?.problem(401, "unauthenticated")?;
    for cookie in ["sid=", "sid=x", "sid==;;;", "sid=\u{1}", "=", "sid=%00", &format!("sid={}", "A".repeat(64))] {
        if let Ok(value) = reqwest::header::HeaderValue::from_bytes(cookie.as_bytes()) {
            let request = server.owner.nobody().request(Method::GET, "/api/v1/me").header("Cookie", value);
            server.call(request).await?.problem(401, "unauthenticated").context(cookie.to_owned())?;
        }
    }
    server.check().await
}

#[tokio::test]
async fn addresses_and_methods_that_lead_nowhere() -> Result<()> {
    let server = Unharmed::start().await?;
    let invented = Uuid::now_v7();
    let long = "x".repeat(5000);
    for id in
        [invented.to_string().as_str(), "1", "%00", "%FF%FE", "..%2F..%2Fetc", "'%20or%201=1--", "%F0%9F%91%8D", &long]
    {
        for (method, path) in [
            (Method::GET, format!("/api/v1/chats/{id}")),
            (Method::DELETE, format!("/api/v1/chats/{id}")),
            (Method::POST, format!("/api/v1/chats/{id}/restore")),
            (Method::GET, format!("/api/v1/replies/{id}/stream")),
            (Method::POST, format!("/api/v1/replies/{id}/stop")),
        ] {
            let request = server.owner.request(method.clone(), &path);
            server.call(request).await?.problem(404, "not_found").with_context(|| format!("{method} {path}"))?;
        }
        let rename = server.owner.request(Method::PATCH, &format!("/api/v1/chats/{id}"));
        server
            .call(rename.json(&json!({"title": "x", "version": 1})))
            .await?
            .problem(404, "not_found")
            .context(id.to_owned())?;
    }
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/chats",
        "/api/v1/chats/x/y/z",
        "/api/v1/chat.v1.Chat/Context",
    ] {
        let answer = server.owner.get(path).await?;
        ensure!(answer.status == 404, "{path}: {} {}", answer.status, answer.text);
        if path.starts_with("/api/") {
            answer.problem(404, "not_found").context(path)?;
        }
    }
    // internal calls are not reachable from outside
    let rpc = server
        .owner
        .request(Method::POST, "/chat.v1.Chat/Finish")
        .header("Content-Type", "application/grpc")
        .body("\0\0\0\0\0");
    server.call(rpc).await?.problem(404, "not_found")?;
    for (method, path) in [
        (Method::PUT, "/api/v1/chats".to_owned()),
        (Method::DELETE, "/api/v1/me".to_owned()),
        (Method::GET, "/api/v1/auth/sign-in".to_owned()),
        (Method::POST, "/api/v1/models".to_owned()),
        (Method::PUT, format!("/api/v1/chats/{invented}")),
        (Method::GET, format!("/api/v1/replies/{invented}/stop")),
        (Method::POST, format!("/api/v1/replies/{invented}/stream")),
        (Method::POST, "/healthz".to_owned()),
        (Method::from_bytes(b"BREW")?, "/api/v1/chats".to_owned()),
    ] {
        let answer = server.call(server.owner.request(method.clone(), &path)).await?;
        answer.problem(405, "invalid").with_context(|| format!("{method} {path}"))?;
    }
    for (key, what) in [
        (None, "none"),
        (Some("x".repeat(256)), "long"),
        (Some(String::new()), "empty"),
        (Some("ключ".into()), "Cyrillic"),
    ] {
        let draft = Draft::new("continues", &Value::Null);
        let mut request = server.owner.request(Method::POST, &messages()).json(&draft.body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", reqwest::header::HeaderValue::from_bytes(key.as_bytes())?);
        }
        server.call(request).await?.problem(400, "invalid").context(what)?;
    }
    server.check().await
}

#[tokio::test]
async fn bytes_that_are_no_request() -> Result<()> {
    let server = Unharmed::start().await?;
    let cookie = server.owner.cookie().unwrap_or_default();
    let huge =
        format!("GET /api/v1/me HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\nx-long: {}\r\n\r\n", "a".repeat(200 << 10));
    let many = format!("GET /api/v1/me HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-many: 1\r\n".repeat(200));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a huge header", huge.into_bytes(), "431"),
        ("many headers", many.into_bytes(), "431"),
        ("a huge address", format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70 << 10)).into_bytes(), "4"),
        ("noise", vec![0, 1, 2, 3, 255, 254, b'\r', b'\n', b'\r', b'\n'], "400"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), "400"),
        ("no version", b"GET / HTTP/9.9\r\n\r\n".to_vec(), "4"),
        (
            "two lengths",
            b"POST /api/v1/me HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde".to_vec(),
            "400",
        ),
        ("a length that is none", b"POST /api/v1/me HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_vec(), "400"),
        (
            "a chunk that is none",
            b"POST /api/v1/setup HTTP/1.1\r\nhost: x\r\nx-csrf: 1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
            "400",
        ),
        ("a NUL in a header", b"GET /api/v1/me HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n".to_vec(), "400"),
    ];
    for (what, bytes, status) in cases {
        let answer = raw(&server.server, &bytes).await.context(what)?;
        // a connection that is closed without a word is an answer too
        ensure!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
        ensure!(!answer.starts_with("HTTP/1.1 5"), "{what}: {answer}");
    }
    server.check().await
}

/// Sends bytes as they are and reads what comes back, until the other side closes or is quiet.
async fn raw(server: &Server, bytes: &[u8]) -> Result<String> {
    let mut stream = tokio::time::timeout(CALL, TcpStream::connect(("127.0.0.1", server.port))).await??;
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let write = async {
        // the other side may have heard enough
        let _ = writing.write_all(bytes).await;
        std::future::pending::<()>().await;
    };
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(Ok(count @ 1..)) = tokio::time::timeout(Duration::from_secs(1), reading.read(&mut buffer)).await {
            answer.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
