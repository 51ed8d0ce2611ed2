//! The first account, and finding accounts.

use crate::{House, folder, person};
use futures_util::{FutureExt as _, future::join_all};
use http::StatusCode;
use platform::{Code, db::Scope};
use proto::user::v1::{AnyRequest, ByEmailRequest, ByIdRequest, CheckRequest};
use serde_json::json;
use uuid::Uuid;

const ANA: Uuid = Uuid::from_u128(1);
const EVA: Uuid = Uuid::from_u128(2);

async fn count(house: &House, sql: &'static str) -> i64 {
    let read =
        house.platform.db.read(Scope::System, move |tx| async move { tx.query(sql).value::<i64>().await }.boxed());
    read.await.unwrap().unwrap()
}

#[tokio::test]
async fn the_first_account_is_an_administrator_and_the_only_one_made_this_way() {
    let (folder, any) = (folder(), AnyRequest {});
    let house = House::start(folder.path()).await;
    assert!(!house.rpc("auth").any(any).await.unwrap().into_inner().any);

    let ana = house.create_first(ANA, " Ana Pop ", "Ana@Example.org").await.unwrap();
    assert_eq!((ana.name.as_str(), ana.email.as_str(), ana.role.as_str()), ("Ana Pop", "Ana@Example.org", "admin"));
    assert!(house.rpc("auth").any(any).await.unwrap().into_inner().any);

    // the same call again is the same account; another one is none
    assert_eq!(house.create_first(ANA, "Ana Pop", "ana@example.ORG").await.unwrap(), ana);
    for (id, email) in [(EVA, "eva@example.org"), (EVA, "ana@example.org"), (ANA, "eva@example.org")] {
        assert_eq!(house.create_first(id, "Eva", email).await.unwrap_err().code(), Code::Conflict);
    }
    assert_eq!(count(&house, "select count(*) from user_accounts").await, 1);
    let created = "select count(*) from user_events where kind = 'user.created' and space_id = aggregate_id";
    assert_eq!(count(&house, created).await, 1);
}

#[tokio::test]
async fn of_many_first_accounts_at_once_one_is_made() {
    let folder = folder();
    let house = House::start(folder.path()).await;
    let emails: Vec<_> = (1..=20).map(|n| (Uuid::from_u128(n), format!("p{n}@example.org"))).collect();
    let answers = join_all(emails.iter().map(|(id, email)| house.create_first(*id, "P", email))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(count(&house, "select count(*) from user_accounts").await, 1);
    assert_eq!(count(&house, "select count(*) from user_events").await, 1);
}

#[tokio::test]
async fn an_account_is_found_by_every_spelling_of_its_address() {
    let folder = folder();
    let house = House::start(folder.path()).await;
    house.create_first(ANA, "Ana", "Ana@Example.org").await.unwrap();
    for spelling in ["ana@example.org", " ANA@EXAMPLE.ORG\n", "Ana@Example.org"] {
        let found = house.rpc("auth").by_email(ByEmailRequest { email: spelling.into() }).await.unwrap().into_inner();
        assert_eq!(found.account.unwrap().id, ANA.as_bytes());
        assert_eq!(found.email_key, "ana@example.org");
    }
    let unknown =
        house.rpc("auth").by_email(ByEmailRequest { email: "Eva@example.org".into() }).await.unwrap().into_inner();
    assert_eq!((unknown.account, unknown.email_key.as_str()), (None, "eva@example.org"));
    let injected = ByEmailRequest { email: "a@b' or '1'='1".into() };
    assert_eq!(platform::Error::from(house.rpc("auth").by_email(injected).await.unwrap_err()).code(), Code::Invalid);
}

#[tokio::test]
async fn what_will_not_do_is_named_and_not_stored() {
    let folder = folder();
    let house = House::start(folder.path()).await;
    let long = "x".repeat(1 << 20);
    let cases = [
        ("", "ana@example.org", "name"),
        ("a\0b", "ana@example.org", "name"),
        (&long, "ana@example.org", "name"),
        ("Ana", "ana", "email"),
        ("Ana", "a\0na@example.org", "email"),
        ("Ana", &long, "email"),
    ];
    for (name, email, field) in cases {
        let request = CheckRequest { name: name.into(), email: email.into() };
        let answer = house.rpc("auth").check(request).await.unwrap().into_inner();
        assert_eq!(answer.field, field);
        assert!(!answer.why.is_empty());
        assert_eq!(house.create_first(ANA, name, email).await.unwrap_err().code(), Code::Invalid);
    }
    let good = CheckRequest { name: "Ana".into(), email: "ana@example.org".into() };
    assert_eq!(house.rpc("auth").check(good).await.unwrap().into_inner().field, "");
    assert_eq!(count(&house, "select count(*) from user_accounts").await, 0);
}

#[tokio::test]
async fn me_is_the_account_of_the_caller_after_a_restart_too() {
    let folder = folder();
    let house = House::start(folder.path()).await;
    house.create_first(ANA, "Ana", "Ana@Example.org").await.unwrap();
    drop(house);
    let house = House::start(folder.path()).await;
    let (status, body) = house.me(Some(&person(ANA))).await;
    assert_eq!(status, StatusCode::OK);
    // the role is the account's, not the one the principal was signed with
    assert_eq!(
        body,
        json!({
            "id": ANA, "name": "Ana", "email": "Ana@Example.org", "role": "admin", "language": "system",
            "theme": "system", "accent": "azurite", "version": 1, "created_at": "2027-01-15T08:00:00Z",
            "deletes_at": null
        })
    );
    assert_eq!(house.me(Some(&person(EVA))).await.0, StatusCode::NOT_FOUND);
    let found = house.rpc("gateway").by_id(ByIdRequest { id: ANA.as_bytes().into() }).await.unwrap().into_inner();
    assert_eq!(found.account.unwrap().name, "Ana");
}
