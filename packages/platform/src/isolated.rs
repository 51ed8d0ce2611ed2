//! For tests: a platform of a test's own, on the real embedded adapters in a folder of its own, with
//! the time and the ids that the test decides. Two of them share nothing. `taifas` builds its
//! platform from the configuration instead.

use crate::{
    Platform, Result,
    bus::TableBus,
    cache::MemoryCache,
    clock::Clock,
    db::{self, Db},
    hints::{self, MemoryHints},
    ids::Ids,
    network::Network,
    objects::FileObjects,
    peers::LocalPeers,
    pressure::Pressure,
    principal::Signer,
    secrets::{FileSecrets, Secrets as _},
    service::Background,
    streams::{self, FileStreams},
    tasks::TableTasks,
    telemetry::Metrics,
};
use std::{path::Path, sync::Arc};

/// A platform whose files lie in `folder` (a temporary one), with nothing taken from the
/// environment. The same folder again, after the first platform is dropped, is a restart.
///
/// # Errors
/// When the folder cannot be used.
pub async fn platform(folder: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Platform> {
    let db = Db::open(&folder.join("taifas.db"), &db::Options::default())?;
    let secrets = FileSecrets::with_environment(folder.join("secrets"), |_| None)?;
    let key = secrets.get_or_create("principal-key", 32).await?;
    Ok(Platform {
        bus: Arc::new(TableBus::open(db.clone(), clock.clone()).await?),
        tasks: Arc::new(TableTasks::open(db.clone(), clock.clone()).await?),
        objects: Arc::new(FileObjects::open(folder.join("objects"))?),
        db,
        cache: Arc::new(MemoryCache::default()),
        streams: Arc::new(FileStreams::open(folder.join("streams"), streams::Options::default())?),
        hints: Arc::new(MemoryHints::new(ids.id().as_u64_pair().1, hints::Options::default())),
        peers: Arc::new(LocalPeers::default()),
        secrets: Arc::new(secrets),
        signer: Signer::new(key.expose(), clock.clone())?,
        clock,
        ids,
        metrics: Metrics::new()?,
        background: Background::default(),
        pressure: Pressure::default(),
        identity: None,
        network: Network::default(),
        folder: folder.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::SystemClock,
        db::{Migration, Scope},
        ids::SystemIds,
        principal::Caller,
    };
    use futures_util::FutureExt as _;

    const MIGRATIONS: &[Migration] =
        &[Migration { version: 1, name: "notes", sql: "create table note_notes (text text not null);" }];

    #[tokio::test]
    async fn the_same_folder_again_is_a_restart_and_another_one_is_another_instance() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let open = async |folder: &Path| platform(folder, Arc::new(SystemClock), Arc::new(SystemIds)).await.unwrap();

        let before = open(first.path()).await;
        before.db.migrate("note", MIGRATIONS).await.unwrap();
        before
            .db
            .write(Scope::System, move |tx| {
                async move { tx.query("insert into note_notes (text) values ('kept')").run().await }.boxed()
            })
            .await
            .unwrap();
        let principal = before.signer.sign(&Caller::Service("note".into())).unwrap();
        drop(before);

        let after = open(first.path()).await;
        let kept = after.db.read(Scope::System, |tx| {
            async move { tx.query("select text from note_notes").value::<String>().await }.boxed()
        });
        assert_eq!(kept.await.unwrap().as_deref(), Some("kept"));
        assert!(after.signer.verify(principal.as_bytes()).is_ok());
        assert!(open(second.path()).await.signer.verify(principal.as_bytes()).is_err());
    }
}
