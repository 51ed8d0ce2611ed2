//! Passwords and tokens are in no log line, no message and no file.

use crate::house::{EMAIL, House, json_request};
use auth::Config;
use serde_json::json;
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that is logged in this process, whatever its level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_password_and_no_token_shows_anywhere() {
    const RIGHT: &str = "canary-right-4f1d0a";
    const WRONG: &str = "canary-wrong-4f1d0a";
    const TYPO: &str = "canary-typo-4f1d0a";
    let log = Log::default();
    // for all threads: the database and the hashing have their own
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).try_init().unwrap();

    let house = House::new(Config::default()).await;
    let link = house.link.token().await.unwrap().unwrap();
    let setting_up = json!({"token": link, "name": "Ana", "email": EMAIL, "password": RIGHT});
    let mut answers = vec![
        house
            .post(
                "/api/v1/setup",
                None,
                json!({"token": [link], "name": "Ana", "email": EMAIL, "password": {RIGHT: 1}}),
            )
            .await,
        house
            .post("/api/v1/setup", None, json!({"token": link, "name": "Ana", "email": "ana", "password": RIGHT}))
            .await,
        house
            .post("/api/v1/setup", None, json!({"token": TYPO, "name": "Ana", "email": EMAIL, "password": WRONG}))
            .await,
        house.post("/api/v1/setup", None, setting_up.clone()).await,
        house.post("/api/v1/setup", None, setting_up).await,
        house.sign_in(EMAIL, WRONG).await,
        house.sign_in("eva@example.org", WRONG).await,
        house.sign_in(EMAIL, &WRONG.repeat(100)).await,
        house.post("/api/v1/auth/sign-in", None, json!({"email": EMAIL, "password": [WRONG]})).await,
        house
            .send(json_request("/api/v1/auth/sign-in").body(format!("{{\"password\":\"{WRONG}\"").into()).unwrap())
            .await,
        house.sign_in(EMAIL, RIGHT).await,
    ];
    let tokens: Vec<_> =
        answers.iter().map(|answer| answer.token().to_owned()).filter(|token| !token.is_empty()).collect();
    assert_eq!(tokens.len(), 2);
    let person = house.person(&tokens[0]).await;
    answers.push(house.post("/api/v1/auth/sign-out", Some(&person), json!({})).await);

    let mut seen = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(
        seen.contains("signed in") && seen.contains("signed out") && seen.contains("wrong e-mail"),
        "the log was captured"
    );
    for answer in &answers {
        seen += &answer.text;
        // a session's token is marked as not to be printed
        seen += &format!("{:?}", answer.headers);
    }
    let folder = house.folder().to_owned();
    for file in ["taifas.db", "taifas.db-wal"] {
        seen += &String::from_utf8_lossy(&std::fs::read(folder.join(file)).unwrap_or_default());
    }
    for secret in [RIGHT, WRONG, TYPO, &link, &tokens[0], &tokens[1]] {
        assert!(!seen.contains(secret), "{secret}");
    }
}
