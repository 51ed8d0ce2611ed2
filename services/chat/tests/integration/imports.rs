//! Chats of other systems come in with their trees, times and titles, and what is lost is said.

use crate::{files::png, house::House};
use http::{Method, StatusCode};
use platform::principal::Person;
use serde_json::{Value, json};
use std::io::{Cursor, Read as _, Write as _};
use uuid::Uuid;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

const CHATGPT: &[u8] = include_bytes!("../fixtures/chatgpt.json");
const CLAUDE: &[u8] = include_bytes!("../fixtures/claude.json");
const OPEN_WEBUI: &[u8] = include_bytes!("../fixtures/open-webui.json");
const LIBRECHAT: &[u8] = include_bytes!("../fixtures/librechat.json");

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

impl House {
    /// Every chat of a person by its title, wherever it is kept.
    async fn chat(&self, person: &Person, title: &str) -> Value {
        for shelf in ["recent", "pinned", "archived"] {
            let list = self.get(person, &format!("/api/v1/chats?limit=100&filter={shelf}")).await;
            if let Some(chat) = list.body["chats"].as_array().unwrap().iter().find(|chat| chat["title"] == title) {
                return self.get(person, &format!("/api/v1/chats/{}", chat["id"].as_str().unwrap())).await.body;
            }
        }
        panic!("no chat {title}")
    }

    async fn count(&self, person: &Person) -> usize {
        let mut count = 0;
        for shelf in ["recent", "pinned", "archived"] {
            let list = self.get(person, &format!("/api/v1/chats?limit=100&filter={shelf}")).await;
            count += list.body["chats"].as_array().unwrap().len();
        }
        count
    }
}

fn texts(chat: &Value) -> Vec<&str> {
    chat["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

fn says(import: &Value, words: &str) -> bool {
    import["problems"].as_array().unwrap().iter().any(|problem| problem["why"].as_str().unwrap().contains(words))
}

#[tokio::test]
async fn chatgpt_comes_in_with_its_branches_and_what_is_broken_is_mended() {
    let house = House::new().await;
    let import = house
        .import(
            &house.ana,
            archive(&[("conversations.json", CHATGPT), ("user.json", b"{}"), ("../../evil.json", b"[]")]),
        )
        .await;
    assert_eq!(
        (import["state"].as_str(), import["source"].as_str(), import["chats"].as_i64()),
        (Some("ready"), Some("chatgpt"), Some(2)),
        "{import}"
    );
    let roses = house.chat(&house.ana, "Pruning roses").await;
    assert_eq!(
        texts(&roses),
        [
            "How do I prune roses?",
            "Before the buds open.",
            "And this one?",
            "That is a climbing rose.\n\nPrune it after it has flowered."
        ]
    );
    assert_eq!(roses["messages"][1]["siblings"].as_array().unwrap().len(), 2);
    assert_eq!(roses["messages"][0]["created_at"], "2024-05-01T12:00:00.250Z");
    assert_eq!(
        (roses["chat"]["created_at"].as_str(), roses["messages"][1]["model"].as_str()),
        (Some("2024-05-01T12:00:00Z"), Some("gpt-4o"))
    );
    for lost in ["that are no text", "in a circle", "is missing", "no messages", "not a chat"] {
        assert!(says(&import, lost), "{lost}: {}", import["problems"]);
    }
    let broken = house.chat(&house.ana, "Broken").await;
    let tree = house.get(&house.ana, &format!("/api/v1/chats/{}/tree", broken["chat"]["id"].as_str().unwrap())).await;
    assert_eq!(tree.body["nodes"].as_array().unwrap().len(), 3);
    // found, and gone on with
    let found = house.get(&house.ana, "/api/v1/search?q=climbing").await;
    assert_eq!(found.body["results"].as_array().unwrap().len(), 1);
    let next = json!({"id": Uuid::now_v7(), "parent_id": roses["messages"][3]["id"], "text": "Thanks"});
    let chat = roses["chat"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(house.send_with(&house.ana, chat, "k", next).await.status, StatusCode::ACCEPTED);

    // the same export again brings nothing, to another person everything
    let again = house.import(&house.ana, CHATGPT.to_vec()).await;
    assert_eq!(
        (again["chats"].as_i64(), says(&again, "were here already and were left as they are")),
        (Some(0), true),
        "{again}"
    );
    assert_eq!(house.count(&house.ana).await, 2);
    assert_eq!(house.import(&house.dan, CHATGPT.to_vec()).await["chats"], 2);
}

#[tokio::test]
async fn claude_open_webui_and_librechat_come_in() {
    let house = House::new().await;
    let import = house.import(&house.ana, CLAUDE.to_vec()).await;
    assert_eq!(
        (import["source"].as_str(), import["chats"].as_i64(), import["messages"].as_i64()),
        (Some("claude"), Some(2), Some(5)),
        "{import}"
    );
    let trip = house.chat(&house.ana, "Trip to the delta").await;
    assert_eq!(texts(&trip), ["When is the best time?", "In September."]);
    assert_eq!(trip["messages"][1]["siblings"].as_array().unwrap().len(), 2);
    assert!(says(&import, "3 pictures, files or other parts"), "{import}");
    assert_eq!(texts(&house.chat(&house.ana, "An older export has no parents").await).len(), 2);

    let import = house.import(&house.ana, OPEN_WEBUI.to_vec()).await;
    assert_eq!(
        (import["source"].as_str(), import["chats"].as_i64(), import["problems"].clone()),
        (Some("open-webui"), Some(2), json!([])),
        "{import}"
    );
    let bread = house.chat(&house.ana, "Bread").await;
    assert_eq!(
        (texts(&bread), bread["chat"]["pinned"].clone()),
        (vec!["How long does dough rest?", "A night."], json!(true))
    );
    assert_eq!(house.chat(&house.ana, "Old").await["chat"]["archived"], true);

    let import = house.import(&house.ana, LIBRECHAT.to_vec()).await;
    assert_eq!((import["source"].as_str(), import["messages"].as_i64()), (Some("librechat"), Some(150)), "{import}");
    let deep = house.chat(&house.ana, "Deep talk").await;
    assert_eq!((texts(&deep).len(), texts(&deep)[149]), (150, "turn 149"));
}

#[tokio::test]
async fn what_is_no_export_fails_and_says_so() {
    let house = House::new().await;
    let zeros = vec![b' '; 80 << 20];
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let cut = &CHATGPT[..CHATGPT.len() / 2];
    for (name, file, why) in [
        ("nothing", Vec::new(), "no JSON"),
        ("text", b"hello".to_vec(), "no JSON"),
        ("other JSON", b"{\"a\":1}".to_vec(), "not a chat"),
        ("damaged archive", b"PK\x03\x04rest".to_vec(), "damaged"),
        ("bomb", archive(&[("conversations.json", &zeros)]), "larger"),
        ("deep", nested.into_bytes(), "deeper"),
        ("cut", cut.to_vec(), "no JSON from there"),
    ] {
        let import = house.import(&house.ana, file).await;
        assert!(says(&import, why), "{name}: {import}");
        assert_eq!(import["state"] == "failed", name != "cut" || import["chats"] == 0, "{name}: {import}");
    }
    assert_eq!(house.get(&house.dan, "/api/v1/imports").await.body["imports"], json!([]));
    assert_eq!(house.get(&house.ana, "/api/v1/imports").await.body["imports"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn everything_goes_out_and_comes_back_in() {
    let house = House::new().await;
    let file = house.upload(&house.ana, "rose.png", "image/png", png(64, 48, 500)).await.body["id"].clone();
    let project = house.call(&house.ana, Method::POST, "/api/v1/projects", json!({"name": "Garden"})).await;
    let id = Uuid::now_v7();
    let body = json!({"id": id, "parent_id": null, "text": "What is this?", "attachments": [file]});
    let sent = house.send_with(&house.ana, Uuid::now_v7(), "k", body).await;
    let (chat, reply) = (sent.id("chat"), sent.id("reply"));
    house.finish(&house.ana, reply, 1, "A rose.").await.unwrap();
    let path = format!("/api/v1/chats/{chat}");
    let change = json!({"version": 1, "title": "Rose", "pinned": true, "project_id": project.body["id"]});
    house.call(&house.ana, Method::PATCH, &path, change).await;
    house.call(&house.ana, Method::PUT, "/api/v1/drafts/new", json!({"text": "begun", "version": 0})).await;
    let trashed = house.begin(&house.ana, "thrown away").await.id("chat");
    house.call(&house.ana, Method::DELETE, &format!("/api/v1/chats/{trashed}"), Value::Null).await;

    let (status, headers, text) = house.response(&house.ana, &format!("{path}/export?format=markdown")).await;
    let text = String::from_utf8(text).unwrap();
    assert!(status == StatusCode::OK && text.starts_with("# Rose\n") && text.contains("A rose."), "{text}");
    assert_eq!(headers["content-disposition"], "attachment; filename*=UTF-8''Rose.md");
    let (_, _, json) = house.response(&house.ana, &format!("{path}/export?format=json")).await;
    assert_eq!(house.import(&house.dan, json).await["messages"], 2);
    assert_eq!(house.response(&house.dan, &format!("{path}/export?format=json")).await.0, StatusCode::NOT_FOUND);

    let begun = house.call(&house.ana, Method::POST, "/api/v1/exports", json!({})).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.body);
    let export = format!("/api/v1/exports/{}", begun.body["id"].as_str().unwrap());
    house.until(async || house.get(&house.ana, &export).await.body["state"] == "ready").await;
    assert_eq!(house.response(&house.dan, &format!("{export}/file")).await.0, StatusCode::NOT_FOUND);
    let (status, headers, bytes) = house.response(&house.ana, &format!("{export}/file")).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "application/zip"));
    let mut opened = ZipArchive::new(Cursor::new(bytes.clone())).unwrap();
    for (name, holds) in [
        ("taifas.json", "exported_at"),
        (&format!("chats/{chat}.json"), "A rose."),
        (&format!("trash/chats/{trashed}.json"), "thrown away"),
        ("trash/projects.json", "[]"),
        ("drafts.json", "begun"),
        ("projects.json", "Garden"),
        ("instructions.json", "enabled"),
        ("notices.json", "cap_reached"),
        ("notice-preferences.json", "3"),
        ("usage.json", "test/one"),
    ] {
        let mut text = String::new();
        opened.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains(holds), "{name}: {text}");
    }

    // to its own account it brings nothing new, to another one all of it
    assert_eq!(house.import(&house.ana, bytes.clone()).await["chats"], 0);
    let eva = Person { user: Uuid::now_v7(), ..house.dan.clone() };
    let import = house.import(&eva, bytes).await;
    assert_eq!(
        (import["source"].as_str(), import["chats"].as_i64(), import["problems"].clone()),
        (Some("taifas"), Some(1), json!([])),
        "{import}"
    );
    let rose = house.chat(&eva, "Rose").await;
    assert_eq!(
        (texts(&rose), rose["chat"]["project_id"].clone()),
        (vec!["What is this?", "A rose."], project.body["id"].clone())
    );
    assert_ne!(rose["messages"][1]["id"], json!(reply), "an answer's stream has its id: two people never share one");
    let picture = rose["messages"][0]["attachments"][0].clone();
    assert_eq!(picture["name"], "rose.png");
    assert_eq!(house.response(&eva, &format!("/api/v1/files/{}", picture["id"].as_str().unwrap())).await.2.len(), 524);

    // after a day it is gone
    house.clock.advance(chrono::TimeDelta::hours(25));
    assert_eq!(house.response(&house.ana, &format!("{export}/file")).await.0, StatusCode::NOT_FOUND);
    house.restart().await;
    house.until(async || house.get(&house.ana, &export).await.status == StatusCode::NOT_FOUND).await;
}

/// An export of ours with one chat, which was talked in `turns` times.
fn talked(turns: usize) -> Vec<u8> {
    let id = |n: usize| Uuid::from_u128(n as u128 + 1);
    let turn = |n: usize| {
        let role = if n.is_multiple_of(2) { "user" } else { "assistant" };
        json!({"id": id(n), "parent_id": (n > 0).then(|| id(n - 1)), "role": role,
            "text": format!("turn {n}"), "state": "complete", "created_at": "2026-01-01T00:00:00Z"})
    };
    let chat = json!({"format": "taifas-chat", "version": 1, "id": Uuid::from_u128(7000), "title": "Talk",
        "model": "test/two", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        "active_leaf": id(turns - 1), "messages": (0..turns).map(turn).collect::<Vec<_>>()});
    chat.to_string().into_bytes()
}

#[tokio::test]
async fn a_later_export_adds_what_is_new_since() {
    let house = House::new().await;
    house.import(&house.ana, talked(2)).await;
    let again = house.import(&house.ana, talked(2)).await;
    assert_eq!(
        (again["messages"].as_i64(), again["problems"].clone()),
        (Some(0), json!([{"what": "1 chat", "why": "was here already and was left as it is"}]))
    );
    let later = house.import(&house.ana, talked(4)).await;
    assert_eq!(
        (later["chats"].as_i64(), later["messages"].as_i64(), later["problems"].clone()),
        (
            Some(0),
            Some(2),
            json!([{"what": "1 chat", "why": "was here already and got the messages that are new since"}])
        )
    );
    let chat = house.chat(&house.ana, "Talk").await;
    assert_eq!(texts(&chat), ["turn 0", "turn 1", "turn 2", "turn 3"]);
    assert_eq!(house.get(&house.ana, "/api/v1/search?q=turn%203").await.body["results"].as_array().unwrap().len(), 1);

    // What the person went on with here stays what they are shown; what came is a branch beside it.
    let next = json!({"id": Uuid::now_v7(), "parent_id": chat["messages"][3]["id"], "text": "here"});
    let id = chat["chat"]["id"].as_str().unwrap().parse().unwrap();
    let sent = house.send_with(&house.ana, id, "k", next).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.body);
    assert_eq!(house.import(&house.ana, talked(6)).await["messages"], 2);
    let chat = house.chat(&house.ana, "Talk").await;
    assert_eq!(texts(&chat)[3..], ["turn 3", "here", ""]);
    assert_eq!(chat["messages"][4]["siblings"].as_array().unwrap().len(), 2);

    // One in the trash is left alone.
    house.call(&house.ana, Method::DELETE, &format!("/api/v1/chats/{id}"), Value::Null).await;
    let trashed = house.import(&house.ana, talked(8)).await;
    assert_eq!((trashed["messages"].as_i64(), says(&trashed, "was left as it is")), (Some(0), true), "{trashed}");
}

#[tokio::test]
async fn an_account_restored_from_before_gets_what_its_own_export_knows_more() {
    let house = House::new().await;
    let sent = house.begin(&house.ana, "one").await;
    let (chat, reply) = (sent.id("chat"), sent.id("reply"));
    house.finish(&house.ana, reply, 1, "answer one").await.unwrap();
    let (_, _, export) = house.response(&house.ana, &format!("/api/v1/chats/{chat}/export?format=json")).await;
    let mut export: Value = serde_json::from_slice(&export).unwrap();
    let more = json!({"id": Uuid::now_v7(), "parent_id": reply, "role": "user", "text": "two", "state": "complete",
        "created_at": "2026-01-01T00:00:00Z"});
    export["active_leaf"] = more["id"].clone();
    export["messages"].as_array_mut().unwrap().push(more);
    for added in [1, 0] {
        let import = house.import(&house.ana, export.to_string().into_bytes()).await;
        assert_eq!((import["chats"].as_i64(), import["messages"].as_i64()), (Some(0), Some(added)), "{import}");
    }
    let open = house.get(&house.ana, &format!("/api/v1/chats/{chat}")).await;
    assert_eq!(texts(&open.body), ["one", "answer one", "two"]);
}

#[tokio::test]
async fn a_chat_keeps_its_model_where_that_is_here() {
    let house = House::new().await;
    let maria = house.account().await;
    house.import(&maria, talked(2)).await;
    assert_eq!(house.chat(&maria, "Talk").await["chat"]["model"], "test/two");
    // Somewhere else it was another one: the one for new chats stands in.
    let other = String::from_utf8(talked(2)).unwrap().replace("test/two", "gone/model").replace("Talk", "Other");
    let other = other.replace(&Uuid::from_u128(7000).to_string(), &Uuid::from_u128(7001).to_string());
    house.import(&maria, other.into_bytes()).await;
    assert_eq!(house.chat(&maria, "Other").await["chat"]["model"], "test/one");
}
