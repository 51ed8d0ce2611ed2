//! Letters, and a mail server that takes them, or refuses, hangs, postpones, breaks off and is away.

use crate::{
    house::{House, MOMENT, until},
    smtp::{Letter, MailServer, Manner},
};
use http::{Method, StatusCode};
use proto::notification::v1::{AbilityRequest, SendRequest};
use serde_json::json;
use std::time::Duration;

fn reset(to: &str, language: &str) -> SendRequest {
    let fields = [("link", "https://chat.example.org/reset#token"), ("name", "Ana <b>\r\nBcc: eve@example.org")];
    SendRequest {
        template: "password-reset".into(),
        to: to.into(),
        language: language.into(),
        fields: fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
    }
}

async fn taken(server: &MailServer, count: usize) -> Vec<Letter> {
    until(async || (server.letters().len() >= count).then_some(())).await;
    tokio::time::sleep(MOMENT).await;
    let letters = server.letters();
    assert_eq!(letters.len(), count, "{letters:?}");
    letters
}

fn header<'l>(letter: &'l Letter, name: &str) -> Option<&'l str> {
    let head = letter.text.split("\n\n").next()?;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn a_letter_has_text_and_html_and_nothing_that_was_slipped_in() {
    let server = MailServer::start(Manner::Takes).await;
    let house = House::with(server.config()).await;
    assert!(house.mail("auth").ability(AbilityRequest {}).await.unwrap().into_inner().configured);
    assert!(house.mail("auth").send(reset("ana@example.org", "en")).await.unwrap().into_inner().queued);
    let letters = taken(&server, 1).await;
    let letter = &letters[0];
    assert_eq!(letter.to, ["ana@example.org"]);
    assert_eq!(header(letter, "From"), Some("Taifas <taifas@example.org>"));
    assert_eq!(header(letter, "To"), Some("ana@example.org"));
    assert_eq!(header(letter, "Subject"), Some("Set a new password for Taifas"));
    assert!(header(letter, "Bcc").is_none() && header(letter, "Message-ID").is_some(), "{}", letter.text);
    assert!(header(letter, "Content-Type").is_some_and(|kind| kind.starts_with("multipart/alternative")));
    assert!(letter.text.contains("text/plain") && letter.text.contains("text/html"), "{}", letter.text);
    assert!(letter.text.contains("https://chat.example.org/reset#token"), "{}", letter.text);
    assert!(letter.text.contains("&lt;b&gt;"), "{}", letter.text);
    assert!(!letter.text.lines().any(|line| line.starts_with("Bcc")), "{}", letter.text);

    house.mail("auth").send(reset("ana@example.org", "ro")).await.unwrap();
    let letters = taken(&server, 2).await;
    assert!(header(&letters[1], "Subject").is_some_and(|subject| subject.contains("=?utf-8?")), "{}", letters[1].text);
    let standing = house.standing().await;
    let expected = json!({
        "configured": true, "host": "127.0.0.1", "from": "Taifas <taifas@example.org>",
        "waiting": 0, "failed": 0, "problem": null
    });
    assert_eq!(standing, expected);
}

#[tokio::test]
async fn only_auth_sends_and_only_its_letters_to_one_address() {
    let server = MailServer::start(Manner::Takes).await;
    let house = House::with(server.config()).await;
    for service in ["chat", "gateway", "ai"] {
        assert!(house.mail(service).send(reset("ana@example.org", "en")).await.is_err(), "{service}");
    }
    for to in ["", "ana", "a@b.org, c@d.org", "a@b.org\r\nBcc: c@d.org", "Ana <a@b.org>"] {
        assert!(house.mail("auth").send(reset(to, "en")).await.is_err(), "{to:?}");
    }
    for template in ["", "test", "new-device", "../en/test"] {
        let request = SendRequest { template: template.into(), ..reset("ana@example.org", "en") };
        assert!(house.mail("auth").send(request).await.is_err(), "{template}");
    }
    let mut request = reset("ana@example.org", "en");
    request.fields.insert("link".into(), "javascript:alert(1)".into());
    assert!(house.mail("auth").send(request).await.is_err());
    taken(&server, 0).await;
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_taken_on() {
    let house = House::new().await;
    assert!(!house.mail("auth").ability(AbilityRequest {}).await.unwrap().into_inner().configured);
    assert!(!house.mail("auth").send(reset("ana@example.org", "en")).await.unwrap().into_inner().queued);
    let answer =
        house.call(&house.ana, Method::POST, "/api/v1/admin/mail/test", json!({"to": "ana@example.org"})).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert_eq!(house.standing().await["configured"], false);
}

/// A letter that could not go out at first, and where it is in the meantime.
async fn goes_out_later(manner: Manner, problem: &str) {
    let server = MailServer::start(manner).await;
    let house = House::with(server.config()).await;
    house.mail("auth").send(reset("ana@example.org", "en")).await.unwrap();
    let standing = until(async || {
        let standing = house.standing().await;
        standing["problem"].is_string().then_some(standing)
    })
    .await;
    assert!(standing["problem"].as_str().unwrap().contains(problem), "{standing}");
    assert!(!standing.to_string().contains("ana@"), "an address is shown: {standing}");
    assert_eq!((&standing["waiting"], &standing["failed"]), (&json!(1), &json!(0)), "{standing}");
    server.behaves(Manner::Takes);
    taken(&server, 1).await;
    until(async || (house.standing().await["waiting"] == 0).then_some(())).await;
    assert!(house.standing().await["problem"].is_null());
}

#[tokio::test]
async fn a_server_that_postpones_gets_it_later() {
    goes_out_later(Manner::Receiver(451), "451").await;
}

#[tokio::test]
async fn a_server_that_is_full_gets_it_later() {
    goes_out_later(Manner::Text(452), "452").await;
}

#[tokio::test]
async fn a_server_that_hangs_gets_it_later() {
    goes_out_later(Manner::Hangs, "in time").await;
}

#[tokio::test]
async fn a_server_that_breaks_off_gets_it_later() {
    goes_out_later(Manner::Drops, "cannot be reached").await;
}

#[tokio::test]
async fn a_wrong_password_is_seen_and_loses_no_letter() {
    let server = MailServer::start(Manner::SignIn(535)).await;
    let config = notification::Config { user: "taifas".into(), password: Some("wrong".into()), ..server.config() };
    let house = House::with(config).await;
    house.mail("auth").send(reset("ana@example.org", "en")).await.unwrap();
    let problem = until(async || house.standing().await["problem"].as_str().map(str::to_owned)).await;
    assert!(problem.contains("notification.password") && !problem.contains("wrong"), "{problem}");
    server.behaves(Manner::Takes);
    taken(&server, 1).await;
}

#[tokio::test]
async fn a_refusal_for_good_is_put_aside_and_seen() {
    for manner in [Manner::Receiver(550), Manner::Text(554)] {
        let server = MailServer::start(manner).await;
        let house = House::with(server.config()).await;
        house.mail("auth").send(reset("ana@example.org", "en")).await.unwrap();
        until(async || (house.standing().await["failed"] == 1).then_some(())).await;
        let connections = server.connections();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(server.connections(), connections, "tried again after {manner:?}");
        let standing = house.standing().await;
        assert!(standing["problem"].as_str().is_some_and(|text| text.contains("for good")), "{standing}");
        assert!(!standing.to_string().contains("ana@"), "{standing}");
        // it holds up nobody
        server.behaves(Manner::Takes);
        house.mail("auth").send(reset("dan@example.org", "en")).await.unwrap();
        taken(&server, 1).await;
    }
}

#[tokio::test]
async fn a_letter_outlives_the_process_and_the_servers_absence() {
    let server = MailServer::start(Manner::Takes).await;
    // nobody listens there
    let away = notification::Config { port: Some(1), ..server.config() };
    let house = House::with(away).await;
    house.mail("auth").send(reset("ana@example.org", "en")).await.unwrap();
    until(async || house.standing().await["problem"].as_str().map(str::to_owned)).await;
    let house = house.again(server.config()).await;
    let letters = taken(&server, 1).await;
    assert_eq!(letters[0].to, ["ana@example.org"]);
    until(async || (house.standing().await["waiting"] == 0).then_some(())).await;
}

#[tokio::test]
async fn a_link_that_waits_to_be_sent_lies_nowhere_in_clear() {
    let server = MailServer::start(Manner::Hangs).await;
    let house = House::with(server.config()).await;
    house.mail("auth").send(reset("ana@example.org", "en")).await.unwrap();
    let waiting = house.waiting_letters().await;
    assert_eq!(waiting.len(), 1);
    let text = String::from_utf8_lossy(&waiting[0]);
    assert!(text.contains("password-reset") && !text.contains("token") && !text.contains("https:"), "{text}");
    // A letter that was moved into another one's place does not open.
    house.mail("auth").send(reset("dan@example.org", "en")).await.unwrap();
    // between two tries, when nobody has them in hand
    until(async || house.copy_first_letter().await.then_some(())).await;
    server.behaves(Manner::Takes);
    until(async || (house.standing().await["failed"] == 1).then_some(())).await;
    assert_eq!(taken(&server, 1).await[0].to, ["ana@example.org"]);
}

#[tokio::test]
async fn a_notice_becomes_a_letter_where_that_is_wanted() {
    let server = MailServer::start(Manner::Takes).await;
    let house = House::with(server.config()).await;
    house.reply_finished(&house.ana, "complete").await;
    house.has_notices(&house.ana, 1).await;
    taken(&server, 0).await;
    house.prefer(&house.ana, |kinds| kinds["reply_finished"] = json!({"app": false, "mail": true})).await;
    let (chat, _) = house.reply_finished(&house.ana, "complete").await;
    let letters = taken(&server, 1).await;
    house.has_notices(&house.ana, 1).await;
    assert_eq!(letters[0].to, ["ana@example.org"]);
    let text = letters[0].text.replace("=\n", "");
    assert!(text.contains(&format!("https://chat.example.org/c/{chat}")) && text.contains("Hello Ana,"), "{text}");
}

#[tokio::test]
async fn a_test_letter_says_at_once_how_it_went() {
    let server = MailServer::start(Manner::Takes).await;
    let house = House::with(server.config()).await;
    let test =
        async |to: &str| house.call(&house.ana, Method::POST, "/api/v1/admin/mail/test", json!({"to": to})).await;
    assert_eq!(test("ops@example.org").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.letters()[0].to, ["ops@example.org"]);
    assert_eq!(test("nobody").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    server.behaves(Manner::Receiver(550));
    let refused = test("ops@example.org").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    server.behaves(Manner::Hangs);
    let hangs = test("ops@example.org").await;
    assert!(
        hangs.status.is_server_error() && hangs.body["detail"].as_str().unwrap().contains("in time"),
        "{}",
        hangs.body
    );
    let other = house.call(&house.dan, Method::POST, "/api/v1/admin/mail/test", json!({"to": "ops@example.org"})).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    assert_eq!(house.get(&house.dan, "/api/v1/admin/mail").await.status, StatusCode::FORBIDDEN);
}
