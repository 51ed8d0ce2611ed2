//! Pictures go to models that see; to others nobody sends them silently.

use crate::house::House;
use ai::providers::Continuation;
use platform::principal::Role;
use serde_json::{Value, json};

/// One grey pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cch\0\0\0\x82\0\x81w\xcdr\xb6\0\0\0\0IEND\xaeB`\x82";

#[tokio::test]
async fn a_model_that_sees_gets_the_picture_and_a_blind_one_is_not_asked() {
    let house = House::new(true).await;
    let mut worker = house.worker(Continuation::Prefix, true);
    let picture = house.picture(PNG).await;
    let (chat, reply) = house.send_with("What is this?", json!([picture])).await;
    let failed = house.wait_for(chat, "failed").await;
    assert_eq!(failed["reason"]["code"], "no_vision", "{failed}");
    house.settled(reply, 1).await;
    assert!(worker.calls.try_recv().is_err(), "it was asked without its picture");

    let sees = json!({"id": "told/model", "version": 0, "vision": true});
    assert_eq!(house.ask(Role::ADMIN, "PUT", "/api/v1/admin/models", sees).await.0, 200);
    let (chat, _) = house.send_with("What is this?", json!([picture])).await;
    let call = worker.call().await;
    let question = call.ask.turns.last().unwrap();
    assert_eq!((question.images.len(), question.images[0].kind.as_str()), (1, "image/png"));
    assert!(question.images[0].bytes.starts_with(b"\x89PNG") && question.text == "What is this?");
    call.say("A dot.");
    call.end();
    house.wait_for(chat, "complete").await;
    let (_, models) = house.ask(Role::USER, "GET", "/api/v1/models", Value::Null).await;
    assert_eq!(models["models"].as_array().unwrap().last().unwrap()["vision"], true, "{models}");
}
