//! F50: the TLS certificate is exchanged while people ask.

use crate::harness::{Secure, renew, secure, trusting, until};
use anyhow::{Result, ensure};
use reqwest::Client;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The longest a renewed certificate may wait to be served.
const SERVED: Duration = Duration::from_secs(20);
/// People who ask one after the other; half of them on a new connection each time.
const PEOPLE: usize = 8;

/// So many renewals. How often was asked meanwhile; every time with an answer.
pub async fn renewed(times: usize) -> Result<usize> {
    let Secure { mut server, .. } = secure().await?;
    let url = format!("https://127.0.0.1:{}", server.port);
    let ending = Arc::new(AtomicBool::new(false));
    let people: Vec<_> =
        (0..PEOPLE).map(|person| tokio::spawn(ask(url.clone(), person % 2 == 0, ending.clone()))).collect();
    for _ in 0..times {
        let next = trusting(&renew(server.scratch())?)?;
        until("the new certificate is served", SERVED, async || {
            Ok(next.get(format!("{url}/healthz")).send().await.is_ok().then_some(()))
        })
        .await?;
    }
    ending.store(true, Ordering::Relaxed);
    let mut asked = 0;
    for person in people {
        asked += person.await??;
    }
    server.stop().await?;
    Ok(asked)
}

async fn ask(url: String, anew: bool, ending: Arc<AtomicBool>) -> Result<usize> {
    // who is asked is known: which certificate is served is asked by others
    let client = Client::builder().no_proxy().tls_danger_accept_invalid_certs(true);
    let client = client.pool_max_idle_per_host(if anew { 0 } else { 1 }).build()?;
    let mut asked = 0;
    while !ending.load(Ordering::Relaxed) {
        let answer = client.get(format!("{url}/api/v1/session")).send().await?;
        ensure!(!answer.status().is_server_error(), "{}", answer.status());
        answer.bytes().await?;
        asked += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(asked)
}
