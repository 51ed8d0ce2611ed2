//! Who has a live connection at this moment. It is a hint that may be forgotten, so it lies in the
//! cache: whoever holds a connection says again that it is there, and what is not said again is gone.

use chrono::{DateTime, TimeDelta, Utc};
use platform::{Error, Platform, Result};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::Mutex;
use uuid::Uuid;

/// How long a connection counts that says nothing: two and a half times the pause between two signs.
const BELIEVED: Duration = Duration::from_secs(75);
/// Connections that are remembered of one person; past it, those that were seen last stay.
const REMEMBERED: usize = 512;

/// Cheap to clone.
#[derive(Clone)]
pub struct Presence {
    platform: Platform,
    /// Entries are read, changed and written back: one change at a time.
    changing: Arc<Mutex<()>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Connection {
    id: Uuid,
    /// None for a connection that was opened with an API key.
    session: Option<Uuid>,
    seen: DateTime<Utc>,
}

/// What is known of a person's connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    pub any: bool,
    pub sessions: BTreeSet<Uuid>,
}

impl Presence {
    pub fn new(platform: &Platform) -> Self {
        Self { platform: platform.clone(), changing: Arc::default() }
    }

    pub async fn arrive(&self, user: Uuid, session: Option<Uuid>, id: Uuid) -> Result<()> {
        let _one = self.changing.lock().await;
        let mut connections = self.of(user).await?;
        connections.retain(|connection| connection.id != id);
        connections.push(Connection { id, session, seen: self.platform.clock.now() });
        let surplus = connections.len().saturating_sub(REMEMBERED);
        connections.drain(..surplus);
        self.keep(user, &connections).await
    }

    pub async fn leave(&self, user: Uuid, id: Uuid) -> Result<()> {
        let _one = self.changing.lock().await;
        let mut connections = self.of(user).await?;
        connections.retain(|connection| connection.id != id);
        self.keep(user, &connections).await
    }

    pub async fn present(&self, user: Uuid) -> Result<Present> {
        let connections = self.of(user).await?;
        let sessions = connections.iter().filter_map(|connection| connection.session).collect();
        Ok(Present { any: !connections.is_empty(), sessions })
    }

    /// The connections that still count, those seen last at the end.
    async fn of(&self, user: Uuid) -> Result<Vec<Connection>> {
        let Some(kept) = self.platform.cache.get(&key(user)).await? else { return Ok(Vec::new()) };
        let mut connections: Vec<Connection> = serde_json::from_slice(&kept).map_err(Error::internal)?;
        let oldest = self.platform.clock.now() - TimeDelta::from_std(BELIEVED).map_err(Error::internal)?;
        connections.retain(|connection| connection.seen > oldest);
        Ok(connections)
    }

    async fn keep(&self, user: Uuid, connections: &[Connection]) -> Result<()> {
        if connections.is_empty() {
            return self.platform.cache.remove(&key(user)).await;
        }
        let kept = serde_json::to_vec(connections).map_err(Error::internal)?;
        self.platform.cache.put(&key(user), kept.into(), BELIEVED).await
    }
}

fn key(user: Uuid) -> String {
    format!("session:present:{user}")
}
