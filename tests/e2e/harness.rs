//! What every story needs: the program as a process that can be killed, a client with a session, a
//! reader of live streams that checks them, and the truth that a scripted answer is compared with.
//! Every call and every wait has a deadline.

mod client;
mod database;
mod ear;
mod feed;
mod load;
pub mod outside;
mod provider;
mod script;
mod secure;
mod server;
mod sse;
mod watch;

pub use client::{Answer, Client, Draft, EMAIL, PASSWORD, Sending};
pub use database::Database;
pub use ear::{About, Ear};
pub use feed::Feed;
pub use load::{Load, WITHOUT_END, Written};
pub use provider::silent_provider;
pub use script::{Truth, question, truth};
pub use secure::{Secure, renew, secure, trusting};
pub use server::{Binary, Server, run_until_exit};
pub use sse::{Event, Sse};
pub use watch::{Over, Seen, Watch};

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// The longest one request may take.
pub const CALL: Duration = Duration::from_secs(10);
/// The longest a reply may take to its end, from the moment the server is there.
pub const TERMINAL: Duration = Duration::from_secs(15);

/// A server that is set up, and the owner's client.
pub async fn ready(environment: &[(&str, &str)]) -> Result<(Server, Client)> {
    let mut server = Server::start(Binary::Shipped, environment).await?;
    let owner = server.owner().await?;
    Ok((server, owner))
}

/// Looks again and again until `look` finds something.
///
/// # Errors
/// When it does not within `limit`.
pub async fn until<T, F: Future<Output = Result<Option<T>>>>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if start.elapsed() > limit {
            bail!("{what}: not within {limit:?}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
