//! Two people who use the same ids do not meet.

use super::{OTHER, PASSWORD, stopped};
use crate::harness::{Database, Draft, TERMINAL, Watch, ready};
use anyhow::{Result, ensure};
use serde_json::json;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use uuid::Uuid;

#[tokio::test]
async fn two_people_do_not_meet() -> Result<()> {
    let (mut server, owner) = ready(&[]).await?;
    server.stop().await?;
    let id = Database::open(&server)?.add_person(OTHER)?;
    server.again(&[]).await?;
    let other = owner.nobody();
    other.sign_in(OTHER, PASSWORD).await?.ok(200)?;
    ensure!(other.get("/api/v1/me").await?.ok(200)?["id"] == json!(id));

    // the same ids and the same key, each in a space of their own
    let draft = Draft::new("continues", &json!({"tokens": 30, "delay_ms": 5}));
    let (mine, theirs) = (owner.send(&draft).await?, other.send(&draft).await?);
    ensure!(mine.chat == theirs.chat && mine.reply != theirs.reply, "{} {}", mine.body, theirs.body);
    for (client, own, foreign) in [(&owner, &mine, &theirs), (&other, &theirs, &mine)] {
        let (status, _) = client.stream(foreign.reply, None).await?;
        ensure!(status == 404, "a foreign stream answers {status}");
        let seen = Watch::begin(client, own.reply, None).done(TERMINAL).await?;
        ensure!(seen.violations.is_empty() && seen.done.is_some(), "{:?}", seen.violations);
        let list = client.get("/api/v1/chats").await?.ok(200)?;
        ensure!(list["chats"].as_array().map(Vec::len) == Some(1), "{list}");
    }
    ensure!(owner.delete(&format!("/api/v1/chats/{}", mine.chat)).await?.status == 204);
    other.open(theirs.chat).await?;

    // what is foreign and what does not exist cannot be told apart, by words or by time
    let foreign = stopped(&owner).await?;
    let (mut times, mut words) = ([Vec::new(), Vec::new()], BTreeSet::new());
    for _ in 0..80 {
        for (of, times) in [foreign.chat, Uuid::now_v7()].into_iter().zip(&mut times) {
            let start = Instant::now();
            let problem = other.get(&format!("/api/v1/chats/{of}")).await?.problem(404, "not_found")?;
            times.push(start.elapsed());
            words.insert(problem["detail"].to_string());
        }
    }
    ensure!(words.len() == 1, "{words:?}");
    let [foreign, invented] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let close = |a: Duration, b: Duration| a < b * 2 + Duration::from_millis(2);
    ensure!(close(foreign, invented) && close(invented, foreign), "foreign takes {foreign:?}, invented {invented:?}");
    Ok(())
}
