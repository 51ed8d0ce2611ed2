//! `taifas migrate`, and what other commands ask about the tables: which version this program knows, and
//! which a file has.

use crate::settings::Settings;
use anyhow::{Result, ensure};
use platform::{
    config::Ports,
    db::{self, Db, Migration, Offline},
    folder::DataFolder,
    storage,
};
use std::{collections::BTreeMap, io::Write as _};

/// Every service's steps, made by `build.rs`.
const SERVICES: &[(&str, &[Migration])] = include!(concat!(env!("OUT_DIR"), "/schema.rs"));

fn all() -> Vec<(&'static str, &'static [Migration])> {
    storage::migrations().into_iter().chain(SERVICES.iter().copied()).collect()
}

/// The versions that this program knows.
pub fn known() -> BTreeMap<String, u32> {
    let last = |steps: &[Migration]| steps.iter().map(|step| step.version).max().unwrap_or(0);
    all().into_iter().map(|(name, steps)| (name.to_owned(), last(steps))).collect()
}

/// The tables that a newer program has brought further than this one knows.
pub fn newer(found: &BTreeMap<String, u32>) -> Vec<String> {
    let known = known();
    found
        .iter()
        .filter_map(|(name, version)| match known.get(name) {
            Some(ours) if ours >= version => None,
            Some(ours) => Some(format!("{name} is at {version}, this program knows {ours}")),
            None => Some(format!("{name} is not known to this program")),
        })
        .collect()
}

/// What there is to do, as `name: from → to`.
pub fn pending(found: &BTreeMap<String, u32>) -> Vec<String> {
    let ahead = |(name, to): (String, u32)| {
        let from = found.get(&name).copied().unwrap_or(0);
        (from < to).then(|| format!("{name}: {from} → {to}"))
    };
    known().into_iter().filter_map(ahead).collect()
}

/// Brings the tables of a stopped instance to this program's version, or only says what there is to do.
pub async fn migrate(settings: &Settings, only_look: bool) -> Result<()> {
    let file = settings.data.join(Ports::after(&settings.platform.database, "database", "sqlite")?);
    let found = if file.exists() { Offline::open(&file)?.versions()? } else { BTreeMap::new() };
    let newer = newer(&found);
    ensure!(
        newer.is_empty(),
        "the database was last used by a newer Taifas ({}); start that version, or restore a backup made before the upgrade",
        newer.join("; ")
    );
    let pending = pending(&found);
    let mut out = std::io::stdout().lock();
    if pending.is_empty() {
        writeln!(out, "The tables are up to date.")?;
        return Ok(());
    }
    if only_look {
        writeln!(out, "To do: {}", pending.join(", "))?;
        return Ok(());
    }
    let folder = DataFolder::open(&settings.data)?;
    let file = folder.path().join(Ports::after(&settings.platform.database, "database", "sqlite")?);
    let db = Db::open(&file, &db::Options::default())?;
    bring_up(&db).await?;
    db.checkpoint().await?;
    writeln!(out, "Done: {}", pending.join(", "))?;
    Ok(())
}

/// Brings the tables of an open database to this program's version.
pub async fn bring_up(db: &Db) -> platform::Result<()> {
    for (name, steps) in all() {
        db.migrate(name, steps).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_with_tables_is_known() {
        let known = known();
        for name in ["bus", "tasks", "user", "auth", "session", "chat", "ai"] {
            assert!(known.get(name).is_some_and(|version| *version > 0), "{name} in {known:?}");
        }
        let mut ahead = known.clone();
        ahead.insert("chat".into(), 999);
        ahead.insert("later".into(), 1);
        assert_eq!(newer(&ahead).len(), 2);
        assert!(newer(&known).is_empty() && pending(&known).is_empty());
        assert_eq!(pending(&BTreeMap::new()).len(), known.len());
    }
}
