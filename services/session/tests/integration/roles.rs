//! Sessions follow what becomes of the account: another role has other lifetimes, and a deleted one none.

use crate::{ANA, House};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use platform::{
    db::Scope,
    events::{Event, Topic},
};
use proto::{
    Message as _,
    user::v1::{CreateFirstRequest, UserChanged, user_client::UserClient},
};
use session::Config;
use std::time::Duration;

const USERS: Topic = platform::topic!("user");

impl House {
    /// With the service of accounts beside it, and Ana in it.
    async fn with_accounts(&self) {
        let user = user::start(&self.platform, user::Config::default()).await.unwrap();
        self.platform.peers.announce("user", user.router).unwrap();
        let first =
            CreateFirstRequest { id: ANA.as_bytes().into(), name: "Ana".into(), email: "ana@example.org".into() };
        UserClient::new(self.platform.acting_as("auth").peer("user")).create_first(first).await.unwrap();
    }

    /// Something becomes of Ana's account: `sql`, and the event of it.
    async fn account(&self, sql: &'static str, kind: &'static str) {
        let now = self.platform.clock.now();
        let event = Event {
            space: ANA,
            aggregate: ANA,
            version: 2,
            kind,
            actor: None,
            payload: UserChanged { user: ANA.as_bytes().into(), at: now.timestamp_millis() }.encode_to_vec(),
            change: None,
        };
        let done = self.platform.db.write(Scope::System, move |tx| {
            let event = event.clone();
            async move {
                tx.query(sql).run().await?;
                USERS.append(tx, event, now).await
            }
            .boxed()
        });
        done.await.unwrap();
    }

    async fn until(&self, mut holds: impl AsyncFnMut() -> bool) {
        for _ in 0..400 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert!(holds().await, "it did not come to that in ten seconds");
    }
}

#[tokio::test]
async fn a_person_who_becomes_an_administrator_has_the_lifetimes_of_administrators() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { admin_idle_hours: 0.5, admin_absolute_hours: 12.0, ..Config::default() };
    let house = House::start(folder.path(), config).await;
    house.with_accounts().await;
    let token = house.open(ANA, "user").await.token;
    house.account("update user_accounts set role = 'admin'", "user.updated").await;
    house.until(async || house.resolve(&token).await.is_some_and(|session| session.role == "admin")).await;
    // in use all the time, it ends after the administrators' twelve hours
    for _ in 0..(12 * 3 - 1) {
        house.clock.advance(TimeDelta::minutes(20));
        assert!(house.resolve(&token).await.is_some());
    }
    house.clock.advance(TimeDelta::minutes(20));
    assert!(house.resolve(&token).await.is_none());

    // and without use after half an hour; back in the old role, it is not longer than it was
    let token = house.open(ANA, "admin").await.token;
    house.account("update user_accounts set role = 'user'", "user.updated").await;
    house.until(async || house.resolve(&token).await.is_some_and(|session| session.role == "user")).await;
    house.clock.advance(TimeDelta::minutes(40));
    assert!(house.resolve(&token).await.is_some(), "the idle time is the new role's");
    house.clock.advance(TimeDelta::hours(12));
    assert!(house.resolve(&token).await.is_none(), "its end was fixed when it was opened");
}

#[tokio::test]
async fn an_account_that_is_disabled_or_deleted_has_no_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    house.with_accounts().await;
    let token = house.open(ANA, "user").await.token;
    house.account("update user_accounts set state = 'disabled'", "user.disabled").await;
    house.until(async || house.resolve(&token).await.is_none()).await;
    house.account("delete from user_accounts", "user.deleted").await;
    house.until(async || house.number("select count(*) from session_sessions").await == 0).await;
}
