//! A data folder with accounts and sessions, made once and copied for each seed.

use crate::{
    dice::Dice,
    gate::Gate,
    history::History,
    ports::{Appended, MemorySecrets, WallClock},
    process::{Role, Site},
    provider::Simulated,
};
use ai::providers::Wire;
use anyhow::{Context as _, Result};
use platform::{network::Network, principal::Signer, secrets::Secrets as _};
use proto::{
    session::v1::{OpenRequest, sessions_client::SessionsClient},
    user::v1::{CreateFirstRequest, CreateRequest, user_client::UserClient},
};
use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::watch;

pub struct Template {
    folder: TempDir,
    /// A session of each person.
    pub tokens: Vec<String>,
    pub wire: Wire,
}

impl Template {
    pub fn make() -> Result<Self> {
        let folder = folder()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let wire = Wire::new(Duration::from_secs(1), &Network::default())?;
        let tokens = runtime.block_on(accounts(folder.path(), wire.clone()))?;
        drop(runtime);
        let file = rusqlite::Connection::open(folder.path().join("taifas.db"))?;
        file.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        drop(file);
        Ok(Self { folder, tokens, wire })
    }

    pub fn copy(&self) -> Result<TempDir> {
        let copy = folder()?;
        fs::copy(self.folder.path().join("taifas.db"), copy.path().join("taifas.db"))?;
        Ok(copy)
    }
}

/// In memory where there is such a place: what a kill leaves is what the kernel holds, and syncing it is
/// no part of that.
fn folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(folder) = tempfile::tempdir_in(memory)
    {
        return Ok(folder);
    }
    Ok(tempfile::tempdir()?)
}

async fn accounts(folder: &Path, wire: Wire) -> Result<Vec<String>> {
    let history = Arc::new(History::begin());
    let dice = Dice::new(0);
    let provider = Simulated { dice: dice.fork(), history: history.clone(), stormy: AtomicBool::new(false) };
    let site = Arc::new(Site {
        folder: folder.into(),
        file: Mutex::new(folder.join("taifas.db")),
        seed: 0,
        clock: Arc::new(WallClock::new()),
        secrets: Arc::new(MemorySecrets::default()),
        objects: Arc::new(object_store::memory::InMemory::new()),
        provider: Arc::new(provider),
        wire,
        history,
        appended: Arc::new(Appended::default()),
        dice,
        broken: None,
        shared: false,
        streams: Mutex::default(),
        front: watch::Sender::default(),
        started: AtomicU64::new(0),
    });
    let process = site.start(Arc::new(Gate::new(Dice::new(1))), Role::All).await?;
    let peers = process.peers();
    let key = site.secrets.get_or_create("principal-key", 32).await?;
    let signer = Signer::new(key.expose(), site.clock.clone())?;
    let identity = Arc::new(platform::principal::Identity::new(signer, "auth"));
    let mut users = UserClient::new(peers.peer("user").acting_as(identity.clone()));
    let mut sessions = SessionsClient::new(peers.peer("session").acting_as(identity));
    let mut tokens = Vec::new();
    for (name, number) in [("Ana", 1_u128), ("Dan", 2)] {
        let id = uuid::Uuid::from_u128(number | 7 << 76 | 2 << 62).as_bytes().to_vec();
        let email = format!("{}@example.org", name.to_lowercase());
        let role = if number == 1 {
            users.create_first(CreateFirstRequest { id: id.clone(), name: name.into(), email }).await?.into_inner().role
        } else {
            let asked =
                CreateRequest { id: id.clone(), name: name.into(), email, role: "user".into(), actor: Vec::new() };
            users.create(asked).await?.into_inner().role
        };
        let opened =
            sessions.open(OpenRequest { user: id, role, device: "simulation".into(), ..OpenRequest::default() });
        tokens.push(opened.await.context("a session")?.into_inner().token);
    }
    Ok(tokens)
}
