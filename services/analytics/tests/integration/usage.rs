//! What is counted, who sees it, and what is left of it.

use crate::house::{AI, House, USER, today};
use chrono::TimeDelta;
use http::header;
use proto::{
    ai::v1::{GenerationFinished, RequestFinished, Usage},
    user::v1::UserChanged,
};
use serde_json::json;

#[tokio::test]
async fn usage_adds_up_by_day_model_and_person() {
    let house = House::new().await;
    let yesterday = today() - TimeDelta::days(1);
    house.used(&house.ana, "openai/large", today(), 100, 20, 3_000).await;
    house.used(&house.ana, "openai/large", today(), 50, 5, 1_000).await;
    house.used(&house.ana, "ollama/small", yesterday, 10, 10, 0).await;
    house.used(&house.dan, "ollama/small", today(), 7, 3, 0).await;
    // a request over the API, and one that ended before anything was used
    let usage = Some(Usage { input: 1, output: 1, ..Usage::default() });
    let request = RequestFinished { model: "openai/large".into(), usage, cost: 10, ..RequestFinished::default() };
    house.say(AI, "request.finished", house.dan.space(), today(), request).await;
    let failed =
        GenerationFinished { model: "openai/large".into(), state: "failed".into(), ..GenerationFinished::default() };
    house.say(AI, "generation.finished", house.dan.space(), today(), failed).await;
    house.counts(6).await;

    let own = house.get(&house.ana, "/api/v1/usage").await.body;
    let day = |day, model, requests, input, output, cost| json!({"day": day, "model": model, "requests": requests, "input_tokens": input, "output_tokens": output, "cost": cost});
    assert_eq!(
        own["days"],
        json!([day("2027-01-14", "ollama/small", 1, 10, 10, 0), day("2027-01-15", "openai/large", 2, 150, 25, 4_000)])
    );
    assert_eq!(own["totals"], json!({"requests": 3, "input_tokens": 160, "output_tokens": 35, "cost": 4_000}));
    let one = house.get(&house.ana, "/api/v1/usage?from=2027-01-14&to=2027-01-14").await.body;
    assert_eq!(one["totals"]["requests"], 1);

    let all = house.get(&house.ana, "/api/v1/admin/usage?by=person").await.body;
    assert_eq!(all["totals"], json!({"requests": 6, "input_tokens": 168, "output_tokens": 39, "cost": 4_010}));
    assert_eq!(all["active_people"], 2);
    assert_eq!(all["rows"][0]["person"], json!({"id": house.ana.user, "name": "Ana"}));
    assert_eq!((&all["rows"][1]["requests"], &all["rows"][1]["cost"]), (&json!(3), &json!(10)));
    let models = house.get(&house.ana, "/api/v1/admin/usage?by=model").await.body;
    assert_eq!(models["rows"][0]["model"], "openai/large");
    assert_eq!((&models["rows"][0]["requests"], &models["rows"][0]["person"]), (&json!(4), &json!(null)));
    let days = house.get(&house.ana, "/api/v1/admin/usage").await.body;
    assert_eq!((&days["rows"][0]["day"], &days["rows"][1]["requests"]), (&json!("2027-01-14"), &json!(5)));
    for wrong in ["from=x", "from=2027-01-16", "from=2020-01-01", "by=title", "format=xml"] {
        assert_eq!(house.get(&house.ana, &format!("/api/v1/admin/usage?{wrong}")).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn only_those_who_may_see_the_instances_usage() {
    let house = House::new().await;
    house.used(&house.ana, "openai/large", today(), 1, 1, 1).await;
    house.counts(1).await;
    assert_eq!(house.get(&house.dan, "/api/v1/admin/usage").await.status, 403);
    assert_eq!(house.get(&house.dan, "/api/v1/usage").await.body["days"], json!([]));
}

#[tokio::test]
async fn an_event_that_comes_again_is_counted_once() {
    let house = House::new().await;
    for _ in 0..20 {
        house.used(&house.ana, "openai/large", today(), 1, 1, 1).await;
    }
    house.counts(20).await;
    let house = house.crash().await;
    house.used(&house.ana, "openai/large", today(), 1, 1, 1).await;
    house.counts(21).await;
}

#[tokio::test]
async fn a_table_for_a_spreadsheet_runs_nothing() {
    let house = House::new().await;
    house.used(&house.dan, "openai/=large", today(), 100, 20, 3_000_001).await;
    house.counts(1).await;
    let csv = house.get(&house.ana, "/api/v1/admin/usage?by=person&format=csv").await;
    let expected = format!(
        "person,person_id,requests,input_tokens,output_tokens,cost\r\n\"'=Dan, \"\"D\"\"\",{},1,100,20,3.000001\r\n",
        house.dan.user
    );
    assert_eq!(csv.text, expected);
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert_eq!(csv.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"usage-2026-12-17-2027-01-15.csv\"");
    let own = house.get(&house.dan, "/api/v1/usage?format=csv").await;
    assert!(own.text.ends_with("2027-01-15,openai/=large,1,100,20,3.000001\r\n"), "{}", own.text);
}

#[tokio::test]
async fn a_deleted_persons_usage_is_nobodys() {
    let house = House::new().await;
    house.used(&house.ana, "openai/large", today(), 1, 1, 1).await;
    house.used(&house.dan, "openai/large", today(), 10, 10, 10).await;
    house.counts(2).await;
    let gone = UserChanged { user: house.dan.user.as_bytes().into(), ..UserChanged::default() };
    house.say(USER, "user.deleted", house.dan.space(), today(), gone).await;
    let start = std::time::Instant::now();
    while house.get(&house.ana, "/api/v1/admin/usage").await.body["active_people"] != 1 {
        assert!(start.elapsed().as_secs() < 10);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // what was still on its way is not theirs either
    house.used(&house.dan, "openai/large", today(), 100, 100, 100).await;
    house.counts(3).await;
    let all = house.get(&house.ana, "/api/v1/admin/usage?by=person").await.body;
    assert_eq!(all["totals"]["input_tokens"], 111, "the instance's totals stay true: {all}");
    assert_eq!((&all["rows"][0]["person"], &all["rows"][0]["cost"]), (&json!(null), &json!(110)), "{all}");
    assert!(!all.to_string().contains(&house.dan.user.to_string()), "{all}");
    assert_eq!(house.get(&house.dan, "/api/v1/usage").await.body["days"], json!([]));
}
