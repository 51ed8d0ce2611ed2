//! What people erased must not come back with a backup that still holds it. While the instance runs, every
//! erasure is written beside the database; a restore does again what was erased after the backup.

use crate::schema;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Platform,
    bus::{self, Delivery, Limits},
    db::{self, Db},
    erased::{Erased, JOURNAL, Kind},
    events::Topic,
    journal,
};
use proto::{Message as _, auth::v1::AuthChanged, session::v1::SessionChanged};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use uuid::Uuid;

const TOPICS: [Topic; 4] =
    [platform::topic!("user"), platform::topic!("chat"), platform::topic!("auth"), platform::topic!("session")];
/// A clock may have been set back between a backup and an erasure. To erase again what is not there does nothing.
const OVERLAP: TimeDelta = TimeDelta::days(7);

/// Writes every erasure into the journal of the data folder.
pub fn remember(platform: &Platform) {
    let journal = platform.folder.join(JOURNAL);
    for topic in TOPICS {
        let journal = journal.clone();
        bus::consume(platform, "erasures", topic, Limits { parallel: 1, ..Limits::default() }, move |delivery| {
            let journal = journal.clone();
            async move {
                let Some(gone) = read(&delivery)? else { return Ok(()) };
                let written = tokio::task::spawn_blocking(move || journal::append(&journal, &[gone]));
                // tried until the disk takes it: what is not noted comes back with a backup
                let unwritten =
                    |error| Error::unavailable(format!("the journal of erasures cannot be written: {error}"));
                written.await.map_err(Error::internal)?.map_err(unwritten)
            }
            .boxed()
        });
    }
}

fn read(delivery: &Delivery) -> platform::Result<Option<Erased>> {
    let payload = delivery.payload.as_slice();
    let id = |bytes: &[u8]| Uuid::from_slice(bytes).map_err(Error::internal);
    let (kind, id) = match delivery.kind.as_str() {
        "user.deleted" => (Kind::Account, delivery.space),
        "chat.erased" => (Kind::Chat, delivery.aggregate),
        "key.revoked" => (Kind::Key, id(&AuthChanged::decode(payload).map_err(Error::internal)?.id)?),
        "session.closed" => (Kind::Session, id(&SessionChanged::decode(payload).map_err(Error::internal)?.session)?),
        _ => return Ok(None),
    };
    Ok(Some(Erased { at: delivery.at, kind, space: delivery.space, id }))
}

/// What the journals say was erased after a moment.
pub fn since(journals: &[PathBuf], moment: DateTime<Utc>) -> Result<BTreeSet<Erased>> {
    let mut found = BTreeSet::new();
    for journal in journals {
        found.extend(journal::read::<Erased>(journal)?.into_iter().filter(|gone| gone.at > moment - OVERLAP));
    }
    Ok(found)
}

/// Erases it in a restored database, whose tables are brought up to date for it. What other services hold
/// of an account goes at the first start, when they hear of it.
pub async fn again(database: &Path, gone: &BTreeSet<Erased>) -> Result<usize> {
    let db = Db::open(database, &db::Options::default())?;
    schema::bring_up(&db).await?;
    let now = Utc::now();
    let mut done = 0;
    for one in gone {
        let erased = match one.kind {
            Kind::Account => user::erase_again(&db, one.id, now).await?,
            Kind::Chat => chat::erase_again(&db, one.space, one.id, now).await?,
            Kind::Key => auth::revoke_again(&db, one.space, one.id).await?,
            Kind::Session => session::close_again(&db, one.space, one.id, now).await?,
        };
        done += usize::from(erased);
    }
    db.checkpoint().await?;
    Ok(done)
}
