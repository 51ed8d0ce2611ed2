//! Pictures: what may be kept, whom they belong to, and how they come out again.

use crate::house::House;
use http::{Method, StatusCode};
use platform::Code;
use proto::chat::v1::context_answer::Answer as Given;
use serde_json::{Value, json};
use uuid::Uuid;

/// The beginning of a PNG, and something behind it.
pub fn png(width: u32, height: u32, rest: usize) -> Vec<u8> {
    let mut bytes = vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13];
    bytes.extend(b"IHDR");
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(std::iter::repeat_n(7, rest));
    bytes
}

impl House {
    async fn picture(&self) -> Uuid {
        let made = self.upload(&self.ana, "a.png", "image/png", png(64, 48, 100)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.body["id"].as_str().unwrap().parse().unwrap()
    }

    async fn send_picture(&self, chat: Uuid, files: &[Uuid], text: &str) -> crate::house::Answer {
        let id = Uuid::now_v7();
        let body = json!({"id": id, "parent_id": null, "text": text, "attachments": files});
        self.send_with(&self.ana, chat, &id.to_string(), body).await
    }

    /// How many files lie in the store.
    fn objects(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
        }
        count(&self.folder().join("objects").join("chat"))
    }
}

#[tokio::test]
async fn a_picture_is_kept_sent_and_given_back_harmless() {
    let house = House::new().await;
    let bytes = png(640, 480, 2_000_000);
    let made = house.upload(&house.ana, "My%20photo.png", "image/png", bytes.clone()).await;
    assert_eq!(
        (
            made.body["type"].as_str(),
            made.body["width"].as_i64(),
            made.body["height"].as_i64(),
            made.body["name"].as_str()
        ),
        (Some("image/png"), Some(640), Some(480), Some("My photo.png"))
    );
    let file: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
    let chat = Uuid::now_v7();
    let sent = house.send_picture(chat, &[file], "").await;
    assert_eq!((sent.status, sent.body["chat"]["title"].as_str()), (StatusCode::ACCEPTED, Some("My photo.png")));
    assert_eq!(sent.body["message"]["attachments"][0], made.body);
    let open = house.get(&house.ana, &format!("/api/v1/chats/{chat}")).await;
    assert_eq!(open.body["messages"][0]["attachments"][0], made.body);

    let Some(Given::Going(going)) = house.context(&house.ana, sent.id("reply"), 1).await.unwrap().answer else {
        panic!("settled")
    };
    assert_eq!(going.turns[0].attachments[0].file, file.as_bytes());
    let content = house.attachment(&house.ana, file).await.unwrap();
    assert_eq!((content.r#type.as_str(), content.bytes == bytes), ("image/png", true));

    let (status, headers, body) = house.response(&house.ana, &format!("/api/v1/files/{file}")).await;
    assert_eq!((status, body == bytes), (StatusCode::OK, true));
    assert_eq!(headers["content-type"], "image/png");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(headers["content-disposition"], "inline; filename*=UTF-8''My%20photo.png");
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_leaves_nothing() {
    let house = House::new().await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>".to_vec();
    for (name, kind, body, status) in [
        ("svg", "image/svg+xml", svg.clone(), 422),
        ("svg that says png", "image/png", svg, 422),
        ("jpeg that is a png", "image/jpeg", png(5, 5, 0), 422),
        ("bomb", "image/png", png(60_000, 60_000, 0), 422),
        ("nothing", "image/png", Vec::new(), 422),
        ("too large", "image/png", png(5, 5, 20 << 20), 413),
    ] {
        let answer = house.upload(&house.ana, "x", kind, body).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
    }
    assert_eq!(house.objects(), 0);
}

#[tokio::test]
async fn a_file_is_its_owners_alone_at_every_door() {
    let house = House::new().await;
    let file = house.picture().await;
    let (status, ..) = house.response(&house.dan, &format!("/api/v1/files/{file}")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let id = Uuid::now_v7();
    let body = json!({"id": id, "parent_id": null, "text": "look", "attachments": [file]});
    let stolen = house.send_with(&house.dan, Uuid::now_v7(), "k", body).await;
    assert_eq!((stolen.status, stolen.code()), (StatusCode::NOT_FOUND, "not_found"));
    assert_eq!(house.attachment(&house.dan, file).await.unwrap_err().code(), Code::NotFound);
    let chat = Uuid::now_v7();
    assert_eq!(house.send_picture(chat, &[Uuid::now_v7()], "x").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.send_picture(chat, &[file; 11], "x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_file_goes_when_nobody_has_it() {
    let house = House::new().await;
    let (used, unused, chat) = (house.picture().await, house.picture().await, Uuid::now_v7());
    assert_eq!(house.send_picture(chat, &[used], "look").await.status, StatusCode::ACCEPTED);
    assert_eq!(house.objects(), 2);
    house.clock.advance(chrono::TimeDelta::hours(25));
    house.restart().await;
    house.until(async || house.objects() == 1).await;
    let there = async |file: Uuid| house.response(&house.ana, &format!("/api/v1/files/{file}")).await.0;
    assert_eq!((there(used).await, there(unused).await), (StatusCode::OK, StatusCode::NOT_FOUND));
    house.call(&house.ana, Method::DELETE, &format!("/api/v1/chats/{chat}/forever"), Value::Null).await;
    house.restart().await;
    house.until(async || house.objects() == 0).await;
}
