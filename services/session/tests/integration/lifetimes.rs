//! When sessions end.

use crate::{ANA, EVA, House};
use chrono::TimeDelta;
use session::Config;
use std::time::Duration;

#[tokio::test]
async fn a_session_without_use_ends_after_the_idle_time_and_one_in_use_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let (used, idle) = (house.open(ANA, "user").await.token, house.open(ANA, "user").await.token);
    house.clock.advance(TimeDelta::days(29));
    assert!(house.resolve(&used).await.is_some());
    house.clock.advance(TimeDelta::days(1));
    assert!(house.resolve(&idle).await.is_none());
    assert!(house.resolve(&used).await.is_some());
    // a clock that was set back does not wake it
    house.clock.advance(TimeDelta::days(30) - TimeDelta::milliseconds(1));
    assert!(house.resolve(&used).await.is_some());
}

#[tokio::test]
async fn looking_whether_a_session_lives_is_no_use_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let token = house.open(ANA, "user").await.token;
    for _ in 0..29 {
        house.clock.advance(TimeDelta::days(1));
        assert!(house.look(&token).await.is_some());
    }
    house.clock.advance(TimeDelta::days(1));
    assert!(house.look(&token).await.is_none() && house.resolve(&token).await.is_none());
}

#[tokio::test]
async fn a_session_ends_after_the_absolute_time_however_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let token = house.open(ANA, "user").await.token;
    for _ in 0..89 {
        house.clock.advance(TimeDelta::days(1));
        assert!(house.resolve(&token).await.is_some());
    }
    house.clock.advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert!(house.resolve(&token).await.is_some());
    house.clock.advance(TimeDelta::milliseconds(1));
    assert!(house.resolve(&token).await.is_none());
}

#[tokio::test]
async fn administrators_may_have_shorter_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { admin_idle_hours: 0.5, admin_absolute_hours: 12.0, ..Config::default() };
    let house = House::start(folder.path(), config).await;
    let (admin, user) = (house.open(ANA, "admin").await, house.open(EVA, "user").await);
    assert_eq!(admin.absolute, 12 * 3600);
    house.clock.advance(TimeDelta::minutes(29));
    assert!(house.resolve(&admin.token).await.is_some());
    house.clock.advance(TimeDelta::minutes(30));
    assert!(house.resolve(&admin.token).await.is_none());
    assert!(house.resolve(&user.token).await.is_some());
}

#[tokio::test]
async fn the_last_use_is_written_at_most_once_a_minute() {
    const SEEN: &str = "select seen_at from session_sessions";
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let token = house.open(ANA, "user").await.token;
    let opened = house.number(SEEN).await;
    for _ in 0..59 {
        house.clock.advance(TimeDelta::seconds(1));
        house.resolve(&token).await.unwrap();
        assert_eq!(house.number(SEEN).await, opened);
    }
    house.clock.advance(TimeDelta::seconds(1));
    house.resolve(&token).await.unwrap();
    assert_eq!(house.number(SEEN).await, opened + 60_000);
    // a clock that was set back takes nothing back
    house.clock.advance(TimeDelta::minutes(-30));
    assert!(house.resolve(&token).await.is_some());
    assert_eq!(house.number(SEEN).await, opened + 60_000);
}

#[tokio::test]
async fn past_the_limit_the_session_used_longest_ago_ends() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config { per_person: 2, ..Config::default() }).await;
    let eva = house.open(EVA, "user").await.token;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        tokens.push(house.open(ANA, "user").await.token);
        house.clock.advance(TimeDelta::minutes(2));
    }
    house.resolve(&tokens[0]).await.unwrap();
    tokens.push(house.open(ANA, "user").await.token);
    let mut alive = Vec::new();
    for token in tokens.iter().chain([&eva]) {
        alive.push(house.resolve(token).await.is_some());
    }
    assert_eq!(alive, [true, false, true, true]);
    assert_eq!(house.number("select count(*) from session_events where kind = 'session.closed'").await, 1);
}

#[tokio::test]
async fn sessions_that_are_over_are_forgotten() {
    const COUNT: &str = "select count(*) from session_sessions";
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let closed = house.open(ANA, "user").await;
    house.close(ANA, &closed.session).await.unwrap();
    house.open(ANA, "user").await;
    assert_eq!(house.number(COUNT).await, 2);

    for (days, left) in [(2, 1), (30, 0)] {
        house.clock.advance(TimeDelta::days(days));
        // the sweeper sleeps an hour between its rounds
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3601)).await;
        tokio::time::resume();
        for _ in 0..200 {
            if house.number(COUNT).await == left {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(house.number(COUNT).await, left);
    }
}

#[tokio::test]
async fn lifetimes_that_make_no_sense_are_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let error =
        session::start(&house.platform, Config { user_idle_days: 100, ..Config::default() }).await.err().unwrap();
    assert!(error.to_string().contains("user_idle_days"), "{error}");
}
