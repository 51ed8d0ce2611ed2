//! The list of people: in pages, and searched.

use crate::{House, admin, folder, person};
use http::{Method, StatusCode};
use proto::user::v1::CreateRequest;
use serde_json::Value;
use uuid::Uuid;

const ANA: Uuid = Uuid::from_u128(1);

impl House {
    async fn people(&self, query: &str) -> (StatusCode, Value) {
        self.call(Some(&admin(ANA)), Method::GET, &format!("/api/v1/admin/people?{query}"), Value::Null).await
    }

    /// The names that a query finds, through all pages.
    async fn names(&self, query: &str) -> Vec<String> {
        let (mut names, mut before) = (Vec::new(), String::new());
        loop {
            let (status, page) = self.people(&format!("{query}{before}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let people = page["people"].as_array().unwrap();
            names.extend(people.iter().map(|person| person["name"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return names,
            }
        }
    }
}

/// Ana, and 25 more: `Person 0` is the oldest.
async fn house(folder: &std::path::Path) -> House {
    let house = House::start(folder).await;
    house.create_first(ANA, "Ana", "ana@example.org").await.unwrap();
    for n in 0..25_u128 {
        let request = CreateRequest {
            id: Uuid::from_u128(100 + n).as_bytes().into(),
            name: if n == 7 { "Ștefan 100% O'Neill".into() } else { format!("Person {n}") },
            email: format!("p{n}@example.{}", if n < 5 { "com" } else { "org" }),
            role: "user".into(),
            ..CreateRequest::default()
        };
        house.rpc("auth").create(request).await.unwrap();
    }
    house
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let folder = folder();
    let house = house(folder.path()).await;
    let whole = house.names("limit=100").await;
    assert_eq!((whole.len(), whole[0].as_str(), whole[25].as_str()), (26, "Person 24", "Ana"));
    for limit in [1, 7, 13, 25, 26] {
        assert_eq!(house.names(&format!("limit={limit}")).await, whole, "{limit} a page");
    }
    // the last page says that it is the last, also when it is full
    assert!(house.people("limit=26").await.1["next"].is_null());
    for wrong in
        ["limit=0", "limit=101", "limit=x", "before=x", "state=gone", "page=2", &format!("q={}", "x".repeat(201))]
    {
        assert_eq!(house.people(wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_part_of_a_name_or_an_address_finds_people_in_pages_too() {
    let folder = folder();
    let house = house(folder.path()).await;
    assert_eq!(
        house.names("q=example.com&limit=2").await,
        ["Person 4", "Person 3", "Person 2", "Person 1", "Person 0"]
    );
    assert_eq!(house.names("q=PERSON%2023").await, ["Person 23"]);
    // a sign that means something to a database means itself
    for part in ["%C8%98tefan", "%C8%99TEFAN", "100%25", "o%27neill", "p7@"] {
        assert_eq!(house.names(&format!("q={part}")).await.len(), 1, "{part}");
    }
    assert!(house.names("q=%25").await.len() == 1 && house.names("q=_").await.is_empty());
    assert!(house.names("q=nobody").await.is_empty());
    assert_eq!(house.names("state=active&limit=9").await.len(), 26);
    assert!(house.names("state=disabled").await.is_empty());
    let (status, _) = house.call(Some(&person(ANA)), Method::GET, "/api/v1/admin/people", Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
